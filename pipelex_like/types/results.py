"""What a call returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pipelex_like.types.usage import Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.types.attempts import Attempt
    from pipelex_like.types.kinds import FinishReason
    from pipelex_like.types.messages import Message, ToolCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """Which model of which backend answered, and through which SDK."""

    backend: str
    handle: str
    model_id: str
    sdk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What every result carries.

    `cost` is in US dollars and summed over all attempts; it is None when a price is unknown, with the reason in
    `cost_note`. `duration` is in seconds. `adapted` lists settings that were changed or dropped for the model.
    `simulated` marks answers of the sandbox, `cached` one that was at hand: it was paid for by an earlier call, or by
    another one that asked for the same at the same time.
    """

    requested: str
    served_by: ServedBy
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    cost_note: str | None = None
    attempts: tuple[Attempt, ...] = ()
    stood_in_for: str | None = None
    finish_reason: FinishReason = "stop"
    request_id: str = ""
    duration: float = 0.0
    adapted: tuple[str, ...] = ()
    simulated: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextResult(Result):
    """An answer in text. `message` is the assistant's turn: append it to go on with the conversation."""

    text: str
    message: Message
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectResult(Result, Generic[T]):
    """A typed answer: `object` was validated here, `text` is the JSON it came from."""

    object: T
    text: str
    message: Message
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture: its bytes, MIME type and measured size in pixels (0 where it could not be measured)."""

    data: bytes = field(repr=False)
    mime: str
    width: int = 0
    height: int = 0
    caption: str | None = None

    def save(self, path: str | Path) -> Path:
        """Write the bytes to `path` and give it back."""
        target = Path(path)
        target.write_bytes(self.data)
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a document: its number from 1, its text, the pictures in it, and its own picture if asked for."""

    number: int
    text: str
    images: tuple[Image, ...] = ()
    page_image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractResult(Result):
    """A document as pages; `text` joins them with a blank line."""

    pages: tuple[Page, ...]

    @property
    def text(self) -> str:
        """The text of all pages, a blank line between two."""
        return "\n\n".join(page.text for page in self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesResult(Result):
    """The pictures that were drawn; `seed` is the one that the provider says it drew them from, where it says so."""

    images: tuple[Image, ...]
    seed: int | None = None
