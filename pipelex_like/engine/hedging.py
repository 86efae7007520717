"""A call that asks the next candidate as well when the first takes long: whoever answers first is taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from pipelex_like.engine.objects import MisfitError
from pipelex_like.engine.sending import keep, obtain
from pipelex_like.errors import CallError
from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pipelex_like.engine.walk import Step, Walk
    from pipelex_like.workers.base import Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
R = TypeVar("R", LlmReply, ExtractReply, ImageReply)
V = TypeVar("V")


async def side_by_side(
    walk: Walk[J], ask: Callable[[Worker, Step[J]], Awaitable[R]], check: Callable[[R], V], after: float
) -> tuple[Step[J], R, V]:
    """Give the first good answer; those who are still at work then are cancelled, and recorded as abandoned.

    `after` is in seconds. Raises the CallError of the call when nobody is left.
    """
    steps = walk.steps()
    under_way: dict[asyncio.Task[R], Step[J]] = {}
    more = True
    patience: float | None = after
    try:
        while True:
            step = next(steps, None) if more else None
            if step is not None:
                under_way[asyncio.create_task(_obtained(walk, step, ask))] = step
            elif more:
                patience = None
            if not under_way:
                raise walk.error()
            done, _ = await asyncio.wait(under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                walk.go_on()
            for task in done:
                step = under_way.pop(task)
                found = _judged(walk, step, task, check)
                if found is not None:
                    await keep(walk, step, found[0])
                    await _stop(under_way)
                    for slower in under_way.values():
                        walk.overtaken(slower)
                    return step, *found
            more = patience is not None and (not done or not under_way)
    finally:
        await _stop(under_way)


async def _stop(tasks: Iterable[asyncio.Task[R]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _obtained(walk: Walk[J], step: Step[J], ask: Callable[[Worker, Step[J]], Awaitable[R]]) -> R:
    return await obtain(walk, step, ask)


def _judged(walk: Walk[J], step: Step[J], task: asyncio.Task[R], check: Callable[[R], V]) -> tuple[R, V] | None:
    try:
        reply = task.result()
    except CallError as error:
        walk.fail(step, error)
        return None
    try:
        value = check(reply)
    except MisfitError as misfit:
        walk.misfit(step, reply, misfit)
        return None
    walk.succeed(step, reply)
    return reply, value
