"""One call: its candidates in turn, or side by side, until one answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from pipelex_like.engine.objects import MisfitError
from pipelex_like.engine.resuming import job_left_by
from pipelex_like.engine.sending import keep, obtain
from pipelex_like.engine.walk import Walk
from pipelex_like.errors import CallError
from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipelex_like.deck import Candidate, Route
    from pipelex_like.engine.core import Core, State
    from pipelex_like.engine.limits import Rules
    from pipelex_like.engine.step import Step
    from pipelex_like.workers.base import ExtractWorker, ImageWorker, LlmWorker, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
R = TypeVar("R", LlmReply, ExtractReply, ImageReply)
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[J]):
    """Everything that is decided before the first request.

    `job_for` gives what to send to a candidate, and a line for each thing that had to be left out for it. `output` is
    what a language model was asked for: text or json.
    """

    core: Core
    state: State
    route: Route
    rules: Rules
    profile: str
    job_for: Callable[[Candidate], tuple[J, tuple[str, ...]]]
    tags: tuple[str, ...] = ()
    output: str | None = None
    streamed: bool = False


async def answer(
    call: Call[J],
    ask: Callable[[Worker, Step[J]], Awaitable[R]],
    check: Callable[[R], V],
) -> tuple[Walk[J], Step[J], R, V]:
    """Give the first answer that passes `check` (which raises MisfitError), and how it was come by.

    Raises the CallError of the call, with every attempt. A cancellation ends the request under way, and no other
    one begins.
    """
    walk = Walk(call)
    deadline = asyncio.timeout(walk.remaining())
    try:
        async with deadline:
            walk.until = deadline.when()
            if call.rules.hedge_after is None:
                return walk, *await _in_turn(walk, ask, check)
            from pipelex_like.engine.hedging import side_by_side

            return walk, *await side_by_side(walk, ask, check, call.rules.hedge_after)
    except TimeoutError as late:
        if not deadline.expired():
            raise
        raise walk.too_late(job_left_by(late)) from None
    finally:
        walk.close()


async def _in_turn(
    walk: Walk[J], ask: Callable[[Worker, Step[J]], Awaitable[R]], check: Callable[[R], V]
) -> tuple[Step[J], R, V]:
    for step in walk.steps():
        try:
            reply = await obtain(walk, step, ask)
        except CallError as error:
            walk.fail(step, error)
            continue
        try:
            value = check(reply)
        except MisfitError as misfit:
            walk.misfit(step, reply, misfit)
            continue
        walk.succeed(step, reply)
        await keep(walk, step, reply)
        return step, reply, value
    raise walk.error()


def ask_llm(worker: Worker, step: Step[LlmJob]) -> Awaitable[LlmReply]:
    """Ask for a whole answer."""
    return cast("LlmWorker", worker).generate(step.job, step.candidate, step.limits)


def ask_extract(worker: Worker, step: Step[ExtractJob]) -> Awaitable[ExtractReply]:
    """Ask for the pages of a document."""
    return cast("ExtractWorker", worker).extract(step.job, step.candidate, step.limits)


def ask_images(worker: Worker, step: Step[ImageJob]) -> Awaitable[ImageReply]:
    """Ask for pictures."""
    return cast("ImageWorker", worker).draw(step.job, step.candidate, step.limits)
