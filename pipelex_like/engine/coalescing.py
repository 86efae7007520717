"""Equal requests that are under way at the same time, sent once."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from pipelex_like.errors import PipelexLikeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

V = TypeVar("V")


@dataclass(slots=True, eq=False)
class Flight:
    """A request under way, and how many wait for it."""

    task: asyncio.Task[object]
    waiting: int = 0


class Coalescer:
    """Lets equal requests on one loop share one answer. Loops and threads do not meet: a task belongs to its loop."""

    def __init__(self) -> None:
        self._loops: dict[asyncio.AbstractEventLoop, dict[str, Flight]] = {}

    async def share(self, key: str, ask: Callable[[], Awaitable[V]]) -> tuple[V, bool]:
        """Give what `ask` gives, or what somebody else gets who asks under the same key at this moment (then True).

        `ask` runs in a task of its own and goes on while anybody waits for it; the last one who is cancelled cancels
        it, and leaves when it has ended. If it fails, whoever began it gets the error itself and every other one a
        copy, so that nobody changes another's; an error that is not of this package is the same for all.
        """
        flights = self._flights()
        flight = flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = flights[key] = Flight(asyncio.create_task(_run(ask)))
            flight.task.add_done_callback(lambda _: self._landed(flights, key, flight))
            flight.task.add_done_callback(_heard)
        flight.waiting += 1
        try:
            await asyncio.wait({flight.task})
        except asyncio.CancelledError:
            if flight.waiting == 1 and not flight.task.done():
                self._landed(flights, key, flight)
                await _stop(flight.task)
            raise
        finally:
            flight.waiting -= 1
        try:
            return cast("V", flight.task.result()), joined
        except PipelexLikeError as error:
            if not joined:
                raise
            raise copy(error) from error.__cause__

    def _flights(self) -> dict[str, Flight]:
        loop = asyncio.get_running_loop()
        flights = self._loops.get(loop)
        if flights is None:
            for other in [known for known in list(self._loops) if known.is_closed()]:
                self._loops.pop(other, None)
            flights = self._loops[loop] = {}
        return flights

    def _landed(self, flights: dict[str, Flight], key: str, flight: Flight) -> None:
        """Let nobody join it any more."""
        loop = asyncio.get_running_loop()
        if flights.get(key) is flight:
            del flights[key]
        if not flights and self._loops.get(loop) is flights:
            del self._loops[loop]


async def _run(ask: Callable[[], Awaitable[object]]) -> object:
    return await ask()


async def _stop(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if task.cancelled():
        # Raises the worker's own cancellation, which may tell of a job that was left.
        task.result()


def _heard(task: asyncio.Task[object]) -> None:
    # Nobody may be left to take the error; asyncio would complain of that.
    if not task.cancelled():
        task.exception()
