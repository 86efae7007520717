"""What a request holds while it is under way: a place among its backend's requests, and money put by for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.engine.sandbox import NAME as SANDBOX
from pipelex_like.errors import BudgetError
from pipelex_like.usage.estimate import estimate

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.engine.governor import Governor
    from pipelex_like.engine.limits import Rules
    from pipelex_like.engine.replies import Reply
    from pipelex_like.engine.telemetry import AttemptSpan
    from pipelex_like.resilience.budget import CallBudget, Hold
    from pipelex_like.types import Attempt, Job
    from pipelex_like.usage.estimate import Estimate


@dataclass(slots=True, eq=False)
class Stake:
    """Grows while a request begins.

    `key` is what its answer is kept under, `kept` the answer that was at hand; `joined`: another call's request
    answers this one too. `flying`: this one is asked for others too, and `left` that its own caller has gone meanwhile.
    `started` and `first_event` are moments of the runtime's clock.
    """

    key: str | None = None
    kept: Reply | None = None
    joined: bool = False
    flying: bool = False
    left: bool = False
    sent: bool = False
    started: float | None = None
    first_event: float | None = None
    slot: bool = False
    own: Hold | None = None
    shared: Hold | None = None
    over_limit: str | None = None
    span: AttemptSpan | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is under way for others, and no longer for its own caller."""
        return self.left and self.flying

    @property
    def at_hand(self) -> bool:
        """Whether nothing had to be sent."""
        return self.joined or self.kept is not None


def expected(job: Job, candidate: Candidate, rules: Rules) -> Estimate:
    """Give what a request may consume at most, as far as that can be told before it is sent."""
    return estimate(job, candidate.spec, candidate.settings, reserve_output_tokens=rules.reserve_output_tokens)


async def take(
    stake: Stake, *, job: Job, candidate: Candidate, rules: Rules, governor: Governor, budget: CallBudget | None
) -> None:
    """Wait for a place at the backend, then put money by.

    Raises OverloadedError where too many wait already, BudgetError where the request could pass a limit; nothing is
    held then.
    """
    limit, waiting = rules.ways(candidate).max_concurrency, rules.ways(candidate).max_waiting
    await governor.gates.enter(candidate.backend, limit=limit, waiting=waiting)
    stake.slot = True
    shared = governor.budget.limited and candidate.backend != SANDBOX
    if budget is None and not shared:
        return
    try:
        asked = expected(job, candidate, rules)
        if budget is not None:
            stake.own = budget.reserve(asked.cost, asked.tokens, why=asked.note)
        if shared:
            stake.shared = await governor.reserve(asked.cost, asked.tokens, asked.note)
    except (BudgetError, asyncio.CancelledError):
        drop(stake, candidate, governor, budget)
        raise


def drop(stake: Stake, candidate: Candidate, governor: Governor, budget: CallBudget | None) -> None:
    """Give back what a request held that was never sent."""
    _leave(stake, candidate, governor)
    if stake.own is not None and budget is not None:
        budget.release(stake.own)
    if stake.shared is not None:
        governor.budget.release(stake.shared)
    stake.own = stake.shared = None


def settle(stake: Stake, attempt: Attempt, candidate: Candidate, governor: Governor, budget: CallBudget | None) -> None:
    """Put what a request came to in the place of what was put by; what is not known counts as that."""
    _leave(stake, candidate, governor)
    if stake.own is None and stake.shared is None:
        return
    notes: list[str | None] = []
    if stake.own is not None and budget is not None:
        notes.append(budget.settle(stake.own, attempt.cost, _tokens(attempt, stake.own)))
    if stake.shared is not None:
        notes.append(governor.budget.settle(stake.shared, attempt.cost, _tokens(attempt, stake.shared)))
    stake.own = stake.shared = None
    stake.over_limit = "; ".join(note for note in notes if note) or None


def _tokens(attempt: Attempt, hold: Hold) -> int:
    unknown = attempt.cost is None and not attempt.usage.total_tokens
    return hold.tokens if unknown else attempt.usage.total_tokens


def _leave(stake: Stake, candidate: Candidate, governor: Governor) -> None:
    if stake.slot:
        stake.slot = False
        governor.gates.leave(candidate.backend)
