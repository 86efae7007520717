"""What an answer was worth: what it consumed, or why it is not what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import ContentPolicyError, InvalidResponseError
from pipelex_like.types import ExtractReply, ImageReply, LlmReply, ReasoningPiece, TextPiece, ToolCallPiece, Usage
from pipelex_like.usage.cost import cost_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipelex_like.deck import Candidate
    from pipelex_like.engine.objects import MisfitError
    from pipelex_like.errors import CallError
    from pipelex_like.types import Piece
    from pipelex_like.usage.estimate import Estimate

Reply = LlmReply | ExtractReply | ImageReply

_MOST_OF_A_REFUSAL = 200
_BYTES_PER_TOKEN = 3


def unfit(candidate: Candidate, reply: Reply, misfit: MisfitError) -> CallError:
    """Give the error of an answer that is not what was asked for."""
    ended = reply.finish_reason if isinstance(reply, LlmReply) else "stop"
    error: CallError
    if isinstance(reply, LlmReply) and ended == "content_filter":
        said = " ".join(reply.text.split())[:_MOST_OF_A_REFUSAL]
        error = ContentPolicyError(f"{who(candidate)}: the model refused to answer: {said or 'it gave no reason'}")
    else:
        hint = "; the answer was cut at max_tokens: allow more" if ended == "length" else ""
        error = InvalidResponseError(f"{who(candidate)}: the answer does not fit: {misfit}{hint}")
    error.__cause__ = misfit
    return error


def consumed(candidate: Candidate, reply: Reply) -> tuple[Usage, tuple[Decimal | None, str | None]]:
    """Give what an answer used and what that cost, by the candidate's prices."""
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


def so_far(
    candidate: Candidate, seen: Sequence[Piece], asked: Estimate
) -> tuple[Usage, tuple[Decimal | None, str | None]]:
    """Estimate what a request consumed that was given up: its prompt, and the part of the answer that had come."""
    said = sum(len(piece.text.encode()) for piece in seen if isinstance(piece, TextPiece | ReasoningPiece))
    called = sum(len(str(piece.call.arguments).encode()) for piece in seen if isinstance(piece, ToolCallPiece))
    usage = Usage(
        input_tokens=asked.input_tokens, output_tokens=-(-(said + called) // _BYTES_PER_TOKEN), estimated=True
    )
    if not usage.total_tokens:
        return usage, (asked.cost, asked.note or "estimated: it was given up before its end")
    cost, note = cost_of(usage, candidate.spec)
    return usage, (cost, note if cost is None else "estimated: it was given up before its end")


def who(candidate: Candidate) -> str:
    """Name a candidate in a message."""
    return f"{candidate.backend} ({candidate.model_id})"
