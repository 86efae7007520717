"""What is noted of each request: its attempt, its record for the account, and what it held is settled."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from pipelex_like.engine.account import usage_record
from pipelex_like.engine.record import Record
from pipelex_like.engine.replies import consumed, so_far, who
from pipelex_like.engine.stakes import expected, settle
from pipelex_like.types import ExtractJob, ImageJob, LlmJob, LlmReply, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.engine.calls import Call
    from pipelex_like.engine.replies import Reply
    from pipelex_like.engine.step import Step
    from pipelex_like.errors import CallError
    from pipelex_like.resilience.budget import CallBudget
    from pipelex_like.types import Attempt, Outcome, Piece

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
_FREE = (Decimal(0), None)


class Notes(Generic[J]):
    """Keeps the record of one call. Each step that was entered ends in one of `failed`, `answered` and `abandoned`."""

    def __init__(self, call: Call[J], request_id: str, budget: CallBudget | None) -> None:
        self.record = Record()
        self.under_way: list[Step[J]] = []
        self.request_id = request_id
        self._call = call
        self._budget = budget

    def failed(
        self,
        step: Step[J],
        error: CallError,
        reply: Reply | None = None,
        *,
        begun: bool = False,
        outcome: Outcome = "failed",
    ) -> None:
        """Note a request that gave no good answer; `begun`: a part of one had come."""
        usage, cost = consumed(step.candidate, reply) if reply is not None else (None, None)
        if begun and cost is None:
            cost = (None, f"{who(step.candidate)} did not come to the count of its broken stream")
        if step.stake.joined:
            usage, cost = None, _FREE
        attempt = self.record.fail(
            step.candidate,
            error,
            outcome=outcome,
            usage=usage,
            cost=cost,
            request_id=None if reply is None else reply.provider_request_id,
            duration=self.since(step),
        )
        self._end(step, attempt, None)

    def answered(self, step: Step[J], reply: Reply) -> float:
        """Note the request that was answered, and give the seconds that it took."""
        free = step.stake.at_hand
        usage, cost = (Usage(), _FREE) if free else consumed(step.candidate, reply)
        if isinstance(step.job, ImageJob) and step.job.resume is not None:
            self.record.settle(step.job.resume)
        duration = self.since(step)
        attempt = self.record.succeed(
            step.candidate,
            usage=usage,
            cost=cost,
            request_id=reply.provider_request_id,
            duration=duration,
            cached=free,
        )
        self._end(step, attempt, reply.finish_reason if isinstance(reply, LlmReply) else None)
        return duration

    def abandoned(
        self,
        step: Step[J],
        why: str,
        seen: Sequence[Piece] = (),
        *,
        paid: bool = False,
        reply: Reply | None = None,
    ) -> None:
        """Note a request that was given up before its end; `seen` is what had come of its answer. `paid`: its provider
        works on and charges for it, as far as anybody knows. `reply`: it came after all."""
        usage, cost = None, None
        if reply is not None:
            usage, cost = consumed(step.candidate, reply)
        elif seen or paid:
            asked = expected(step.job, step.candidate, self._call.rules)
            usage, cost = so_far(step.candidate, seen, asked)
        attempt = self.record.abandon(step.candidate, why, usage=usage, cost=cost, duration=self.since(step))
        self._end(step, attempt, None)

    def since(self, step: Step[J]) -> float:
        """Seconds since the request was sent."""
        began = step.stake.started
        return 0.0 if began is None else max(0.0, self._call.core.runtime.clock() - began)

    def _end(self, step: Step[J], attempt: Attempt, finish_reason: str | None) -> None:
        if step in self.under_way:
            self.under_way.remove(step)
        governor = self._call.core.governor
        settle(step.stake, attempt, step.candidate, governor, self._budget)
        if step.stake.joined and attempt.outcome != "ok":
            return  # The request that failed is in the account of the call that sent it.
        place = len(self.record.attempts)
        record = usage_record(self._call, step, attempt, request_id=self.request_id, place=place)
        governor.write(record)
        if step.stake.span is not None:
            step.stake.span.end(record, finish_reason)
