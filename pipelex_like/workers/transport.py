"""Reading what a provider sends: never more than allowed, never waiting longer than allowed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipelex_like.workers.translate import TooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipelex_like.workers.base import Limits


async def read_all(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """Join the chunks of a body. Raises TooLargeError as soon as they pass `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise TooLargeError(f"the answer is larger than {most} bytes")
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_start(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """Give at most the first `most` bytes of a body and leave the rest unread."""
    start = b""
    async for chunk in chunks:
        start += chunk
        if len(start) >= most:
            break
    return start[:most]


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One server-sent event: its name (mostly empty) and its data."""

    name: bytes
    data: bytes


class Splitter(Protocol):
    """Splits a stream of bytes into events."""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the events that they complete."""
        ...


class EventSplitter:
    """Splits a stream of bytes into server-sent events, as https://html.spec.whatwg.org/#event-stream-interpretation.

    Holds at most `most` bytes of an unfinished event; raises TooLargeError beyond.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._after_cr = False

    @property
    def unfinished(self) -> bool:
        """Whether an event was begun and not ended by its blank line."""
        return bool(self._line or self._data)

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the events that they complete."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk[-1] == 0x0D
        lines = chunk.splitlines()
        rest = b"" if chunk[-1] in b"\r\n" else lines.pop()
        if lines and self._line:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        found = self._events(lines)
        self._line += rest
        self._check(len(self._line))
        return found

    def _events(self, lines: list[bytes]) -> list[ServerEvent]:
        found: list[ServerEvent] = []
        for line in lines:
            if line[:5] == b"data:":
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._size += len(value)
                self._check(0)
            elif not line:
                if self._data:
                    found.append(ServerEvent(self._name, b"\n".join(self._data)))
                self._data, self._size, self._name = [], 0, b""
            elif line[:6] == b"event:":
                self._name = line[6:].strip()
            elif line[:3] == _BYTE_ORDER_MARK:
                found += self._events([line[3:]])
        return found

    def _check(self, more: int) -> None:
        if self._size + more > self._most:
            raise TooLargeError(f"an event of the stream is larger than {self._most} bytes")


class LineSplitter:
    """Splits a stream of bytes into lines, each an event without a name; raises TooLargeError beyond `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._line = bytearray()

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the lines that they end, but for empty ones."""
        *ended, rest = (bytes(self._line) + chunk).split(b"\n")
        self._line = bytearray(rest)
        if max(map(len, (*ended, rest))) > self._most:
            raise TooLargeError(f"a line of the stream is larger than {self._most} bytes")
        return [ServerEvent(b"", line) for line in ended if line.strip()]


class EventReader:
    """Gives the events of a stream in the batches that they arrive in; server-sent ones, unless `splitter` says else.

    Only the waiting for the provider counts, not what the caller does in between. `first_by` and `last` are moments
    of the loop's clock: TimeoutError is raised if the first event does not come by the one, the end by the other,
    or an event within `between_events` of asking for it. Comments that only keep the connection open do not count.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        limits: Limits,
        *,
        first_by: float | None = None,
        last: float | None = None,
        splitter: Splitter | None = None,
    ) -> None:
        self._chunks = chunks
        self._splitter = splitter or EventSplitter(limits.max_event_bytes)
        self._between = limits.between_events
        self._last = last
        self._until = first_by if last is None else min(last, first_by or last)
        self._now = asyncio.get_running_loop().time

    async def batch(self) -> list[ServerEvent] | None:
        """Wait for the next events; None at the end of the stream."""
        if self._last is not None and self._now() >= self._last:
            raise TimeoutError
        until = self._until if self._until is not None else moment(self._now(), self._between, self._last)
        self._until = None
        async with asyncio.timeout_at(until):
            async for chunk in self._chunks:
                found = self._splitter.feed(chunk)
                if found:
                    return found
        return None

    async def drain(self, seconds: float) -> None:
        """Read on to the end, so that the connection can serve again; gives up after that time, or if more comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await read_start(self._chunks, 1)


def moment(now: float, wait: float | None, last: float | None) -> float | None:
    """Give the moment that comes first: `wait` seconds from now, or `last`; None if neither is bounded."""
    if wait is None:
        return last
    return now + wait if last is None else min(now + wait, last)
