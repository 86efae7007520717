"""Workers, one set per running event loop: SDK clients break when a second loop uses them."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable

    from pipelex_like.types import Kind
    from pipelex_like.workers.base import Worker


class Key(NamedTuple):
    """What makes two workers the same."""

    backend: str
    sdk: str
    kind: Kind
    fingerprint: str


@dataclass(slots=True, eq=False)
class Client:
    """A worker on one loop. `leases` counts the calls that hold it; one that is `retired` closes after the last."""

    key: Key
    worker: Worker
    home: LoopClients
    leases: int = 0
    retired: bool = False
    closing: bool = False


@dataclass(slots=True, eq=False)
class LoopClients:
    """The clients of one loop. `keeper` hangs on the loop and closes them when the loop is shut down in good order."""

    loop: asyncio.AbstractEventLoop
    clients: dict[Key, Client] = field(default_factory=dict[Key, Client])
    closing: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])
    keeper: AsyncGenerator[None] | None = None

    def close_soon(self, worker: Worker) -> None:
        """Close a worker in a task of this loop; only from the loop's own thread."""
        if not self.loop.is_closed():
            task = self.loop.create_task(worker.aclose())
            self.closing.add(task)
            task.add_done_callback(self.closing.discard)

    async def aclose(self) -> None:
        """Close every client; a worker that fails to close does not keep the others open."""
        import asyncio

        workers = [client.worker for client in self.clients.values()]
        self.clients.clear()
        await asyncio.gather(*(worker.aclose() for worker in workers), *self.closing, return_exceptions=True)


class Table:
    """The loops of one process. The lock is never held across an await."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loops: dict[asyncio.AbstractEventLoop, LoopClients] = {}

    async def enter(self, loop: asyncio.AbstractEventLoop) -> LoopClients:
        """Begin to keep clients on that loop, and forget the loops that are gone."""
        for other in [known for known in self.loops if known.is_closed()]:
            self.loops.pop(other, None)
        here = LoopClients(loop)
        here.keeper = self._keep(here)
        await anext(here.keeper)
        self.loops[loop] = here
        return here

    async def _keep(self, here: LoopClients) -> AsyncGenerator[None]:
        # asyncio.run closes the async generators of its loop while the loop still works: the one moment at which
        # the clients of a loop that we do not own can be closed on it.
        try:
            yield
        finally:
            self.loops.pop(here.loop, None)
            await here.aclose()


class Clients:
    """Lends workers out, by running loop and key. A forked child begins with none and leaves its parent's alone."""

    def __init__(self) -> None:
        self._tables: dict[int, Table] = {}
        self._live: Callable[[Key], bool] = lambda _: True

    def _table(self) -> Table:
        pid = os.getpid()
        return self._tables.get(pid) or self._tables.setdefault(pid, Table())

    async def take(self, key: Key, make: Callable[[], Worker]) -> Client:
        """Lend the client of this loop, made if there is none; give it back when the request has ended."""
        import asyncio

        loop = asyncio.get_running_loop()
        table = self._table()
        here = table.loops.get(loop) or await table.enter(loop)
        while True:
            client = here.clients.get(key)
            if client is None:
                client = here.clients[key] = Client(key, make(), here, retired=not self._live(key))
            with table.lock:
                if not client.closing:
                    client.leases += 1
                    return client

    def give_back(self, client: Client) -> None:
        """End a lease, on the loop where it began."""
        with self._table().lock:
            client.leases -= 1
            last = client.retired and not client.leases and not client.closing
            if last:
                client.closing = True
                client.home.clients.pop(client.key, None)
        if last:
            client.home.close_soon(client.worker)

    def retire(self, live: Callable[[Key], bool]) -> None:
        """Close what the new deck no longer reaches in the same way: idle clients now, the others after their call."""
        self._live = live
        table = self._table()
        with table.lock:
            gone = [client for here in list(table.loops.values()) for client in list(here.clients.values())]
            gone = [client for client in gone if not live(client.key)]
            for client in gone:
                client.retired = True
                client.closing = not client.leases
                if client.closing:
                    client.home.clients.pop(client.key, None)
        for client in gone:
            if client.closing:
                # A loop of another thread may end at any moment; its clients end with it.
                with suppress(RuntimeError):
                    client.home.loop.call_soon_threadsafe(client.home.close_soon, client.worker)

    async def aclose(self) -> None:
        """Close the clients of the running loop."""
        import asyncio

        here = self._table().loops.get(asyncio.get_running_loop())
        if here is not None and here.keeper is not None:
            await here.keeper.aclose()

    def close_others(self) -> None:
        """Ask every other loop that still runs to close its clients."""
        running = [here for here in self._table().loops.values() if here.loop.is_running()]
        if not running:
            return
        import asyncio

        for here in running:
            if here.keeper is not None:
                asyncio.run_coroutine_threadsafe(_close(here.keeper), here.loop)


async def _close(keeper: AsyncGenerator[None]) -> None:
    await keeper.aclose()
