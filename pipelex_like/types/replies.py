"""What a worker gives back, before the engine makes a result of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types.usage import Usage

if TYPE_CHECKING:
    from pipelex_like.types.kinds import FinishReason
    from pipelex_like.types.messages import OpaquePart, ToolCall
    from pipelex_like.types.results import Image, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmReply:
    """An answer as one provider gave it. For an object, `text` is its JSON, whichever way it was asked for.

    `adapted` lists what the worker itself had to change or leave out of the request, one line each.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    opaque: tuple[OpaquePart, ...] = ()
    usage: Usage | None = None
    finish_reason: FinishReason = "stop"
    provider_request_id: str | None = None
    adapted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of the answer's text (for an object: of its JSON)."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    """A piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """One whole tool call."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class EndPiece:
    """The end of a stream: the whole reply, with usage."""

    reply: LlmReply


Piece = TextPiece | ReasoningPiece | ToolCallPiece | EndPiece


def replay(reply: LlmReply) -> list[Piece]:
    """Give a whole reply as the pieces of a stream: the reasoning, the text, the tool calls, the end."""
    pieces: list[Piece] = []
    if reply.reasoning:
        pieces.append(ReasoningPiece(reply.reasoning))
    if reply.text:
        pieces.append(TextPiece(reply.text))
    return [*pieces, *(ToolCallPiece(call) for call in reply.tool_calls), EndPiece(reply)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReply:
    """The pages of a document."""

    pages: tuple[Page, ...]
    usage: Usage | None = None
    provider_request_id: str | None = None
    adapted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReply:
    """The pictures drawn, and the seed that the provider says it drew them from."""

    images: tuple[Image, ...]
    usage: Usage | None = None
    provider_request_id: str | None = None
    adapted: tuple[str, ...] = ()
    seed: int | None = None
