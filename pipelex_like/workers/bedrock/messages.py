"""Messages as Converse writes them: the system's words apart, turns of user and assistant that alternate.

The rules: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

from __future__ import annotations

import re
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
from pipelex_like.workers.bedrock.keeping import Body, point
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.parts import base64_of, framed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Media, Message, Part

_IMAGES: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_IMAGES_BY_NAME = re.compile(r"\.(png|jpe?g|gif|webp)$", re.IGNORECASE)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_.:-]")
_LONGEST_NAME = 190
_LONGEST_ID = 64


@dataclass(slots=True)
class Conversation:
    """What messages become: `system` blocks and `turns` for the wire, `adapted` a line for each thing changed.

    `tools` are the names of the tools that were called in it.
    """

    system: list[Body] = field(default_factory=list[Body])
    turns: list[Body] = field(default_factory=list[Body])
    adapted: dict[str, None] = field(default_factory=dict[str, None])
    tools: dict[str, None] = field(default_factory=dict[str, None])
    names: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class _Turn:
    """One message of ours on its way; `said` holds the blocks of an assistant's turn as the provider sent them."""

    blocks: list[Body] = field(default_factory=list[Body])
    said: list[Body] = field(default_factory=list[Body])


def wire_messages(messages: Iterable[Message], candidate: Candidate) -> Conversation:
    """Give the wire's messages. Raises CapabilityError for a picture or document that they cannot carry."""
    talk = Conversation()
    for message in messages:
        if message.role == "system":
            _system(message, talk)
            continue
        turn = _Turn()
        for part in message.parts:
            _add(turn, part, message, candidate, talk)
            if isinstance(part, TextPart | ImagePart | DocumentPart) and part.cache and turn.blocks:
                turn.blocks.append(point())
        _append(talk.turns, "assistant" if message.role == "assistant" else "user", _as_said(turn))
    for turn in talk.turns:
        _give_words(turn, talk)
    return talk


def _system(message: Message, talk: Conversation) -> None:
    if talk.turns:
        talk.adapted["system messages between the turns: moved to the front, where Converse has them"] = None
    for part in message.parts:
        if isinstance(part, TextPart):
            if part.text.strip():
                talk.system.append({"text": part.text})
            if part.cache and talk.system:
                talk.system.append(point())


def _append(turns: list[Body], role: str, blocks: list[Body]) -> None:
    last = turns[-1] if turns else None
    if last is not None and last["role"] == role and isinstance(last["content"], list):
        last["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _give_words(turn: Body, talk: Conversation) -> None:
    """A document must not stand alone: Converse wants a text beside it."""
    blocks = turn["content"]
    kinds = {kind for block in blocks if is_table(block) for kind in block} if is_list(blocks) else set[str]()
    if "document" in kinds and "text" not in kinds:
        turn["content"] = [*(blocks if is_list(blocks) else ()), {"text": "See the document."}]
        talk.adapted['a document alone: sent with the words "See the document.", Converse wants some'] = None


def _as_said(turn: _Turn) -> list[Body]:
    """The provider's own blocks, unless the caller changed what they say; then its thoughts, and the caller's parts."""
    if not turn.said:
        return turn.blocks
    if _gist(turn.said) == _gist(turn.blocks):
        return turn.said + [block for block in turn.blocks[-1:] if "cachePoint" in block]
    return [block for block in turn.said if "reasoningContent" in block] + turn.blocks


def _gist(blocks: list[Body]) -> tuple[str, list[object]]:
    text = "".join(str(block["text"]) for block in blocks if "text" in block)
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    return text, [use.get("toolUseId") for use in uses if is_table(use)]


def _add(turn: _Turn, part: Part, message: Message, candidate: Candidate, talk: Conversation) -> None:
    match part:
        case TextPart():
            if part.text.strip():  # Converse refuses blocks of nothing but blanks
                turn.blocks.append({"text": part.text})
        case ImagePart() | DocumentPart():
            turn.blocks += _media(part, message, candidate, talk)
        case ToolCallPart():
            call = part.call
            talk.tools[call.name] = None
            use: Body = {"toolUseId": _identifier(call.id), "name": call.name, "input": thaw(call.arguments)}
            turn.blocks.append({"toolUse": use})
        case ToolResultPart():
            told = part.text if part.text.strip() else "(nothing)"
            failed: Body = {"status": "error"} if part.is_error else {}
            result: Body = {"toolUseId": _identifier(part.call_id), "content": [{"text": told}], **failed}
            turn.blocks.append({"toolResult": result})
        case ReasoningPart():
            if not any(isinstance(other, OpaquePart) for other in message.parts):
                talk.adapted["reasoning of earlier turns: left out, Converse takes none back unsigned"] = None
        case OpaquePart():
            turn.said += _opaque(part, candidate, talk)
        case _:
            assert_never(part)


def _identifier(given: str) -> str:
    return _NOT_IN_AN_ID.sub("_", given)[-_LONGEST_ID:] or "call"


def _opaque(part: OpaquePart, candidate: Candidate, talk: Conversation) -> list[Body]:
    if part.backend != candidate.backend or part.data.get("model") != candidate.model_id:
        talk.adapted["signed reasoning of an earlier turn: left out, since another model made it"] = None
        return []
    blocks = thaw(part.data.get("content", ()))
    return [block for block in blocks if is_table(block)] if is_list(blocks) else []


def _media(part: ImagePart | DocumentPart, message: Message, candidate: Candidate, talk: Conversation) -> list[Body]:
    if message.role == "assistant":
        talk.adapted["pictures and documents in a turn of the assistant: left out, only the user's have any"] = None
        return []
    if isinstance(part, DocumentPart):
        return [_document(part.media, candidate, talk)]
    if part.detail is not None:
        talk.adapted["detail of pictures: left out, Converse has no word for it"] = None
    form = _IMAGES.get(part.media.mime) or _by_name(part.media)
    if form is None:
        raise _cannot(candidate, f"a picture of type {part.media.mime}", "It takes PNG, JPEG, GIF and WebP.")
    return [{"image": {"format": form, "source": _source(part.media, "a picture", candidate)}}]


def _by_name(media: Media) -> str | None:
    found = _IMAGES_BY_NAME.search(media.url or "") if media.data is None else None
    return None if found is None else found[1].lower().replace("jpg", "jpeg")


def _source(media: Media, what: str, candidate: Candidate) -> Body:
    if media.data is not None:
        return {"bytes": base64_of(media)}
    if media.url is not None and media.url.startswith("s3://"):
        return {"s3Location": {"uri": media.url}}
    raise _cannot(candidate, f"{what} by its URL", "Hand over the bytes or a path, or an address that begins s3://.")


def _document(media: Media, candidate: Candidate, talk: Conversation) -> Body:
    name = media.name or "document"
    form = _DOCUMENTS.get(media.mime)
    if form is not None:
        source = _source(media, f'the document "{name}"', candidate)
        return {"document": {"format": form, "name": _free_name(name, talk), "source": source}}
    if not is_text(media):
        raise _cannot(candidate, f'the document "{name}" ({media.mime})', "Extract its text first.")
    if media.data is None:
        raise _cannot(candidate, f'the text "{name}" by its URL', "Hand over its bytes or a path.")
    text = media.data.decode("utf-8", "replace")
    return {"text": framed(name, text, candidate.spec.prompting_target or "anthropic")}


def _free_name(name: str, talk: Conversation) -> str:
    """Only letters, digits, single blanks, hyphens and brackets may stand in a name, and it must stand alone."""
    stem = name.rpartition(".")[0] or name
    plain = _NOT_IN_A_NAME.sub(" ", stem).strip()[:_LONGEST_NAME] or "document"
    chosen, number = plain, 1
    while chosen in talk.names:
        number += 1
        chosen = f"{plain} ({number})"
    talk.names.add(chosen)
    return chosen


def _cannot(candidate: Candidate, what: str, way_out: str) -> CapabilityError:
    return CapabilityError(f"{candidate.backend} ({candidate.model_id}): Bedrock cannot be sent {what}. {way_out}")
