"""Reading HTTP/1.1 requests from bytes as they arrive (RFC 9112). No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelex_like.sandbox.wire import Request

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d)\.(\d)\Z")


class MalformedError(Exception):
    """A request that cannot be read; `status` is what HTTP answers to it, and the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]
    length: int | None
    """None: chunked."""
    keep_alive: bool


class RequestReader:
    """Turns bytes into requests, one after the other."""

    __slots__ = ("_body", "_buffer", "_continued", "_head")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._body = bytearray()
        self._continued = False

    def feed(self, data: bytes) -> None:
        """Take bytes that arrived."""
        self._buffer += data

    @property
    def waiting(self) -> int:
        """Bytes taken and not yet given out as a request."""
        return len(self._buffer)

    def next(self) -> Request | None:
        """Give the next request, or None while it is incomplete. Raises MalformedError."""
        head = self._head = self._head or self._read_head()
        if head is None:
            return None
        body = self._read_chunks() if head.length is None else self._read_length(head.length)
        if body is None:
            return None
        self._head, self._continued = None, False
        return Request(
            method=head.method, target=head.target, headers=head.headers, body=body, keep_alive=head.keep_alive
        )

    def must_continue(self) -> bool:
        """Whether the client waits for `100 Continue`; true once per request."""
        if self._head is None or self._continued or self._buffer:
            return False
        self._continued = self._head.headers.get("expect", "").lower() == "100-continue"
        return self._continued

    def _read_head(self) -> _Head | None:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD or (end < 0 and len(self._buffer) > MAX_HEAD):
            raise MalformedError(431, f"The request's headers are longer than {MAX_HEAD} bytes.")
        if end < 0:
            return None
        text = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        return _parse_head(text)

    def _read_length(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _read_chunks(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n")) >= 0:
            digits = bytes(self._buffer[:end]).split(b";", 1)[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
                raise MalformedError(400, "The chunked body has a chunk without a readable size.")
            size = int(digits, 16)
            _refuse_large(len(self._body) + size)
            if size == 0:
                return self._end_chunks(end)
            if len(self._buffer) < end + 2 + size + 2:
                return None
            self._body += self._buffer[end + 2 : end + 2 + size]
            if not self._buffer.startswith(b"\r\n", end + 2 + size):
                raise MalformedError(400, "The chunked body has a chunk longer than its size says.")
            del self._buffer[: end + 4 + size]
        if len(self._buffer) > MAX_HEAD:
            raise MalformedError(400, "The chunked body has a chunk without a readable size.")
        return None

    def _end_chunks(self, line_end: int) -> bytes | None:
        trailer = self._buffer.find(b"\r\n\r\n", line_end)
        if trailer < 0:
            return None
        del self._buffer[: trailer + 4]
        body = bytes(self._body)
        self._body.clear()
        return body


def _parse_head(text: str) -> _Head:
    first, *lines = text.split("\r\n")
    match = _LINE.match(first)
    if match is None:
        raise MalformedError(400, "The request line cannot be read.")
    method, target, major, minor = match.groups()
    if major != "1":
        raise MalformedError(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    headers = _parse_headers(lines)
    if minor != "0" and "host" not in headers:
        raise MalformedError(400, 'The request has no "Host" header.')
    connection = headers.get("connection", "").lower()
    keep_alive = "keep-alive" in connection if minor == "0" else "close" not in connection
    return _Head(method, target, headers, _length(headers), keep_alive)


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.match(name) or "\r" in value or "\n" in value or "\0" in value:
            raise MalformedError(400, "A header line cannot be read.")
        name, value = name.lower(), value.strip(" \t")
        if name in headers and name == "content-length" and headers[name] != value:
            raise MalformedError(400, 'Two "Content-Length" headers disagree.')
        headers[name] = f"{headers[name]}, {value}" if name in headers and name != "content-length" else value
    return headers


def _length(headers: dict[str, str]) -> int | None:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise MalformedError(400, '"Transfer-Encoding" and "Content-Length" were both sent.')
        if coding.lower() != "chunked":
            raise MalformedError(501, 'Only "chunked" is known as a transfer encoding.')
        return None
    if length is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise MalformedError(400, 'The "Content-Length" header is no number.')
    _refuse_large(int(length))
    return int(length)


def _refuse_large(size: int) -> None:
    if size > MAX_BODY:
        raise MalformedError(413, f"The request's body is longer than {MAX_BODY} bytes.")
