"""A call: its candidates in order, each request recorded, until one answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from pipelex_like.engine.clients import Key
from pipelex_like.engine.objects import MisfitError, repaired
from pipelex_like.engine.record import Record
from pipelex_like.engine.replies import consumed, unfit, who
from pipelex_like.engine.resuming import check_has_jobs, job_left_by, taken_up
from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CapabilityError,
    CredentialsError,
    InvalidResponseError,
)
from pipelex_like.resilience.actions import action_for
from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply
from pipelex_like.workers.base import way_back
from pipelex_like.workers.capability import capability_gap
from pipelex_like.workers.translate import Called, opening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from pipelex_like.deck import Candidate, Route
    from pipelex_like.engine.clients import Client
    from pipelex_like.engine.core import Core, State
    from pipelex_like.engine.limits import Rules
    from pipelex_like.engine.replies import Reply
    from pipelex_like.resilience.actions import Action
    from pipelex_like.workers.base import Access, ExtractWorker, ImageWorker, Limits, LlmWorker, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
R = TypeVar("R", LlmReply, ExtractReply, ImageReply)
V = TypeVar("V")


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
        self._repairs = 0
        self._repaired: J | None = None
        self._note = ""
        self.until: float | None = None

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
            self._repairs = call.rules.repairs(candidate)
            for _ in range(1 + call.rules.retries(candidate)):
                if most is not None and self._sent >= most:
                    self._note = f" (max_attempts = {most} is reached)"
                    return
                if self.remaining() == 0:
                    return
                self._sent += 1
                self._step = Step(
                    candidate=candidate,
                    job=self._repaired or job,
                    adapted=adapted,
                    limits=replace(call.rules.limits(candidate, self.remaining()), until=self.until),
                    open=opener,
                    started=call.core.runtime.clock(),
                )
                self._repaired = None
                yield self._step
                if self._action == "stop":
                    return
                if self._action == "next":
                    break
            self._repaired = None

    def _ready(self, candidate: Candidate) -> tuple[J, tuple[str, ...], Callable[[Access], Worker]]:
        call = self.call
        if candidate.broken is not None:
            raise CredentialsError(self._broken(candidate))
        transport = call.core.runtime.transport
        opener = transport.find(call.route.kind, candidate.sdk, backend=candidate.backend)
        job, adapted = call.job_for(candidate)
        check_has_jobs(job, candidate, call.state.loaded.deck.sdks.get(candidate.sdk))
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
        usage, cost = consumed(step.candidate, reply) if reply is not None else (None, None)
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
        self._repaired = taken_up(step.job, error)
        self._step = None

    def misfit(self, step: Step[J], reply: Reply, misfit: MisfitError, *, begun: bool = False) -> CallError:
        """Record an answer that is not what was asked for, and give its error.

        The same model gets a turn to mend it where that is of use: not what it refused, nor what was cut off, nor
        what somebody was shown (`begun`).
        """
        error = unfit(step.candidate, reply, misfit)
        self.fail(step, error, reply, begun=begun)
        mendable = isinstance(error, InvalidResponseError) and self._repairs and not begun
        if mendable and isinstance(reply, LlmReply) and reply.finish_reason != "length":
            self._repairs -= 1
            self._action, self._repaired = "retry", repaired(step.job, reply, misfit)
        return error

    def succeed(self, step: Step[J], reply: Reply) -> None:
        """Record the request that was answered."""
        usage, cost = consumed(step.candidate, reply)
        if isinstance(step.job, ImageJob) and step.job.resume is not None:
            self.record.settle(step.job.resume)
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
        if self.remaining() == 0:
            return self.too_late()
        return self.record.error(self.call.route.reference, self._note)

    def too_late(self, job_id: str | None = None) -> CallTimeoutError:
        """Give the error of a call whose time is over, with the request that was given up, and the job it left."""
        job_id = job_id or next((failure.job_id for failure in self.record.failures if failure.job_id), None)
        message = f'no answer for "{self.call.route.reference}" within {self._deadline:g} s'
        if self._step is not None:
            message = f"{who(self._step.candidate)}: {message}"
        message = message if job_id is None else f"{message}. {way_back(job_id)}"
        if self._step is not None:
            late = CallTimeoutError(message, job_id=job_id)
            self.record.fail(self._step.candidate, late, outcome="abandoned", duration=self._since(self._step.started))
        return CallTimeoutError(message, attempts=tuple(self.record.attempts), job_id=job_id)

    def duration(self) -> float:
        """Seconds since the call began."""
        return self._since(self.started)

    def _since(self, moment: float) -> float:
        return self.call.core.runtime.clock() - moment


async def lend(call: Call[J], step: Step[J]) -> Client:
    """Take the worker of this step on the running loop; it must be given back."""
    candidate, core = step.candidate, call.core
    core.check_open()
    reach = core.reach(call.state, call.rules.backends[candidate.backend], candidate.sdk, candidate.via)
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
            walk.until = deadline.when()
            return walk, *await _first(walk, ask, check)
    except TimeoutError as late:
        if not deadline.expired():
            raise
        raise walk.too_late(job_left_by(late)) from None


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
            walk.misfit(step, reply, misfit)
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
