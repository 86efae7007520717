"""The way of a call along its candidates: who is asked next, and after what."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from pipelex_like.engine.noting import Notes
from pipelex_like.engine.objects import repaired
from pipelex_like.engine.order import in_order
from pipelex_like.engine.ready import made_ready
from pipelex_like.engine.replies import unfit, who
from pipelex_like.engine.resuming import taken_up
from pipelex_like.engine.stakes import drop, take
from pipelex_like.engine.step import Step
from pipelex_like.engine.telemetry import SILENT
from pipelex_like.errors import CallError, CallTimeoutError, InvalidResponseError, OverloadedError
from pipelex_like.resilience.actions import action_for
from pipelex_like.resilience.backoff import pause
from pipelex_like.resilience.budget import CallBudget
from pipelex_like.types import ExtractJob, ImageJob, LlmJob, LlmReply
from pipelex_like.workers.base import way_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelex_like.deck import Candidate
    from pipelex_like.deck.policy import Action
    from pipelex_like.engine.calls import Call
    from pipelex_like.engine.objects import MisfitError
    from pipelex_like.engine.record import Record
    from pipelex_like.engine.replies import Reply
    from pipelex_like.types import Piece
    from pipelex_like.workers.base import Access, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


class Walk(Generic[J]):
    """Goes through the candidates. For each step, `enter` it before it is sent; one of `fail`, `misfit`,
    `overtaken` and `succeed` ends it. When no step is left, raise `error()`; in the end, call `close`.

    `away` are the seconds that the caller took over the events of a stream: they do not count against the deadline.
    `until` is the moment of the loop's clock at which the call is given up.
    """

    def __init__(self, call: Call[J]) -> None:
        runtime, rules, telemetry = call.core.runtime, call.rules, call.core.governor.telemetry
        limited = rules.max_cost is not None or rules.max_total_tokens is not None
        self.call = call
        self.started = runtime.clock()
        self.request_id = runtime.request_id()
        self.away = 0.0
        self.until: float | None = None
        self._deadline = rules.deadline
        self._budget = CallBudget(rules.max_cost, rules.max_total_tokens) if limited else None
        self._notes: Notes[J] = Notes(call, self.request_id, self._budget)
        self.span = SILENT
        if telemetry is not None:
            kind, reference = call.route.kind, call.route.reference
            self.span = telemetry.call(
                kind=kind, reference=reference, profile=call.profile, request_id=self.request_id, output=call.output
            )
        self._cooling: list[Candidate] = []
        self._sent = 0
        self._note = ""
        self._over = False
        self._latest: Step[J] | None = None
        self._begin(alone=True, forced=True)

    @property
    def record(self) -> Record:
        """The attempts so far."""
        return self._notes.record

    def _begin(self, *, alone: bool, forced: bool, tries: int = 0, repairs: int = 0) -> None:
        self._alone, self._forced, self._tries, self._repairs = alone, forced, tries, repairs
        self._action: Action = "next"
        self._failures = 0
        self._pause = 0.0
        self._repaired: J | None = None

    def steps(self) -> Iterator[Step[J]]:
        """Give the next request as long as the last one failed in a way that lets another follow.

        Candidates that cool down are passed over; where that leaves nobody, they are asked after all.
        """
        candidates = in_order(self.call)
        yield from self._round(candidates, forced=len(candidates) == 1)
        if not self._sent and self._cooling:
            yield from self._round(tuple(self._cooling), forced=True)

    def _round(self, candidates: tuple[Candidate, ...], *, forced: bool) -> Iterator[Step[J]]:
        rules = self.call.rules
        for place, candidate in enumerate(candidates, start=1):
            if self._is_over():
                return
            try:
                job, adapted, opener = made_ready(self.call, candidate)
            except CallError as refusal:
                self.record.skip(candidate, refusal)
                continue
            alone, ways = place == len(candidates), rules.ways(candidate)
            self._begin(alone=alone, forced=forced, tries=1 + ways.retries, repairs=ways.repairs)
            while self._tries and not self._is_over():
                self._tries -= 1
                self._latest = self._step(candidate, self._repaired or job, adapted, opener)
                yield self._latest
                self._over = self._action == "stop"
                if self._action != "retry":
                    break

    def _is_over(self) -> bool:
        most = self.call.rules.max_attempts
        if most is not None and self._sent >= most:
            self._note = f" (max_attempts = {most} is reached)"
            return True
        return self._over or self.remaining() == 0

    def _step(
        self, candidate: Candidate, job: J, adapted: tuple[str, ...], opener: Callable[[Access], Worker]
    ) -> Step[J]:
        self._repaired = None
        limits = self.call.rules.limits(candidate, self.remaining())
        limits = limits if self.until is None else replace(limits, until=self.until)
        return Step(candidate=candidate, job=job, adapted=adapted, limits=limits, open=opener, pause=self._pause)

    def go_on(self) -> bool:
        """Let the next candidate be asked while this one still works; give False for the last one."""
        if self._action != "stop" and not self._alone:
            self._action = "next"
        return not self._alone

    def remaining(self) -> float | None:
        """Seconds left of the whole call, None without a deadline."""
        if self._deadline is None:
            return None
        return max(0.0, self.started + self._deadline + self.away - self.call.core.runtime.clock())

    async def enter(self, step: Step[J]) -> None:
        """Wait until the request may be sent. Raises the CallError for which it may not."""
        governor, runtime, rules = self.call.core.governor, self.call.core.runtime, self.call.rules
        candidate, stake = step.candidate, step.stake
        if not self._forced and not self._failures:
            self._check_health(candidate)
        self._notes.under_way.append(step)
        if step.pause:
            await runtime.sleep(step.pause)
        await take(stake, job=step.job, candidate=candidate, rules=rules, governor=governor, budget=self._budget)
        stake.started, stake.sent = runtime.clock(), True
        self._sent += 1
        if self.span is not SILENT:
            backend = rules.backends.get(candidate.backend)
            endpoint = None if backend is None else backend.text("endpoint")
            stake.span = self.span.attempt(candidate, candidate.settings, endpoint=endpoint)

    def _check_health(self, candidate: Candidate) -> None:
        if not self.call.rules.ways(candidate).cooldown:
            return
        why = self.call.core.governor.health.admit(candidate.backend, candidate.model_id)
        if why is not None:
            self._cooling.append(candidate)
            raise OverloadedError(f"{who(candidate)}: {why}")

    def _refuse(self, step: Step[J], refusal: CallError) -> None:
        if step in self._notes.under_way:
            self._notes.under_way.remove(step)
            drop(step.stake, step.candidate, self.call.core.governor, self._budget)
            self.call.core.governor.health.released(step.candidate.backend, step.candidate.model_id)
        self.record.skip(step.candidate, refusal)
        self._decided(step, "next")

    def fail(self, step: Step[J], error: CallError, reply: Reply | None = None, *, begun: bool = False) -> None:
        """Record a request that failed, and decide what follows it; `begun`: a part of the answer had come."""
        if not step.stake.sent and not step.stake.joined:
            self._refuse(step, error)
            return
        self._notes.failed(step, error, reply, begun=begun)
        action = self._after(step, error)
        self._decided(step, action)
        if action == "retry":
            self._repaired = taken_up(step.job, error)
        elif not step.stake.joined:
            self._judge(step.candidate, error)

    def _after(self, step: Step[J], error: CallError) -> Action:
        candidate, rules = step.candidate, self.call.rules
        self._failures += 1
        action = action_for(error, rules.ways(candidate).actions, alone=self._alone)
        if action != "retry":
            return action
        cap, left = rules.ways(candidate).retry_after_cap, self.remaining()
        wait = pause(self._failures, error, cap=cap, chance=self.call.core.runtime.chance)
        if not self._tries or self._is_over() or wait is None or (left is not None and wait >= left):
            return "next"
        self._pause = wait
        return "retry"

    def _decided(self, step: Step[J], action: Action) -> None:
        # One that another overtook decides nothing any more.
        if step is self._latest:
            self._action = action

    def _judge(self, candidate: Candidate, error: CallError) -> None:
        health, cooldown = self.call.core.governor.health, self.call.rules.ways(candidate).cooldown
        if isinstance(error, CallTimeoutError) and self.remaining() == 0:
            health.released(candidate.backend, candidate.model_id)
        else:
            health.given_up(candidate.backend, candidate.model_id, error, first=cooldown)

    def misfit(self, step: Step[J], reply: Reply, misfit: MisfitError, *, begun: bool = False) -> CallError:
        """Record an answer that is not what was asked for, and give its error.

        The same model gets a turn to mend it where that is of use: not what it refused, nor what was cut off, nor
        what somebody was shown (`begun`).
        """
        error = unfit(step.candidate, reply, misfit)
        self._notes.failed(step, error, reply, begun=begun)
        self._well(step)
        mendable = isinstance(error, InvalidResponseError) and self._repairs and self._tries and not begun
        if mendable and isinstance(reply, LlmReply) and reply.finish_reason != "length":
            self._repairs -= 1
            self._pause, self._repaired = 0.0, repaired(step.job, reply, misfit)
            self._decided(step, "retry")
        else:
            actions = self.call.rules.ways(step.candidate).actions
            self._decided(step, action_for(error, actions, alone=self._alone, misfit=True))
        return error

    def succeed(self, step: Step[J], reply: Reply) -> None:
        """Record the request that was answered."""
        seconds = self._notes.answered(step, reply)
        if not step.stake.at_hand:
            self._well(step)
            self.call.core.governor.figures.note(step.candidate.backend, step.candidate.model_id, seconds)
        self.span.end(cached=step.stake.at_hand)

    def _well(self, step: Step[J]) -> None:
        candidate = step.candidate
        self.call.core.governor.health.succeeded(candidate.backend, candidate.model_id, sent=step.stake.started)

    def overtaken(self, step: Step[J], reply: Reply | None = None) -> None:
        """Record a request that another candidate was faster than, with the answer that came too late."""
        self._leave(step, "another candidate answered first", paid=True, reply=reply)

    def close(self, seen: Sequence[Piece] = ()) -> None:
        """Record what was still under way: the caller went, or something broke that is no error of a call. `seen` is
        what had come of the answer."""
        for step in self._own():
            self._leave(step, "the call was cancelled", seen)
        self.span.end(asyncio.CancelledError())

    def _own(self) -> tuple[Step[J], ...]:
        return tuple(step for step in self._notes.under_way if not step.stake.goes_on)

    def _leave(
        self, step: Step[J], why: str, seen: Sequence[Piece] = (), *, paid: bool = False, reply: Reply | None = None
    ) -> None:
        if not step.stake.sent:
            self._refuse(step, CallError(f"{who(step.candidate)}: {why}"))
            return
        self.call.core.governor.health.released(step.candidate.backend, step.candidate.model_id)
        self._notes.abandoned(step, why, seen, paid=paid, reply=reply)

    def error(self) -> CallError:
        """Give the error of a call that nobody answered."""
        if self.remaining() == 0:
            return self.too_late()
        error = self.record.error(self.call.route.reference, self._note)
        self.span.end(error)
        return error

    def too_late(self, job_id: str | None = None) -> CallTimeoutError:
        """Give the error of a call whose time is over, with the requests that were given up, and the job they left."""
        job_id = job_id or next((failure.job_id for failure in self.record.failures if failure.job_id), None)
        message = f'no answer for "{self.call.route.reference}" within {self._deadline:g} s'
        under_way = tuple(self._notes.under_way)
        message = f"{who(under_way[-1].candidate)}: {message}" if under_way else message
        message = message if job_id is None else f"{message}. {way_back(job_id)}"
        for step in under_way:
            self._expire(step, CallTimeoutError(message, job_id=job_id))
        error = CallTimeoutError(message, attempts=tuple(self.record.attempts), job_id=job_id)
        self.span.end(error)
        return error

    def _expire(self, step: Step[J], error: CallTimeoutError) -> None:
        if step.stake.goes_on:
            self.record.abandon(step.candidate, "others wait for its answer", duration=self._notes.since(step))
        elif step.stake.sent:
            self.call.core.governor.health.released(step.candidate.backend, step.candidate.model_id)
            self._notes.failed(step, error, outcome="abandoned")
        else:
            self._refuse(step, error)

    def duration(self) -> float:
        """Seconds since the call began."""
        return max(0.0, self.call.core.runtime.clock() - self.started)
