"""How a step gets its answer: from the cache, together with an equal call, or by a request of its own."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar, cast

from pipelex_like.engine.caching import request_key
from pipelex_like.engine.clients import Key
from pipelex_like.engine.sandbox import NAME as SANDBOX
from pipelex_like.errors import CallError
from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply
from pipelex_like.workers.translate import Called, opening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipelex_like.engine.clients import Client
    from pipelex_like.engine.core import Reach
    from pipelex_like.engine.step import Step
    from pipelex_like.engine.walk import Walk
    from pipelex_like.workers.base import Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
R = TypeVar("R", LlmReply, ExtractReply, ImageReply)


async def obtain(walk: Walk[J], step: Step[J], ask: Callable[[Worker, Step[J]], Awaitable[R]]) -> R:
    """Give the answer to a step. Raises the CallError for which there is none."""
    rules = walk.call.rules
    if rules.cache is None and not rules.coalesce:
        return await _send(walk, step, ask)
    at_hand = await look_up(walk, step)
    if at_hand is not None:
        return cast("R", at_hand)
    key = step.stake.key
    if key is None or not rules.coalesce:
        return await _send(walk, step, ask)
    step.stake.joined = True
    try:
        reply, _ = await walk.call.core.governor.coalescer.share(key, lambda: _send_for_all(walk, step, ask))
    except asyncio.CancelledError:
        step.stake.left = True
        raise
    return reply


async def _send_for_all(walk: Walk[J], step: Step[J], ask: Callable[[Worker, Step[J]], Awaitable[R]]) -> R:
    """Send a request whose answer others may wait for. Where its own caller has gone by then, it is noted here."""
    stake = step.stake
    stake.joined, stake.flying = False, True
    try:
        reply = await _send(walk, step, ask)
    except CallError as error:
        if stake.left:
            walk.fail(step, error)
        raise
    else:
        if stake.left:
            walk.succeed(step, reply)
        return reply
    finally:
        stake.flying = False
        if stake.left:
            walk.close()


async def look_up(walk: Walk[J], step: Step[J]) -> LlmReply | ExtractReply | ImageReply | None:
    """Give the answer that the cache holds, if the call allows it; the step then knows it too."""
    rules, stake = walk.call.rules, step.stake
    reach = _reach(walk, step)
    stake.key = request_key(
        kind=walk.call.route.kind,
        candidate=step.candidate,
        # Its key is drawn anew by each process, and protects nothing.
        fingerprint=SANDBOX if step.candidate.backend == SANDBOX else reach.fingerprint,
        job=step.job,
    )
    if stake.key is not None and rules.cache is not None:
        stake.kept = await walk.call.core.governor.cache.get(stake.key, most_age=rules.cache)
    return stake.kept


async def keep(walk: Walk[J], step: Step[J], reply: LlmReply | ExtractReply | ImageReply) -> None:
    """Put a good answer into the cache, if the call allows it."""
    stake = step.stake
    if walk.call.rules.cache is not None and stake.key is not None and not stake.at_hand:
        await walk.call.core.governor.cache.put(stake.key, reply)


async def _send(walk: Walk[J], step: Step[J], ask: Callable[[Worker, Step[J]], Awaitable[R]]) -> R:
    await walk.enter(step)
    client = await lend(walk, step)
    span = step.stake.span
    try:
        with nullcontext() if span is None else span.sending():
            return await ask(client.worker, step)
    finally:
        walk.call.core.clients.give_back(client)


def _reach(walk: Walk[J], step: Step[J]) -> Reach:
    call, candidate = walk.call, step.candidate
    return call.core.reach(call.state, call.rules.backends[candidate.backend], candidate.sdk, candidate.via)


async def lend(walk: Walk[J], step: Step[J]) -> Client:
    """Take the worker of this step on the running loop; it must be given back."""
    candidate, core = step.candidate, walk.call.core
    core.check_open()
    reach = _reach(walk, step)
    key = Key(candidate.backend, candidate.sdk, walk.call.route.kind, reach.fingerprint)

    def opened() -> Worker:
        with opening(Called.of(reach.access, candidate)):
            return step.open(reach.access)

    return await core.clients.take(key, opened)
