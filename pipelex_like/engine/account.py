"""From an attempt to the record that the ledger, the summary and the telemetry are handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipelex_like.engine.sandbox import NAME as SANDBOX
from pipelex_like.types import ExtractJob, ImageJob, LlmJob, UsageRecord

if TYPE_CHECKING:
    from pipelex_like.engine.calls import Call
    from pipelex_like.engine.step import Step
    from pipelex_like.types import Attempt

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


def usage_record(call: Call[J], step: Step[J], attempt: Attempt, *, request_id: str, place: int) -> UsageRecord:
    """Make the record of an attempt that has ended; `place` counts from 1."""
    stake, usage, runtime = step.stake, attempt.usage, call.core.runtime
    return UsageRecord(
        at=runtime.now(),
        request_id=request_id,
        attempt=place,
        kind=call.route.kind,
        reference=call.route.reference,
        preset=call.route.preset,
        profile=call.profile,
        backend=attempt.backend,
        handle=attempt.handle,
        model_id=attempt.model_id,
        sdk=step.candidate.sdk,
        outcome=attempt.outcome,
        error=None if attempt.error is None else attempt.error.type,
        status=attempt.status,
        usage=usage,
        measured=not usage.estimated and (attempt.cost is not None or usage.total_tokens > 0),
        cost=attempt.cost,
        cost_note=attempt.cost_note,
        latency=attempt.duration,
        first_token=_apart(stake.started, stake.first_event),
        streamed=call.streamed,
        cached=attempt.cached,
        over_limit=stake.over_limit,
        simulated=attempt.backend == SANDBOX,
        provider_request_id=attempt.provider_request_id,
        tags=call.tags,
    )


def _apart(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)
