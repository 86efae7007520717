"""One request of a language model and its answer, whole or streamed, whatever the wire format."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import httpx2

from pipelex_like.types import EndPiece, replay
from pipelex_like.workers.connection import request_id, whole
from pipelex_like.workers.translate import BrokenOffError, translating, unreadable
from pipelex_like.workers.transport import EventReader, EventSplitter, moment, read_start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from pipelex_like.types import LlmReply, Piece
    from pipelex_like.workers.base import Limits
    from pipelex_like.workers.translate import Called
    from pipelex_like.workers.transport import Splitter

# The end of the answer and the end of the body mostly share a packet; waiting longer would cost more than a
# connection saves.
_DRAIN_SECONDS = 0.1


class Collector(Protocol):
    """Puts the events of a stream together."""

    @property
    def done(self) -> bool:
        """Whether the provider sent its end marker."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        ...

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of."""
        ...

    def close(self) -> list[Piece]:
        """Take note that nothing more comes, and give the pieces still held. Raises if the answer is incomplete."""
        ...

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`send` sends the request and gives the reply unread, `read` makes a reply of a whole body and the request's id,
    `collect` begins a stream, and `split` its bytes' division into events, where they are no server-sent ones.
    `adapted` are the lines of what was changed in the request; `check` looks at the reply and may add to them."""

    called: Called
    limits: Limits
    send: Callable[[], Awaitable[httpx2.Response]]
    read: Callable[[bytes, str | None], LlmReply]
    collect: Callable[[], Collector]
    split: Callable[[], Splitter] | None = None
    check: Callable[[LlmReply], LlmReply] | None = None
    adapted: tuple[str, ...] = ()

    def reply_of(self, body: bytes, response: httpx2.Response) -> LlmReply:
        """Make the reply of a whole body."""
        reply = self.read(body, request_id(response))
        return self.checked(replace(reply, adapted=self.adapted) if self.adapted else reply)

    def checked(self, reply: LlmReply) -> LlmReply:
        """Give the reply as `check` leaves it."""
        return reply if self.check is None else self.check(reply)


async def answered(exchange: Exchange) -> LlmReply:
    """Give the whole answer. Raises CallError subclasses only."""
    limits = exchange.limits
    with translating(exchange.called):
        async with asyncio.timeout(limits.timeout):
            response = await exchange.send()
            raw = await whole(response, limits.max_response_bytes)
        return exchange.reply_of(raw, response)


async def streamed(begin: Callable[[], Exchange]) -> AsyncGenerator[Piece]:
    """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

    `begin` is called with the first step. Closing the generator closes the connection.
    """
    exchange = begin()
    limits = exchange.limits
    now = asyncio.get_running_loop().time()
    last = moment(now, limits.max_stream_seconds, None)
    first_by = moment(now, limits.first_event, last)
    with translating(exchange.called):
        async with asyncio.timeout_at(first_by):
            response = await exchange.send()
        try:
            if not _is_stream(response):
                async with asyncio.timeout_at(first_by):
                    reply = await _unstreamed(exchange, response)
                for piece in replay(reply):
                    yield piece
                return
            collector = exchange.collect()
            splitter = EventSplitter(limits.max_event_bytes) if exchange.split is None else exchange.split()
            reader = EventReader(response.aiter_bytes(), limits, first_by=first_by, last=last, splitter=splitter)
            while (batch := await _next(reader, collector)) is not None:
                for piece in batch:
                    yield piece
            for piece in collector.close():
                yield piece
            reply = collector.reply(request_id=request_id(response), adapted=exchange.adapted)
            yield EndPiece(exchange.checked(reply))
        finally:
            await response.aclose()


def _is_stream(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return "ndjson" in kind or ("json" not in kind and "html" not in kind)


async def _unstreamed(exchange: Exchange, response: httpx2.Response) -> LlmReply:
    if "json" not in response.headers.get("content-type", ""):
        raise unreadable(exchange.called, await read_start(response.aiter_bytes(), 512))
    return exchange.reply_of(await whole(response, exchange.limits.max_response_bytes), response)


async def _next(reader: EventReader, collector: Collector) -> list[Piece] | None:
    if collector.done:
        await reader.drain(_DRAIN_SECONDS)
        return None
    try:
        batch = await reader.batch()
    except (TimeoutError, httpx2.TransportError) as error:
        # Whoever said why it stopped has said everything; what is missing is politeness, at most the usage.
        if collector.finished:
            return None
        if isinstance(error, httpx2.TransportError):
            raise BrokenOffError from error
        raise
    if batch is None:
        return None
    return [piece for event in batch if not collector.done for piece in collector.feed(event.data)]
