"""A loopback HTTP server that answers what a test wrote down, and keeps what it was sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

STALL = None
"""In a body: send nothing more, and keep the connection open until the client goes away."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: object


@dataclass(kw_only=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: list[bytes | None] = field(default_factory=list)
    cut: bool = False
    pause: float = 0
    """Seconds before each piece of the body but the first."""


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(
        status=status, headers={"content-type": "application/json", **(headers or {})}, body=[orjson.dumps(value)]
    )


def sse(*chunks: object, end: bool = True, cut: bool = False, stall: bool = False) -> Answer:
    body: list[bytes | None] = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks]
    if end:
        body.append(b"data: [DONE]\n\n")
    if stall:
        body.append(STALL)
    return Answer(headers={"content-type": "text/event-stream", "x-request-id": "req-1"}, body=body, cut=cut)


def _parsed(raw: bytes) -> object:
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return raw


class Upstream:
    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.to_method: dict[str, Answer] = {}
        """What answers every request of that method, however many others came before."""
        self.seen: list[Seen] = []
        self.connections = 0
        self.gone = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.gone.set()
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(method=method, path=path, headers=headers, body=_parsed(raw)))
        answer = self.to_method.get(method) or self.answers.pop(0)
        lines = [f"HTTP/1.1 {answer.status} Any", "transfer-encoding: chunked", f"date: {formatdate(0, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for place, piece in enumerate(answer.body):
            if answer.pause and place:
                await asyncio.sleep(answer.pause)
            if piece is STALL:
                await writer.drain()
                await reader.read(1)
                return False
            if piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
        if answer.cut:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
