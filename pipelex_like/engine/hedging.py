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

    from pipelex_like.engine.step import Step
    from pipelex_like.engine.walk import Walk
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
    step = next(steps, None)
    try:
        while True:
            patience: float | None = None
            if step is not None:
                under_way[asyncio.create_task(_obtained(walk, step, ask))] = step
                patience = after
            if not under_way:
                raise walk.error()
            done, _ = await asyncio.wait(under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not done and not walk.go_on():
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            found = _first_good(walk, under_way, done, check)
            if found is not None:
                await keep(walk, *found[:2])
                await _stop(under_way)
                for task, slower in under_way.items():
                    _lost(walk, slower, task)
                return found
            if not done or step not in under_way.values():
                step = next(steps, None)
    except asyncio.CancelledError as stop:
        # What a worker tells of a job that it left is told on.
        raise asyncio.CancelledError(*stop.args, *await _stop(under_way)) from None
    finally:
        await _stop(under_way)


async def _stop(tasks: Iterable[asyncio.Task[R]]) -> list[object]:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    told: list[object] = []
    for task in tasks:
        try:
            task.exception()
        except asyncio.CancelledError as stop:
            told += stop.args
    return told


async def _obtained(walk: Walk[J], step: Step[J], ask: Callable[[Worker, Step[J]], Awaitable[R]]) -> R:
    return await obtain(walk, step, ask)


def _first_good(
    walk: Walk[J], under_way: dict[asyncio.Task[R], Step[J]], done: set[asyncio.Task[R]], check: Callable[[R], V]
) -> tuple[Step[J], R, V] | None:
    for task in [task for task in under_way if task in done]:
        step = under_way.pop(task)
        try:
            reply = task.result()
        except CallError as error:
            walk.fail(step, error)
            continue
        try:
            value = check(reply)
        except MisfitError as misfit:
            walk.misfit(step, reply, misfit)
            continue
        walk.succeed(step, reply)
        return step, reply, value
    return None


def _lost(walk: Walk[J], step: Step[J], task: asyncio.Task[R]) -> None:
    """Record one that came second, by what is known of it."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, CallError):
        walk.fail(step, error)
    else:
        walk.overtaken(step, None if task.cancelled() or error is not None else task.result())
