"""Messages as Gemini reads them: the system's words apart, contents of user and model, made of parts.

The form: https://ai.google.dev/api/caching#Content
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
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.parts import base64_of, framed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Media, Message, Part, ToolCall

Body = dict[str, object]

# https://ai.google.dev/gemini-api/docs/thought-signatures#faqs: for calls that another model made.
UNSIGNED = "skip_thought_signature_validator"
# What stands in for an id that Gemini did not give; it repeats from turn to turn.
_MADE_UP = re.compile(r"call_\d{1,3}\Z")
_READ = ("application/pdf", "image/", "audio/", "video/")


@dataclass(slots=True)
class Conversation:
    """What messages become: `system` in texts, `contents` for the wire, `adapted` a line for each thing left out."""

    system: list[str] = field(default_factory=list[str])
    contents: list[Body] = field(default_factory=list[Body])
    adapted: dict[str, None] = field(default_factory=dict[str, None])
    names: dict[str, str] = field(default_factory=dict[str, str])
    """The tool of each call, by the call's id: results tell it too."""


def wire_contents(messages: Iterable[Message], candidate: Candidate) -> Conversation:
    """Give the wire's contents. Raises CapabilityError for a document that they cannot carry."""
    talk = Conversation()
    for message in messages:
        if message.role == "system":
            _system(message, talk)
            continue
        said: list[Body] = []
        parts: list[Body] = []
        for part in message.parts:
            if isinstance(part, OpaquePart):
                said += _opaque(part, candidate, talk)
            else:
                parts += _parts(part, message, candidate, talk)
        _append(talk, message.role, _as_said(said, parts), candidate)
    return talk


def _system(message: Message, talk: Conversation) -> None:
    if talk.contents:
        talk.adapted["system messages between the turns: moved to the front, where this protocol has them"] = None
    if message.text.strip():
        talk.system.append(message.text)


def _append(talk: Conversation, role: str, parts: list[Body], candidate: Candidate) -> None:
    if not parts:
        return
    last = talk.contents[-1] if talk.contents else None
    # All results of one turn's calls stand in one content.
    if last is not None and role == "tool" and _is_result(last) and isinstance(last["parts"], list):
        last["parts"] += parts
        return
    if role == "assistant":
        _sign(parts, candidate, talk)
    talk.contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})


def _is_result(content: Body) -> bool:
    parts = content["parts"]
    return is_list(parts) and all(is_table(part) and "functionResponse" in part for part in parts)


def _sign(parts: list[Body], candidate: Candidate, talk: Conversation) -> None:
    """Models from Gemini 3 on refuse a turn whose first call of a tool is not signed."""
    calls = [part for part in parts if "functionCall" in part]
    if calls and "thoughtSignature" not in calls[0] and candidate.spec.thinking_mode == "adaptive":
        calls[0]["thoughtSignature"] = UNSIGNED
        talk.adapted["tool calls of earlier turns: sent without the signature of a thought, they have none"] = None


def _as_said(said: list[Body], parts: list[Body]) -> list[Body]:
    """The provider's own parts, unless the caller changed what they say."""
    return said if said and _gist(said) == _gist(parts) else parts


def _gist(parts: list[Body]) -> tuple[str, list[object]]:
    text = "".join(str(part.get("text", "")) for part in parts if not part.get("thought"))
    calls = [call for part in parts if is_table(call := part.get("functionCall"))]
    return text, [(call.get("name"), thaw(call.get("args") or {})) for call in calls]


def _parts(part: Part, message: Message, candidate: Candidate, talk: Conversation) -> list[Body]:
    match part:
        case TextPart():
            return [{"text": part.text}] if part.text else []
        case ImagePart() | DocumentPart():
            return _media(part, message, candidate, talk)
        case ToolCallPart():
            talk.names[part.call.id] = part.call.name
            return [{"functionCall": _call(part.call)}]
        case ToolResultPart():
            response = {"error" if part.is_error else "output": part.text}
            name = talk.names.get(part.call_id, part.call_id)
            return [{"functionResponse": {**_id(part.call_id), "name": name, "response": response}}]
        case ReasoningPart():
            if not any(isinstance(other, OpaquePart) for other in message.parts):
                talk.adapted["reasoning of earlier turns: left out, this protocol takes none back unsigned"] = None
            return []
        case OpaquePart():
            return []
        case _:
            assert_never(part)


def _call(call: ToolCall) -> Body:
    return {**_id(call.id), "name": call.name, "args": thaw(call.arguments)}


def _id(call_id: str) -> Body:
    return {} if _MADE_UP.match(call_id) else {"id": call_id}


def _opaque(part: OpaquePart, candidate: Candidate, talk: Conversation) -> list[Body]:
    if part.backend != candidate.backend or part.data.get("model") != candidate.model_id:
        talk.adapted["signed reasoning of an earlier turn: left out, since another model made it"] = None
        return []
    parts = thaw(part.data.get("parts", ()))
    return [one for one in parts if is_table(one)] if is_list(parts) else []


def _media(part: ImagePart | DocumentPart, message: Message, candidate: Candidate, talk: Conversation) -> list[Body]:
    if message.role == "assistant":
        talk.adapted["pictures and documents in a turn of the assistant: left out, only the user's have any"] = None
        return []
    if isinstance(part, ImagePart):
        if part.detail is not None:
            talk.adapted["detail of pictures: left out, this protocol has no word for it"] = None
        return [media_part(part.media)]
    return [_document(part.media, candidate)]


def media_part(media: Media) -> Body:
    """Give the part that carries a file, or its URL for Google to fetch."""
    if media.data is None:
        return {"fileData": {"mimeType": media.mime, "fileUri": media.url}}
    return {"inlineData": {"mimeType": media.mime, "data": base64_of(media)}}


def _document(media: Media, candidate: Candidate) -> Body:
    if media.mime.startswith(_READ) or (media.data is None and is_text(media)):
        return media_part(media)
    name = media.name or "document"
    if media.data is None or not is_text(media):
        who = f"{candidate.backend} ({candidate.model_id})"
        raise CapabilityError(
            f'{who}: Gemini cannot read the document "{name}" ({media.mime}). Extract its text first.'
        )
    return {"text": framed(name, media.data.decode("utf-8", "replace"), candidate.spec.prompting_target)}
