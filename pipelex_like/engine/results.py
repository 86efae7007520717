"""From a provider's reply and the record of the call to what the caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, TypeVar

from pipelex_like.engine.sandbox import NAME as SANDBOX
from pipelex_like.types import (
    ExtractJob,
    ExtractResult,
    ImageJob,
    ImagesResult,
    LlmJob,
    LlmReply,
    Message,
    ObjectResult,
    Part,
    ReasoningPart,
    ServedBy,
    TextPart,
    TextResult,
    ToolCallPart,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.engine.step import Step
    from pipelex_like.engine.walk import Walk
    from pipelex_like.types import Attempt, ExtractReply, FinishReason, ImageReply, Usage

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
T = TypeVar("T")


class Common(TypedDict):
    """The fields that every result has."""

    requested: str
    served_by: ServedBy
    usage: Usage
    cost: Decimal | None
    cost_note: str | None
    attempts: tuple[Attempt, ...]
    stood_in_for: str | None
    finish_reason: FinishReason
    request_id: str
    duration: float
    adapted: tuple[str, ...]
    simulated: bool
    cached: bool


def text_result(walk: Walk[J], step: Step[J], reply: LlmReply) -> TextResult:
    """Make the result of a text; `message` holds all of the turn, in the order in which providers want it back."""
    return TextResult(
        text=reply.text,
        message=_message(reply),
        tool_calls=reply.tool_calls,
        reasoning=reply.reasoning,
        **_common(walk, step, reply.adapted, reply.finish_reason),
    )


def object_result(walk: Walk[J], step: Step[J], reply: LlmReply, value: T) -> ObjectResult[T]:
    """Make the result of an object that was validated."""
    return ObjectResult(
        object=value,
        text=reply.text,
        message=_message(reply),
        reasoning=reply.reasoning,
        **_common(walk, step, reply.adapted, reply.finish_reason),
    )


def extract_result(walk: Walk[J], step: Step[J], reply: ExtractReply) -> ExtractResult:
    """Make the result of a document that was read."""
    return ExtractResult(pages=reply.pages, **_common(walk, step, reply.adapted, "stop"))


def images_result(walk: Walk[J], step: Step[J], reply: ImageReply) -> ImagesResult:
    """Make the result of pictures."""
    return ImagesResult(images=reply.images, seed=reply.seed, **_common(walk, step, reply.adapted, "stop"))


def _common(walk: Walk[J], step: Step[J], adapted: tuple[str, ...], finish: FinishReason) -> Common:
    candidate, record = step.candidate, walk.record
    cost, note = record.cost
    return Common(
        requested=walk.call.route.reference,
        served_by=ServedBy(
            backend=candidate.backend, handle=candidate.handle, model_id=candidate.model_id, sdk=candidate.sdk
        ),
        usage=record.usage,
        cost=cost,
        cost_note=note,
        attempts=tuple(record.attempts),
        stood_in_for=candidate.stood_in_for,
        finish_reason=finish,
        request_id=walk.request_id,
        duration=walk.duration(),
        adapted=tuple(dict.fromkeys((*candidate.adapted, *step.adapted, *adapted))),
        simulated=candidate.backend == SANDBOX,
        cached=step.stake.at_hand,
    )


def _message(reply: LlmReply) -> Message:
    parts: list[Part] = [*reply.opaque]
    if reply.reasoning:
        parts.append(ReasoningPart(reply.reasoning))
    if reply.text:
        parts.append(TextPart(reply.text))
    parts += [ToolCallPart(call) for call in reply.tool_calls]
    return Message("assistant", tuple(parts))
