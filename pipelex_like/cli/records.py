"""Results as the JSON records that the command line promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelex_like.types import Attempt, Result, ToolCall


def attempt_record(attempt: Attempt) -> dict[str, object]:
    """One try, as plain values."""
    error = attempt.error
    return {
        "backend": attempt.backend,
        "handle": attempt.handle,
        "model_id": attempt.model_id,
        "outcome": attempt.outcome,
        "error": None if error is None else {"type": error.type, "message": error.message},
        "status": attempt.status,
        "usage": attempt.usage.to_dict(),
        "cost_usd": attempt.cost,
        "cost_note": attempt.cost_note,
        "provider_request_id": attempt.provider_request_id,
        "duration_ms": milliseconds(attempt.duration),
        "via": attempt.via,
        "cached": attempt.cached,
    }


def result_record(result: Result, answer: dict[str, object]) -> dict[str, object]:
    """What every result carries, behind the answer's own keys."""
    served = result.served_by
    return {
        **answer,
        "requested": result.requested,
        "stood_in_for": result.stood_in_for,
        "served_by": {
            "backend": served.backend,
            "handle": served.handle,
            "model_id": served.model_id,
            "sdk": served.sdk,
        },
        "usage": result.usage.to_dict(),
        "cost_usd": result.cost,
        "cost_note": result.cost_note,
        "attempts": [attempt_record(attempt) for attempt in result.attempts],
        "finish_reason": result.finish_reason,
        "request_id": result.request_id,
        "duration_ms": milliseconds(result.duration),
        "adapted": list(result.adapted),
        "simulated": result.simulated,
        "cached": result.cached,
    }


def tool_call_record(call: ToolCall) -> dict[str, object]:
    """A tool call, as plain values."""
    return {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds, to a tenth."""
    return round(seconds * 1000, 1)


def summary(result: Result) -> str:
    """One line for people: who served it, how long it took, what it cost."""
    served = result.served_by
    model = served.handle if served.handle == served.model_id else f"{served.handle} ({served.model_id})"
    cost = f"cost unknown: {result.cost_note}" if result.cost is None else f"${result.cost:f}"
    marks = (", simulated" if result.simulated else "") + (", from the cache" if result.cached else "")
    return f"served by {served.backend}: {model}{marks}, {result.duration:.2f} s, {cost}"
