"""One client's connection: requests in, replies out, one after the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.sandbox.delivery import deliver
from pipelex_like.sandbox.faults import NO_FAULT
from pipelex_like.sandbox.formats import OPENAI
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.parsing import MAX_HEAD, MalformedError, RequestReader
from pipelex_like.sandbox.wire import head_of

if TYPE_CHECKING:
    from pipelex_like.sandbox.app import Application
    from pipelex_like.sandbox.delivery import After
    from pipelex_like.sandbox.wire import Request

_RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Connections:
    """All open connections; `abandoned` counts the replies whose client left before their end."""

    app: Application
    open: set[Connection] = field(default_factory=set["Connection"])
    abandoned: int = 0


class Connection(asyncio.Protocol):
    """Speaks HTTP/1.1: keep-alive, pipelining, `Expect: 100-continue`, back-pressure both ways."""

    def __init__(self, connections: Connections) -> None:
        self._all = connections
        self._reader = RequestReader()
        self._delivery: asyncio.Task[After] | None = None
        self._transport: asyncio.Transport
        self._room: asyncio.Future[None] | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            # asyncio leaves Nagle's algorithm on for a listening socket that does not name its protocol.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._all.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what is being sent; the client is gone."""
        self._ended = True
        self._all.open.discard(self)
        if self._delivery is not None and not self._delivery.done():
            self._all.abandoned += 1
            self._delivery.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and answer what is whole."""
        if self._ended:
            return
        self._reader.feed(data)
        if self._delivery is None:
            self._advance()
        elif self._reader.waiting > MAX_HEAD:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Let deliveries wait: the client is slower than they are."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let deliveries go on."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def write(self, data: bytes) -> None:
        """Hand bytes over; they may wait in memory."""
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken most of what waits."""
        if self._room is not None:
            await self._room

    def half_close(self) -> None:
        """Say that nothing more will come."""
        self._ended = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # TLS ends both ways at once
            self._transport.close()

    def cut(self) -> None:
        """Close the connection in the middle; under TLS without the farewell that tells an end from a cut."""
        self._ended = True
        if self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.abort()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        self._ended = True
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def abort(self) -> None:
        """Drop the connection, whatever is going on."""
        self._transport.abort()

    def _advance(self) -> None:
        """Answer requests until one takes its time or no whole one is there."""
        while self._delivery is None and not self._ended:
            try:
                request = self._reader.next()
            except MalformedError as error:
                self._refuse(error)
                return
            if request is None:
                if self._reader.must_continue():
                    self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._answer(request)

    def _refuse(self, error: MalformedError) -> None:
        reply = OPENAI.refuse(Refusal(str(error), status=error.status))
        self.write(head_of(reply, len(reply.body), keep_alive=False) + reply.body)
        self._finish("close")

    def _answer(self, request: Request) -> None:
        reply, fault = self._all.app.answer(request)
        bare = request.method == "HEAD"
        if fault is NO_FAULT and reply.events is None:
            head = head_of(reply, len(reply.body), keep_alive=request.keep_alive)
            self.write(head if bare else head + reply.body)
            self._finish("keep" if request.keep_alive else "close")
            return
        sending = deliver(reply, fault, self, keep_alive=request.keep_alive, bare=bare)
        self._delivery = asyncio.get_running_loop().create_task(sending)
        self._delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Task[After]) -> None:
        self._delivery = None
        if delivery.cancelled() or self._transport.is_closing():
            return
        self._finish(delivery.result())
        self._transport.resume_reading()
        self._advance()

    def _finish(self, after: After) -> None:
        if after == "close":
            self._ended = True
            self._transport.close()
