"""The values of HTTP here: what came in, what goes out, what is kept for a test to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS = {
    200: "OK",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    529: "Overloaded",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, whole. Header names are in lower case; `target` is the path with its query, as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A request as a test wants to see it; credentials read `[redacted]`.

    `number` counts from 1 since the start or the last reset; `body` is the parsed JSON, the bytes where it is
    none, or None without a body; `headers` have names in lower case.
    """

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: a body, or the events of a stream, each already framed as the format writes it.

    The last `tail` events say how the stream ended; a stream without them looks cut short. `padding` bytes of
    filler are sent inside the body, `close_framed` ends the body by closing the connection.
    """

    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    events: tuple[bytes, ...] | None = None
    tail: int = 0
    padding: int = 0
    close_framed: bool = False


def head_of(reply: Reply, length: int | None, *, keep_alive: bool) -> bytes:
    """Write status line and headers; `length` None means chunked, or closed at the end if `close_framed`."""
    lines = [
        f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Simulated')}",
        f"content-type: {reply.content_type}",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    if length is not None:
        lines.append(f"content-length: {length}")
    elif not reply.close_framed:
        lines.append("transfer-encoding: chunked")
    if not keep_alive:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
