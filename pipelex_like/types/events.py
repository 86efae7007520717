"""What a stream hands over, piece by piece; the last one is always `done`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pipelex_like.types.results import ObjectResult, TextResult

if TYPE_CHECKING:
    from pipelex_like.types.messages import ToolCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextEvent:
    """A piece of text."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ReasoningEvent:
    """A piece of reasoning."""

    text: str
    type: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class ToolCallEvent:
    """A whole tool call."""

    call: ToolCall
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """An object that grows: `partial` holds what has arrived; the one before `done` is the validated object."""

    partial: object
    type: Literal["object"] = "object"


@dataclass(frozen=True, slots=True)
class DoneEvent(Generic[T]):
    """The end: the same result that the call without a stream returns."""

    result: T
    type: Literal["done"] = "done"


TextStreamEvent = TextEvent | ReasoningEvent | ToolCallEvent | DoneEvent[TextResult]
ObjectStreamEvent = ObjectEvent | ReasoningEvent | DoneEvent[ObjectResult[T]]
