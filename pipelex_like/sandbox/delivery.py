"""Sending a reply, with everything that a fault does to time and to the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, Protocol

from pipelex_like.sandbox.wire import head_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.sandbox.faults import Fault
    from pipelex_like.sandbox.wire import Reply

    Ending = Literal["stall", "cut", "reset"]

_BLOCK = b"x" * (64 * 1024)
After = Literal["keep", "close", "leave"]
"""What becomes of the connection: it takes the next request, is closed, or is left for the client to close."""


class Outlet(Protocol):
    """The connection, as far as a delivery needs it."""

    def write(self, data: bytes) -> None:
        """Hand bytes over; they may wait in memory."""
        ...

    async def drain(self) -> None:
        """Wait until the client has taken most of what waits."""
        ...

    def half_close(self) -> None:
        """Say that nothing more will come."""
        ...

    def cut(self) -> None:
        """Close the connection in the middle of what is sent."""
        ...

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        ...


async def deliver(reply: Reply, fault: Fault, out: Outlet, *, keep_alive: bool, bare: bool) -> After:
    """Send the reply as the fault wants it; `bare` sends the headers only (HEAD)."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    ending = _ending(fault)
    if ending and ending[1] == 0:
        return await _end(ending[0], out)
    keep_alive = keep_alive and not reply.close_framed
    whole = reply.events is None and not reply.padding
    out.write(head_of(reply, len(reply.body) if whole else None, keep_alive=keep_alive))
    if bare:
        return "keep" if keep_alive else "close"
    chunked = not whole and not reply.close_framed
    await _send_body(reply, fault, out, chunked=chunked, most=ending[1] if ending else None)
    if ending:
        return await _end(ending[0], out)
    if reply.close_framed:
        out.half_close()
        return "leave"
    if chunked:
        out.write(b"0\r\n\r\n")
    return "keep" if keep_alive else "close"


async def _send_body(reply: Reply, fault: Fault, out: Outlet, *, chunked: bool, most: int | None) -> None:
    """Send the pieces; with `most` that many at the most, and never all of them."""
    pieces = _pieces(reply)
    end = len(pieces) if most is None else min(most, len(pieces) - 1)
    for at, piece in enumerate(pieces[:end]):
        if wait := fault.between if at else fault.first:
            await asyncio.sleep(wait)
        for data in _filled(piece, reply.padding) if at == len(pieces) - 1 else (piece,):
            await _write(data, fault, out, chunked=chunked)


def _ending(fault: Fault) -> tuple[Ending, int] | None:
    if fault.stall is not None:
        return "stall", fault.stall
    if fault.cut is not None:
        return "cut", fault.cut
    return ("reset", fault.reset) if fault.reset is not None else None


async def _end(ending: Ending, out: Outlet) -> After:
    if ending == "stall":
        await asyncio.get_running_loop().create_future()
    if ending == "reset":
        out.reset()
    else:
        out.cut()
    return "close"


def _pieces(reply: Reply) -> tuple[bytes, ...]:
    """The events; of a body its halves; filler goes into the last piece."""
    if reply.events is not None:
        return (*reply.events[:1], b'data: {"padding": ""}\n\n') if reply.padding else reply.events
    middle = len(reply.body) // 2
    return reply.body[:middle], reply.body[middle:]


def _filled(piece: bytes, padding: int) -> Iterator[bytes]:
    """Write the filler into the JSON of the piece, before its closing brace."""
    at = piece.rfind(b"}")
    if not padding or at < 0:
        yield piece
        return
    yield piece[:at] + b', "filler": "'
    for _ in range(padding // len(_BLOCK)):
        yield _BLOCK
    yield b'"' + piece[at:]


async def _write(data: bytes, fault: Fault, out: Outlet, *, chunked: bool) -> None:
    if not data:
        return
    step = len(data) if fault.slow is None else max(1, int(fault.slow / 20))
    for at in range(0, len(data), step):
        part = data[at : at + step]
        out.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        await out.drain()
        await asyncio.sleep(len(part) / fault.slow if fault.slow else 0)
