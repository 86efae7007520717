"""A call: its candidates in order, each request recorded, until one answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from pipelex_like.engine.clients import Key
from pipelex_like.engine.objects import MisfitError
from pipelex_like.engine.record import Record
from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    CredentialsError,
    InvalidResponseError,
)
from pipelex_like.resilience.actions import action_for
from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply, Usage
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.capability import capability_gap
from pipelex_like.workers.translate import Called, opening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from decimal import Decimal

    from pipelex_like.deck import Candidate, Route
    from pipelex_like.engine.clients import Client
    from pipelex_like.engine.core import Core, State
    from pipelex_like.engine.limits import Rules
    from pipelex_like.resilience.actions import Action
    from pipelex_like.workers.base import Access, ExtractWorker, ImageWorker, Limits, LlmWorker, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
R = TypeVar("R", LlmReply, ExtractReply, ImageReply)
V = TypeVar("V")
Reply = LlmReply | ExtractReply | ImageReply

_MOST_OF_A_REFUSAL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[J]):
    """Everything that is decided before the first request.

    `job_for` gives what to send to a candidate, and a line for each thing that had to be left out for it.
    """

    core: Core
    state: State
    route: Route
    rules: Rules
    job_for: Callable[[Candidate], tuple[J, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[J]):
    """One request to be made."""

    candidate: Candidate
    job: J
    adapted: tuple[str, ...]
    limits: Limits
    open: Callable[[Access], Worker]
    started: float


class Walk(Generic[J]):
    """Goes through the candidates. For each step, call `fail` or `succeed`; when no step is left, raise `error()`."""

    def __init__(self, call: Call[J]) -> None:
        self.call = call
        self.record = Record()
        self.started = call.core.runtime.clock()
        self.request_id = call.core.runtime.request_id()
        self._deadline = call.rules.deadline
        self._action: Action = "next"
        self._sent = 0
        self._step: Step[J] | None = None
        self._note = ""

    def steps(self) -> Iterator[Step[J]]:
        """Give the next request as long as the last one failed in a way that lets another follow."""
        call = self.call
        most = call.rules.max_attempts
        for candidate in call.route.candidates:
            try:
                job, adapted, opener = self._ready(candidate)
            except CallError as refusal:
                self.record.skip(candidate, refusal)
                continue
            for _ in range(1 + call.rules.retries(candidate)):
                if most is not None and self._sent >= most:
                    self._note = f" (max_attempts = {most} is reached)"
                    return
                self._sent += 1
                self._step = Step(
                    candidate=candidate,
                    job=job,
                    adapted=adapted,
                    limits=call.rules.limits(candidate, self.remaining()),
                    open=opener,
                    started=call.core.runtime.clock(),
                )
                yield self._step
                if self._action == "stop":
                    return
                if self._action == "next":
                    break

    def _ready(self, candidate: Candidate) -> tuple[J, tuple[str, ...], Callable[[Access], Worker]]:
        call = self.call
        if candidate.broken is not None:
            raise CredentialsError(self._broken(candidate))
        transport = call.core.runtime.transport
        opener = transport.find(call.route.kind, candidate.sdk, backend=candidate.backend)
        job, adapted = call.job_for(candidate)
        gap = capability_gap(job, candidate.spec)
        if gap is not None:
            raise CapabilityError(f"{who(candidate)}: {gap}")
        return job, adapted, opener

    def _broken(self, candidate: Candidate) -> str:
        backend = self.call.rules.backends.get(candidate.backend)
        unsaid = [name for name in (backend.missing if backend else ()) if name not in (candidate.broken or "")]
        variables = f"; set {', '.join(unsaid)}" if unsaid else ""
        key_url = backend.spec.key_url if backend else None
        return f"{who(candidate)}: {candidate.broken}{variables}" + (f" (a key: {key_url})" if key_url else "")

    def remaining(self) -> float | None:
        """Seconds left of the whole call, None without a deadline."""
        if self._deadline is None:
            return None
        return max(0.0, self.started + self._deadline - self.call.core.runtime.clock())

    def fail(self, step: Step[J], error: CallError, reply: Reply | None = None, *, begun: bool = False) -> None:
        """Record a request that failed, and decide what follows it; `begun`: a part of the answer had come."""
        usage, cost = _consumed(step.candidate, reply) if reply is not None else (None, None)
        if begun and cost is None:
            cost = (None, f"{who(step.candidate)} did not come to the count of its broken stream")
        self.record.fail(
            step.candidate,
            error,
            usage=usage,
            cost=cost,
            request_id=reply.provider_request_id if reply is not None else None,
            duration=self._since(step.started),
        )
        self._action = action_for(error, self.call.rules.actions(step.candidate))
        self._step = None

    def succeed(self, step: Step[J], reply: Reply) -> None:
        """Record the request that was answered."""
        usage, cost = _consumed(step.candidate, reply)
        self.record.succeed(
            step.candidate,
            usage=usage,
            cost=cost,
            request_id=reply.provider_request_id,
            duration=self._since(step.started),
        )
        self._step = None

    def error(self) -> CallError:
        """Give the error of a call that nobody answered."""
        return self.record.error(self.call.route.reference, self._note)

    def too_late(self) -> CallTimeoutError:
        """Give the error of a call whose time is over, with the request that was given up."""
        message = f'no answer for "{self.call.route.reference}" within {self._deadline:g} s'
        if self._step is not None:
            message = f"{who(self._step.candidate)}: {message}"
            late = CallTimeoutError(message)
            self.record.fail(self._step.candidate, late, outcome="abandoned", duration=self._since(self._step.started))
        return CallTimeoutError(message, attempts=tuple(self.record.attempts))

    def duration(self) -> float:
        """Seconds since the call began."""
        return self._since(self.started)

    def _since(self, moment: float) -> float:
        return self.call.core.runtime.clock() - moment


async def lend(call: Call[J], step: Step[J]) -> Client:
    """Take the worker of this step on the running loop; it must be given back."""
    candidate, core = step.candidate, call.core
    core.check_open()
    reach = core.reach(call.state, call.rules.backends[candidate.backend], candidate.sdk)
    key = Key(candidate.backend, candidate.sdk, call.route.kind, reach.fingerprint)

    def opened() -> Worker:
        with opening(Called.of(reach.access, candidate)):
            return step.open(reach.access)

    return await core.clients.take(key, opened)


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
            return walk, *await _first(walk, ask, check)
    except TimeoutError:
        if not deadline.expired():
            raise
        raise walk.too_late() from None


async def _first(
    walk: Walk[J], ask: Callable[[Worker, Step[J]], Awaitable[R]], check: Callable[[R], V]
) -> tuple[Step[J], R, V]:
    for step in walk.steps():
        try:
            client = await lend(walk.call, step)
            try:
                reply = await ask(client.worker, step)
            finally:
                walk.call.core.clients.give_back(client)
        except CallError as error:
            walk.fail(step, error)
            continue
        try:
            value = check(reply)
        except MisfitError as misfit:
            walk.fail(step, unfit(step, reply, misfit), reply)
            continue
        walk.succeed(step, reply)
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


def unfit(step: Step[J], reply: Reply, misfit: MisfitError) -> CallError:
    """Give the error of an answer that is not what was asked for."""
    ended = reply.finish_reason if isinstance(reply, LlmReply) else "stop"
    error: CallError
    if isinstance(reply, LlmReply) and ended == "content_filter":
        said = " ".join(reply.text.split())[:_MOST_OF_A_REFUSAL]
        error = ContentPolicyError(f"{who(step.candidate)}: the model refused to answer: {said or 'it gave no reason'}")
    else:
        hint = "; the answer was cut at max_tokens: allow more" if ended == "length" else ""
        error = InvalidResponseError(f"{who(step.candidate)}: the answer does not fit: {misfit}{hint}")
    error.__cause__ = misfit
    return error


def _consumed(candidate: Candidate, reply: Reply) -> tuple[Usage, tuple[Decimal | None, str | None]]:
    match reply:
        case LlmReply(usage=usage):
            return usage or Usage(), cost_of(usage, candidate.spec)
        case ExtractReply(usage=given, pages=pages):
            usage = given or Usage()
            usage = usage if usage.pages else replace(usage, pages=len(pages))
            return usage, cost_of(usage, candidate.spec)
        case ImageReply(usage=given, images=images):
            usage = given or Usage()
            usage = usage if usage.images else replace(usage, images=len(images))
            quality = candidate.settings.get("quality")
            drawn = [(f"{one.width}x{one.height}", quality if isinstance(quality, str) else None) for one in images]
            return usage, cost_of(usage, candidate.spec, images=drawn)


def who(candidate: Candidate) -> str:
    """Name a candidate in a message."""
    return f"{candidate.backend} ({candidate.model_id})"
