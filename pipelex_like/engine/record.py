"""The record of a call: every try in order, and what they consumed together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelex_like.errors import (
    AllCandidatesFailedError,
    BudgetError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    InvalidResponseError,
    StreamInterruptedError,
    UnreachableError,
)
from pipelex_like.types import Attempt, Failure, Usage

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import Outcome

_ZERO = Decimal(0)
_GOOD = 200
_MAYBE_CHARGED = (CallTimeoutError, InvalidResponseError, StreamInterruptedError)
"""Errors after which a provider may have done, and charged for, work that it told nothing of."""


@dataclass(slots=True)
class Record:
    """Grows with the call. `failures` keeps the errors of the attempts, in the same order."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    failures: list[CallError] = field(default_factory=list[CallError])

    def skip(self, candidate: Candidate, error: CallError) -> None:
        """Note a candidate to which nothing was sent; that costs nothing."""
        self._add(candidate, error, outcome="skipped", usage=Usage(), cost=(_ZERO, None), duration=0.0)

    def fail(
        self,
        candidate: Candidate,
        error: CallError,
        *,
        outcome: Outcome = "failed",
        usage: Usage | None = None,
        cost: tuple[Decimal | None, str | None] | None = None,
        request_id: str | None = None,
        duration: float,
    ) -> Attempt:
        """Note a request that gave no good answer. Without a `cost`, one that the provider refused is free."""
        if cost is None and error.job_id is not None:
            cost = (None, f"queued job {error.job_id} of {_name(candidate)} was not finished; resume it")
        if cost is None:
            charged = isinstance(error, _MAYBE_CHARGED) and error.status in (None, _GOOD)
            charged = charged and not (isinstance(error, CallTimeoutError) and error.uncharged)
            # One that never reached the provider has no status: it cost nothing.
            charged = charged or (isinstance(error, UnreachableError | ContentPolicyError) and error.status == _GOOD)
            cost = (
                (None, f"what the failed attempt at {_name(candidate)} cost is not known") if charged else (_ZERO, None)
            )
        return self._add(
            candidate,
            error,
            outcome=outcome,
            usage=usage or Usage(),
            cost=cost,
            request_id=request_id,
            duration=duration,
        )

    def abandon(
        self,
        candidate: Candidate,
        why: str,
        *,
        usage: Usage | None = None,
        cost: tuple[Decimal | None, str | None] | None = None,
        duration: float,
    ) -> Attempt:
        """Note a request that was given up while it was under way. Without a `cost`, nobody knows what it came to."""
        attempt = Attempt(
            backend=candidate.backend,
            handle=candidate.handle,
            model_id=candidate.model_id,
            outcome="abandoned",
            error=Failure(type="CancelledError", message=f"{_name(candidate)}: {why}"),
            usage=usage or Usage(),
            cost=None if cost is None else cost[0],
            cost_note=f"what the request to {_name(candidate)} cost is not known: {why}" if cost is None else cost[1],
            duration=duration,
            via=candidate.via,
        )
        self.failures.append(CallError(f"{_name(candidate)}: {why}"))
        self.attempts.append(attempt)
        return attempt

    def settle(self, job_id: str) -> None:
        """Leave the cost of a job to the attempt that finishes it."""
        for place, failure in enumerate(self.failures):
            if failure.job_id == job_id:
                self.attempts[place] = replace(self.attempts[place], cost=_ZERO, cost_note=None)

    def succeed(
        self,
        candidate: Candidate,
        *,
        usage: Usage,
        cost: tuple[Decimal | None, str | None],
        request_id: str | None,
        duration: float,
        cached: bool = False,
    ) -> Attempt:
        """Note the request that was answered; `cached`: nothing had to be sent."""
        attempt = Attempt(
            backend=candidate.backend,
            handle=candidate.handle,
            model_id=candidate.model_id,
            outcome="ok",
            usage=usage,
            cost=cost[0],
            cost_note=cost[1],
            provider_request_id=request_id,
            duration=duration,
            via=candidate.via,
            cached=cached,
        )
        self.attempts.append(attempt)
        return attempt

    def _add(
        self,
        candidate: Candidate,
        error: CallError,
        *,
        outcome: Outcome,
        usage: Usage,
        cost: tuple[Decimal | None, str | None],
        request_id: str | None = None,
        duration: float,
    ) -> Attempt:
        self.failures.append(error)
        attempt = Attempt(
            backend=candidate.backend,
            handle=candidate.handle,
            model_id=candidate.model_id,
            outcome=outcome,
            error=Failure(type=type(error).__name__, message=str(error)),
            status=error.status,
            usage=usage,
            cost=cost[0],
            cost_note=cost[1],
            provider_request_id=request_id,
            duration=duration,
            via=candidate.via,
        )
        self.attempts.append(attempt)
        return attempt

    @property
    def usage(self) -> Usage:
        """What all attempts consumed."""
        if len(self.attempts) == 1:
            return self.attempts[0].usage
        return sum((attempt.usage for attempt in self.attempts), Usage())

    @property
    def cost(self) -> tuple[Decimal | None, str | None]:
        """What all attempts cost, in US dollars; None and the reason where one of them is not known."""
        total = _ZERO
        for attempt in self.attempts:
            if attempt.cost is None:
                return None, attempt.cost_note
            total += attempt.cost
        notes = [attempt.cost_note for attempt in self.attempts if attempt.cost_note]
        return total, "; ".join(dict.fromkeys(notes)) or None

    def error(self, reference: str, note: str = "") -> CallError:
        """Give the error that ends the call: its own for one candidate, AllCandidatesFailedError for several."""
        attempts, failures = tuple(self.attempts), self.failures
        if len({(attempt.backend, attempt.model_id, attempt.handle) for attempt in attempts}) == 1:
            error = failures[-1]
            error.attempts = attempts
            return error
        if all(attempt.outcome == "skipped" for attempt in attempts):
            if all(isinstance(failure, CapabilityError) for failure in failures):
                told = self._told(f'nobody can do what was asked of "{reference}"', note)
                return CapabilityError(told, attempts=attempts)
            if any(isinstance(failure, BudgetError) for failure in failures):
                told = self._told(f'nothing was sent to "{reference}", since it could pass a limit on spending', note)
                return BudgetError(told, attempts=attempts)
        waits = [failure.retry_after for failure in failures if failure.retry_after is not None]
        error = AllCandidatesFailedError(
            self._told(f'no candidate of "{reference}" answered', note),
            attempts=attempts,
            status=next((failure.status for failure in failures if failure.status is not None), None),
            retryable=any(failure.retryable for failure in failures),
            retry_after=min(waits, default=None),
            job_id=next((failure.job_id for failure in failures if failure.job_id), None),
        )
        error.__cause__ = failures[0]
        return error

    def _told(self, head: str, note: str) -> str:
        lines = [
            f"  {place}. {attempt.outcome}: {failure}"
            for place, (attempt, failure) in enumerate(zip(self.attempts, self.failures, strict=True), start=1)
        ]
        return "\n".join([f"{head}{note}:", *lines])


def _name(candidate: Candidate) -> str:
    return f"{candidate.backend} ({candidate.model_id})"
