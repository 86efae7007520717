"""Messages and their parts, the same for every provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types.frozen import EMPTY, FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types.kinds import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file for a model: either its bytes or a URL that the provider fetches, with its MIME type.

    `name` is the file's own name, where it had one. The bytes stay out of the repr.
    """

    mime: str
    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text. `cache` marks that everything up to here comes again in later requests: a provider that keeps
    prompts is asked to keep it."""

    text: str
    cache: bool = False


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture for the model to look at; `detail` is low, high or auto where the provider knows it, `cache` as for a
    TextPart."""

    media: Media
    detail: str | None = None
    cache: bool = False


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A document for the model to read: a PDF, or a text that is framed in the prompt; `cache` as for a
    TextPart."""

    media: Media
    cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool. `arguments` is the parsed object, or empty if `raw` is no JSON object."""

    id: str
    name: str
    arguments: FrozenDict[str, object] = EMPTY
    raw: str = "{}"


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A tool call that the assistant made, in the history of a conversation."""

    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultPart:
    """What the tool gave back, as text; `call_id` is the id of the ToolCall."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """The model's reasoning as readable text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaquePart:
    """What only one provider understands (a thinking signature); sent back to `backend` and to nobody else."""

    backend: str
    data: FrozenDict[str, object] = EMPTY


Part = TextPart | ImagePart | DocumentPart | ToolCallPart | ToolResultPart | ReasoningPart | OpaquePart


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: who speaks, and the parts in order."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may ask for: its name, what it does, and its parameters as a JSON Schema object."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(
        default_factory=lambda: FrozenDict({"type": "object", "properties": FrozenDict[str, object]()})
    )
    strict: bool | None = None
