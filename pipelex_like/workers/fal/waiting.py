"""Waiting for a job in fal's queue: how far it is, how long it may still wait and run, and how it is given up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fal_client import Completed, InProgress, Queued

from pipelex_like.errors import CallError, CallTimeoutError, ServerError
from pipelex_like.workers.translate import HttpRefusal, translating
from pipelex_like.workers.transport import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.workers.base import Limits
    from pipelex_like.workers.fal.client import Ticket
    from pipelex_like.workers.fal.request import Order
    from pipelex_like.workers.translate import Called

_FIRST_PAUSE = 0.05
_GROWTH = 1.5
_LONGEST_PAUSE = 2.0
_CANCEL_SECONDS = 2.0
# A job is looked at once more when its time is over; that look may take as long.
_LAST_LOOK_SECONDS = 1.0


def pauses() -> Iterator[float]:
    """Give the seconds to wait before each look at a job: short at first, never longer than two."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


class Work:
    """How far a job is: `over` once there is nothing of it to come back for, `place` is a sentence for a message."""

    def __init__(self, ticket: Ticket, order: Order | None) -> None:
        self.ticket = ticket
        self.order = order
        self.over = False
        self.place = ""

    @property
    def job_id(self) -> str | None:
        """The id to come back with, if there is something to come back for."""
        return None if self.over else self.ticket.job_id


async def finished(work: Work, limits: Limits, called: Called) -> str | None:
    """Wait until the job is done, and give the reason if it failed.

    Raises CallTimeoutError once it waited or ran for longer than the limits allow; a job that still waits then is
    taken out of the queue.
    """
    now = asyncio.get_running_loop().time
    running, rest = False, work.order is not None
    until = moment(now(), limits.start, None)
    for pause in pauses():
        if rest:
            await asyncio.sleep(pause if until is None else max(0.0, min(pause, until - now())))
        rest = True
        match await _look(work, until):
            case Completed() as done:
                return done.error
            case Queued(position=ahead):
                work.place = f"It waited in the queue, {ahead} ahead of it." if ahead else "It waited in the queue."
                # A job whose runner failed is queued again.
                if running:
                    running, until = False, moment(now(), limits.start, None)
            case InProgress():
                work.place = "It was being drawn."
                if not running:
                    running, until = True, moment(now(), limits.job, None)
            case _:
                pass
        if until is not None and now() >= until:
            raise await _too_late(work, limits, called, running=running)
    return None


async def _look(work: Work, until: float | None) -> object:
    last = None if until is None else max(until, asyncio.get_running_loop().time() + _LAST_LOOK_SECONDS)
    bound = asyncio.timeout_at(last)
    try:
        async with bound:
            return await work.ticket.look()
    except TimeoutError:
        if not bound.expired():
            raise
        return None
    except HttpRefusal as refusal:
        work.over = refusal.status in (404, 410)
        raise
    except ServerError:  # it ended under a status that the SDK does not know
        work.over = True
        raise


async def _too_late(work: Work, limits: Limits, called: Called, *, running: bool) -> CallTimeoutError:
    if running:
        text = f"the job ran for more than {limits.job:g} s, which is its `job_timeout`"
        return CallTimeoutError(called.says(text))
    text = f"the job waited in the queue for more than {limits.start:g} s, which is its `start_timeout`"
    said = await cancelled(work.ticket, called)
    if said == "OK":
        work.over = True
        gone = f"Job {work.ticket.job_id} was taken out of the queue and costs nothing: order it again"
        late = CallTimeoutError(called.says(text, f"{gone}, or raise `start_timeout`."))
        late.uncharged = True
        return late
    asked = "fal was asked to cancel it, and it may have begun by then" if said else "fal did not cancel it"
    return CallTimeoutError(called.says(f"{text}; {asked}"))


async def cancelled(ticket: Ticket, called: Called) -> str | None:
    """Ask fal to cancel the job, and give its answer: `OK` for one that is out of the queue; None where it refused."""
    with suppress(CallError), translating(called):
        async with asyncio.timeout(_CANCEL_SECONDS):
            return await ticket.cancel()
    return None
