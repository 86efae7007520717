"""Messages as chat completions write them."""

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
    thaw,
)
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.parts import base64_of, framed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Media, Message, Part

Body = dict[str, object]

KEPT = "reasoning_details"
"""What a provider of chat completions wants back with the next turn."""


@dataclass(slots=True)
class _Turn:
    """One message of ours on its way to the wire's: tool results become messages of their own, before the rest."""

    content: list[Body] = field(default_factory=list[Body])
    calls: list[Body] = field(default_factory=list[Body])
    results: list[Body] = field(default_factory=list[Body])
    more: Body = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Wording:
    """How a speaker of this protocol writes what they do not all write alike; `reasoning` None: takes none back.
    `keeps`: it keeps prompts by itself, so that marks need no word."""

    document: Callable[[Media, Candidate], Body]
    reasoning: Callable[[str], Body] | None = None
    keeps: bool = False


def wire_messages(
    messages: Iterable[Message], candidate: Candidate, wording: Wording | None = None
) -> tuple[list[Body], tuple[str, ...]]:
    """Give the wire's messages, and a line for each kind of part that the wire has no place for.

    Raises CapabilityError for a document that chat completions cannot carry.
    """
    words = wording or OWN
    wire: list[Body] = []
    adapted: dict[str, None] = {}
    for message in messages:
        turn = _Turn()
        for part in message.parts:
            _add(turn, part, message, candidate, words=words, adapted=adapted)
            if isinstance(part, TextPart | ImagePart | DocumentPart) and part.cache and not words.keeps:
                _mark(turn.content, candidate, adapted)
        if message.role == "system" and candidate.spec.rules.get("prompt_cache") and not words.keeps:
            _mark(turn.content, candidate, adapted)
        wire += turn.results
        if turn.content or turn.calls or turn.more or not turn.results:
            wire.append(_message(message.role, turn))
    return wire, tuple(adapted)


def _mark(content: list[Body], candidate: Candidate, adapted: dict[str, None]) -> None:
    """Mark that the prompt up to here comes again, in the word of services that pass it on to who keeps it."""
    wish = candidate.spec.rules.get("prompt_cache")
    if not wish:
        adapted["marks for the prompt cache: left out, no rule prompt_cache says that this service takes them"] = None
    elif content:
        content[-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"} if wish == "1h" else {"type": "ephemeral"}


def _message(role: str, turn: _Turn) -> Body:
    if turn.calls:
        return {"role": role, "content": _joined(turn.content) or None, "tool_calls": turn.calls, **turn.more}
    return {"role": role, "content": _joined(turn.content), **turn.more}


def _joined(content: list[Body]) -> str | list[Body]:
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return str(content[0]["text"])
    return content or ""


def _add(
    turn: _Turn, part: Part, message: Message, candidate: Candidate, *, words: Wording, adapted: dict[str, None]
) -> None:
    match part:
        case TextPart():
            turn.content.append({"type": "text", "text": part.text})
        case ImagePart() | DocumentPart() if message.role != "user":
            adapted[f"pictures and documents in a turn of the {message.role}: left out, only the user's have any"] = (
                None
            )
        case ImagePart():
            turn.content.append(_image(part))
        case DocumentPart():
            turn.content.append(words.document(part.media, candidate))
        case ToolCallPart():
            call = part.call
            function = {"name": call.name, "arguments": call.raw}
            turn.calls.append({"id": call.id, "type": "function", "function": function})
        case ToolResultPart():
            turn.results.append({"role": "tool", "tool_call_id": part.call_id, "content": part.text})
        case ReasoningPart():
            _thought(turn, part, candidate, words=words, adapted=adapted)
        case OpaquePart() if part.backend == candidate.backend:
            _give_back(turn, part, adapted)
        case OpaquePart():
            adapted[f"what only {part.backend} understands of an earlier turn: left out"] = None
        case _:
            assert_never(part)


def _give_back(turn: _Turn, part: OpaquePart, adapted: dict[str, None]) -> None:
    # The same backend may have served the earlier turn through another protocol, whose words mean nothing here.
    if KEPT in part.data:
        turn.more[KEPT] = thaw(part.data[KEPT])
    else:
        adapted["what only another protocol understands of an earlier turn: left out"] = None


def _thought(
    turn: _Turn, part: ReasoningPart, candidate: Candidate, *, words: Wording, adapted: dict[str, None]
) -> None:
    wanted = candidate.spec.rules.get("reasoning_field")
    if words.reasoning is not None:
        turn.content.append(words.reasoning(part.text))
    elif wanted:
        turn.more[str(wanted)] = f"{turn.more.get(str(wanted), '')}{part.text}"
    else:
        adapted["reasoning of earlier turns: left out, chat completions take none back"] = None


def _image(part: ImagePart) -> Body:
    image: Body = {"url": part.media.url if part.media.data is None else data_uri(part.media)}
    if part.detail is not None:
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def data_uri(media: Media) -> str:
    """Give the bytes of a file as a data URI."""
    return f"data:{media.mime};base64,{base64_of(media)}"


def _document(media: Media, candidate: Candidate) -> Body:
    name = media.name or "document"
    if media.data is None:
        raise _cannot(candidate, f'the document "{name}" by its URL', "Hand over its bytes or a path.")
    if is_text(media):
        return text_document(media, candidate)
    if media.mime != "application/pdf":
        raise _cannot(candidate, f'the document "{name}" ({media.mime})', "Extract its text first.")
    return {"type": "file", "file": {"filename": media.name or "document.pdf", "file_data": data_uri(media)}}


OWN = Wording(document=_document)
"""As OpenAI itself has it."""


def text_document(media: Media, candidate: Candidate) -> Body:
    """Frame a text document as a part of the prompt."""
    text = (media.data or b"").decode("utf-8", "replace")
    return {"type": "text", "text": framed(media.name or "document", text, candidate.spec.prompting_target)}


def _cannot(candidate: Candidate, what: str, way_out: str) -> CapabilityError:
    return CapabilityError(
        f"{candidate.backend} ({candidate.model_id}): chat completions cannot carry {what}. {way_out}"
    )
