"""Splits a stream of bytes into the events of AWS's event stream, which the SDK reads and whose checksums it checks.

The format: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from botocore.eventstream import EventStreamBuffer, ParserError

from pipelex_like.workers.translate import TooLargeError, unfit
from pipelex_like.workers.transport import ServerEvent

if TYPE_CHECKING:
    from pipelex_like.workers.translate import Called


class FrameSplitter:
    """Gives each event as JSON of one key, as Bedrock's documentation writes it: `{"messageStop": {...}}`.

    Holds at most `most` bytes of an unfinished event; raises TooLargeError beyond, and InvalidResponseError for what
    is no event stream.
    """

    def __init__(self, called: Called, most: int) -> None:
        self._called = called
        self._most = most
        self._buffer: Any = EventStreamBuffer()
        self._held = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the events that they complete."""
        self._held += len(chunk)
        found: list[ServerEvent] = []
        try:
            self._buffer.add_data(chunk)
            for frame in self._buffer:
                self._held -= frame.prelude.total_length
                self._check(frame.prelude.total_length)
                found.append(_event(frame))
        except ParserError as error:
            raise unfit(self._called, f"the stream holds what is no event of AWS ({error})") from error
        self._check(self._held)
        return found

    def _check(self, size: int) -> None:
        if size > self._most:
            raise TooLargeError(f"an event of the stream is larger than {self._most} bytes")


def _event(frame: Any) -> ServerEvent:
    headers: dict[str, object] = frame.headers
    payload: bytes = frame.payload or b"{}"
    kind = headers.get(":event-type") or headers.get(":exception-type")
    if kind is None:  # an error that the service's model does not know
        kind = headers.get(":error-code", "error")
        payload = orjson.dumps({"message": headers.get(":error-message", "")})
    name = str(kind)
    return ServerEvent(name.encode(), b"{%b:%b}" % (orjson.dumps(name), payload))
