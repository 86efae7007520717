"""How many requests a backend gets at once, first come first served over all loops and threads."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.errors import OverloadedError

if TYPE_CHECKING:
    import asyncio


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call in the queue, and the future on its loop that is done when it must look again."""

    loop: asyncio.AbstractEventLoop
    turn: asyncio.Future[None]

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._come)

    def _come(self) -> None:
        if not self.turn.done():
            self.turn.set_result(None)


@dataclass(slots=True, eq=False)
class _Gate:
    """The calls of one backend. `busy` counts the slots in use, with those of `called`: handed to a waiter that has
    not come yet.

    The lock is never held across an await. It can be taken again by its own thread, because a call that was dropped
    may be collected, and leave, at any moment.
    """

    backend: str
    limit: int | None = None
    busy: int = 0
    queue: OrderedDict[_Waiter, None] = field(default_factory=OrderedDict["_Waiter", None])
    called: set[_Waiter] = field(default_factory=set["_Waiter"])
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, limit: int | None, waiting: int) -> _Waiter | None:
        """Take a slot and give None, or stand in the queue."""
        with self.lock:
            self.limit = limit
            if self.queue or self._full():
                self._serve()
            if not self._full():
                self.busy += 1
                return None
            if len(self.queue) >= waiting:
                self._drop_dead()
            if len(self.queue) >= waiting:
                raise OverloadedError(self._told(waiting))
            return self._line_up()

    def _line_up(self) -> _Waiter:
        import asyncio

        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future())
        self.queue[waiter] = None
        return waiter

    def come(self, waiter: _Waiter) -> bool:
        """Tell whether the waiter has a slot now; else it has lost its place."""
        with self.lock:
            if waiter not in self.called:
                return False
            self.called.remove(waiter)
            return True

    def forget(self, waiter: _Waiter) -> None:
        """Take a waiter out that waits no more, and pass on what it was handed."""
        with self.lock:
            self.queue.pop(waiter, None)
            if waiter in self.called:
                self.called.remove(waiter)
                self.busy -= 1
            self._serve()

    def leave(self) -> None:
        with self.lock:
            self.busy = max(0, self.busy - 1)
            if self.queue:
                self._serve()

    def _full(self) -> bool:
        return self.limit is not None and self.busy >= self.limit

    def _serve(self) -> None:
        for waiter in [waiter for waiter in self.called if not waiter.loop.is_running()]:
            self.called.remove(waiter)
            self.busy -= 1
        while self.queue and not self._full():
            waiter, _ = self.queue.popitem(last=False)
            if waiter.loop.is_running():
                self.busy += 1
                self.called.add(waiter)
            # A loop that stands still may run again: its waiter is told too, and lines up anew.
            waiter.wake()

    def _drop_dead(self) -> None:
        for waiter in [waiter for waiter in self.queue if waiter.loop.is_closed()]:
            self.queue.pop(waiter, None)

    def _told(self, waiting: int) -> str:
        return (
            f'backend "{self.backend}" has no room: {self.busy} requests are under way (max_concurrency = {self.limit})'
            f" and {len(self.queue)} wait already (max_waiting = {waiting})."
            f" Send fewer at once, or raise one of the two in [{self.backend}] of backends.toml."
        )


class Gates:
    """A gate per backend. A forked child begins with none."""

    def __init__(self) -> None:
        self._tables: dict[int, dict[str, _Gate]] = {}

    def _table(self) -> dict[str, _Gate]:
        pid = os.getpid()
        return self._tables.get(pid) or self._tables.setdefault(pid, {})

    async def enter(self, backend: str, *, limit: int | None, waiting: int) -> None:
        """Wait for a slot among `limit` (None: any number), which must be given back with `leave`.

        Raises OverloadedError at once where `waiting` calls are in the queue already. A `limit` that changed counts
        from now on, for those in the queue too.
        """
        table = self._table()
        gate = table.get(backend) or table.setdefault(backend, _Gate(backend))
        while (waiter := gate.take(limit, waiting)) is not None:
            came = False
            try:
                await waiter.turn
                came = gate.come(waiter)
            finally:
                if not came:
                    gate.forget(waiter)
            if came:
                return

    def leave(self, backend: str) -> None:
        """Give a slot back, from any thread."""
        gate = self._table().get(backend)
        if gate is not None:
            gate.leave()

    def in_flight(self, backend: str) -> int:
        """Count the slots in use."""
        gate = self._table().get(backend)
        return 0 if gate is None else gate.busy
