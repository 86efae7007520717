"""Messages as the items of a response's input.

The items: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from pipelex_like.errors import CapabilityError
from pipelex_like.types import (
    DocumentPart,
    ImagePart,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    is_list,
    is_table,
    thaw,
)
from pipelex_like.workers.capability import OFFICE, is_text
from pipelex_like.workers.openai.messages import data_uri
from pipelex_like.workers.parts import framed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Media, Message, Part

Body = dict[str, object]

OUTPUT = "output"
"""The key of an OpaquePart under which the items of an earlier answer stand."""


@dataclass(slots=True)
class _Turn:
    """One message of ours: outputs of tools stand before everything else, `said` is what the provider itself sent."""

    items: list[Body] = field(default_factory=list[Body])
    content: list[Body] = field(default_factory=list[Body])
    results: list[Body] = field(default_factory=list[Body])
    said: list[Body] = field(default_factory=list[Body])

    def flush(self, role: str, *, empty: bool = False) -> None:
        """Make a message of the content so far."""
        if self.content or empty:
            self.items.append({"role": role, "content": _joined(role, self.content)})
            self.content = []


def input_items(messages: Iterable[Message], candidate: Candidate) -> tuple[list[Body], tuple[str, ...]]:
    """Give the items, and a line for each kind of part that they have no place for.

    Raises CapabilityError for a document that they cannot carry.
    """
    items: list[Body] = []
    adapted: dict[str, None] = {}
    for message in messages:
        turn = _Turn()
        for part in message.parts:
            _add(turn, part, message, candidate, adapted)
        turn.flush(message.role, empty=not (turn.items or turn.results or turn.said))
        items += turn.results + _as_said(turn)
    return items, tuple(adapted)


def _joined(role: str, content: list[Body]) -> str | list[Body]:
    if role == "assistant" or not content:
        return "".join(str(part["text"]) for part in content)
    only = content[0]
    return str(only["text"]) if len(content) == 1 and only["type"] == "input_text" else content


def _add(turn: _Turn, part: Part, message: Message, candidate: Candidate, adapted: dict[str, None]) -> None:
    match part:
        case TextPart():
            turn.content.append({"type": "input_text", "text": part.text})
        case ImagePart() | DocumentPart() if message.role != "user":
            line = f"pictures and documents in a turn of the {message.role}: left out, only the user's have any"
            adapted[line] = None
        case ImagePart():
            turn.content.append(_image(part.media, part.detail))
        case DocumentPart():
            turn.content.append(_document(part.media, candidate))
        case ToolCallPart():
            call = part.call
            turn.flush(message.role)
            turn.items.append({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.raw})
        case ToolResultPart():
            turn.results.append({"type": "function_call_output", "call_id": part.call_id, "output": part.text})
        case ReasoningPart():
            if not any(isinstance(other, OpaquePart) for other in message.parts):
                adapted["reasoning of earlier turns: left out, responses take it back only encrypted"] = None
        case OpaquePart():
            turn.said += _opaque(part, candidate, adapted)
        case _:
            assert_never(part)


def _image(media: Media, detail: str | None) -> Body:
    url = media.url if media.data is None else data_uri(media)
    return {"type": "input_image", "image_url": url, "detail": detail or "auto"}


def _document(media: Media, candidate: Candidate) -> Body:
    name = media.name or "document"
    if media.mime.startswith("image/"):
        return _image(media, None)
    if is_text(media):
        if media.data is None:
            raise _cannot(candidate, f'the text "{name}" by its URL', "Hand over its bytes or a path.")
        text = media.data.decode("utf-8", "replace")
        return {"type": "input_text", "text": framed(name, text, candidate.spec.prompting_target)}
    if media.mime != "application/pdf" and media.mime not in OFFICE:
        raise _cannot(candidate, f'the document "{name}" ({media.mime})', "Extract its text first.")
    if media.data is None:
        return {"type": "input_file", "file_url": media.url}
    named = media.name or f"document.{OFFICE.get(media.mime, 'pdf')}"
    return {"type": "input_file", "filename": named, "file_data": data_uri(media)}


def _opaque(part: OpaquePart, candidate: Candidate, adapted: dict[str, None]) -> list[Body]:
    kept = thaw(part.data.get(OUTPUT, ()))
    if part.backend == candidate.backend and part.data.get("model") == candidate.model_id and is_list(kept):
        return [item for item in kept if is_table(item)]
    # Only the model that thought them can read its thoughts.
    adapted["encrypted reasoning of an earlier turn: left out, since it was made elsewhere"] = None
    return []


def _as_said(turn: _Turn) -> list[Body]:
    """The provider's own items, unless the caller changed what they say; then its thoughts before the caller's."""
    if not turn.said:
        return turn.items
    if not turn.items or _gist(turn.said) == _gist(turn.items):
        return turn.said
    return [item for item in turn.said if item.get("type") == "reasoning"] + turn.items


def _gist(items: Sequence[Body]) -> tuple[str, list[object]]:
    text = "".join(_text(item.get("content")) for item in items if "role" in item)
    return text, [item.get("call_id") for item in items if item.get("type") == "function_call"]


def _text(content: object) -> str:
    if not is_list(content):
        return str(content)
    parts = [part for part in content if is_table(part)]
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)


def _cannot(candidate: Candidate, what: str, way_out: str) -> CapabilityError:
    return CapabilityError(f"{candidate.backend} ({candidate.model_id}): responses cannot carry {what}. {way_out}")
