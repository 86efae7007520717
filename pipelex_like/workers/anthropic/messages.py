"""Messages as Anthropic writes them: the system's words apart, turns of user and assistant that alternate.

The rules: https://platform.claude.com/docs/en/api/messages/create
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
from pipelex_like.workers.anthropic.keeping import THOUGHTS, Body, is_marked, mark
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.parts import base64_of, framed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Media, Message, Part


@dataclass(slots=True)
class Conversation:
    """What messages become: `system` and `turns` for the wire, `adapted` a line for each thing left out."""

    system: list[Body] = field(default_factory=list[Body])
    turns: list[Body] = field(default_factory=list[Body])
    adapted: dict[str, None] = field(default_factory=dict[str, None])


@dataclass(slots=True)
class _Turn:
    """One message of ours on its way: results of tools stand before everything else, as the protocol wants it."""

    blocks: list[Body] = field(default_factory=list[Body])
    results: list[Body] = field(default_factory=list[Body])
    said: list[Body] = field(default_factory=list[Body])
    """All blocks of the assistant's turn as the provider sent them, where it is known."""


def wire_messages(messages: Iterable[Message], candidate: Candidate) -> Conversation:
    """Give the wire's messages. Raises CapabilityError for a document that they cannot carry."""
    talk = Conversation()
    for message in messages:
        if message.role == "system":
            _system(message, talk)
            continue
        turn = _Turn()
        for part in message.parts:
            _add(turn, part, message, candidate, talk)
            if isinstance(part, TextPart | ImagePart | DocumentPart) and part.cache:
                mark(turn.blocks)
        role = "assistant" if message.role == "assistant" else "user"
        _append(talk.turns, role, turn.results + _as_said(turn))
    for turn in talk.turns:
        turn["content"] = _joined(turn["content"])
    return talk


def _system(message: Message, talk: Conversation) -> None:
    if talk.turns:
        talk.adapted["system messages between the turns: moved to the front, where this protocol has them"] = None
    text = ""
    for part in message.parts:
        if isinstance(part, TextPart):
            text += part.text
            if part.cache:
                talk.system += _text_block(text)
                mark(talk.system[-1:])
                text = ""
    talk.system += _text_block(text)


def _text_block(text: str) -> list[Body]:
    # The protocol refuses blocks of nothing but blanks.
    return [{"type": "text", "text": text}] if text.strip() else []


def _append(turns: list[Body], role: str, blocks: list[Body]) -> None:
    last = turns[-1] if turns else None
    if last is not None and last["role"] == role and isinstance(last["content"], list):
        last["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _joined(content: object) -> object:
    only = content[0] if is_list(content) and len(content) == 1 else None
    return only["text"] if is_table(only) and only.keys() == {"type", "text"} else content


def _as_said(turn: _Turn) -> list[Body]:
    """The provider's own blocks, unless the caller changed what they say; then its thoughts, and the caller's parts."""
    if not turn.said:
        return turn.blocks
    if _gist(turn.said) == _gist(turn.blocks):
        if is_marked(turn.blocks):
            mark(turn.said)
        return turn.said
    return [block for block in turn.said if block.get("type") in THOUGHTS] + turn.blocks


def _gist(blocks: list[Body]) -> tuple[str, list[object]]:
    text = "".join(str(block.get("text")) for block in blocks if block.get("type") == "text")
    return text, [block.get("id") for block in blocks if block.get("type") == "tool_use"]


def _add(turn: _Turn, part: Part, message: Message, candidate: Candidate, talk: Conversation) -> None:
    match part:
        case TextPart():
            turn.blocks += _text_block(part.text)
        case ImagePart() | DocumentPart():
            turn.blocks += _media(part, message, candidate, talk)
        case ToolCallPart():
            call = part.call
            turn.blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": thaw(call.arguments)})
        case ToolResultPart():
            failed: Body = {"is_error": True} if part.is_error else {}
            turn.results.append({"type": "tool_result", "tool_use_id": part.call_id, "content": part.text, **failed})
        case ReasoningPart():
            if not any(isinstance(other, OpaquePart) for other in message.parts):
                talk.adapted["reasoning of earlier turns: left out, this protocol takes none back unsigned"] = None
        case OpaquePart():
            turn.said += _opaque(part, candidate, talk)
        case _:
            assert_never(part)


def _media(part: ImagePart | DocumentPart, message: Message, candidate: Candidate, talk: Conversation) -> list[Body]:
    if message.role == "assistant":
        talk.adapted["pictures and documents in a turn of the assistant: left out, only the user's have any"] = None
        return []
    if isinstance(part, DocumentPart):
        return [_document(part.media, candidate)]
    if part.detail is not None:
        talk.adapted["detail of pictures: left out, this protocol has no word for it"] = None
    return [{"type": "image", "source": _source(part.media)}]


def _opaque(part: OpaquePart, candidate: Candidate, talk: Conversation) -> list[Body]:
    if part.backend != candidate.backend or part.data.get("model") != candidate.model_id:
        # https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5: they are bound to their model.
        talk.adapted["signed reasoning of an earlier turn: left out, since another model made it"] = None
        return []
    blocks = thaw(part.data.get("content", ()))
    return [block for block in blocks if is_table(block)] if is_list(blocks) else []


def _source(media: Media) -> Body:
    if media.data is None:
        return {"type": "url", "url": media.url}
    return {"type": "base64", "media_type": media.mime, "data": base64_of(media)}


def _document(media: Media, candidate: Candidate) -> Body:
    name = media.name or "document"
    if media.mime == "application/pdf":
        title: Body = {} if media.name is None else {"title": media.name}
        return {"type": "document", "source": _source(media), **title}
    if not is_text(media):
        raise _cannot(candidate, f'the document "{name}" ({media.mime})', "Extract its text first.")
    if media.data is None:
        raise _cannot(candidate, f'the text "{name}" by its URL', "Hand over its bytes or a path.")
    text = media.data.decode("utf-8", "replace")
    return {"type": "text", "text": framed(name, text, candidate.spec.prompting_target or "anthropic")}


def _cannot(candidate: Candidate, what: str, way_out: str) -> CapabilityError:
    return CapabilityError(f"{candidate.backend} ({candidate.model_id}): Anthropic cannot be sent {what}. {way_out}")
