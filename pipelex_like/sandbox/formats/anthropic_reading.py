"""Reading the messages of Anthropic's format: blocks, and the order that they must keep."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.checks import boolean, listed, missing, one_of, string, table, wrong_value
from pipelex_like.sandbox.formats.openai_messages import Conversation
from pipelex_like.sandbox.model import Picture, Turn, picture_of
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def signature_of(thought: str) -> str:
    """Sign a thought, so that a changed one is told when it comes back."""
    return base64.b64encode(b"sandbox-signature-%08x" % zlib.crc32(thought.encode())).decode()


def read_system(value: object) -> str:
    """Check `system`: a text, or blocks of text."""
    if value is None or isinstance(value, str):
        return value or ""
    blocks = [table(item, f"system.{at}") for at, item in enumerate(listed(value, "system"))]
    return "\n".join(_text(block, f"system.{at}", None) for at, block in enumerate(blocks))


def read_messages(value: object) -> Conversation:
    """Check every message and its place: each tool use has its result at the start of the next message."""
    if value is None:
        raise missing("messages")
    talk = Conversation()
    for at, item in enumerate(listed(value, "messages")):
        where = f"messages.{at}"
        message = table(item, where)
        role = string(message, "role", where)
        if role not in ("user", "assistant"):
            raise wrong_value(role, f"{where}.role", ("user", "assistant"))
        if at == 0 and role != "user":
            raise Refusal(f"{where}: the first message must have the role 'user'.", param=where)
        blocks = _blocks(message.get("content"), where)
        _check_results(blocks, where, talk)
        _read(blocks, role, where, talk)
    if talk.unanswered:
        raise _unanswered("messages", talk)
    return talk


def _blocks(content: object, where: str) -> Sequence[object]:
    place = f"{where}.content"
    if content is None:
        raise missing(place)
    return [{"type": "text", "text": content}] if isinstance(content, str) else listed(content, place)


def _check_results(blocks: Sequence[object], where: str, talk: Conversation) -> None:
    """The results of the tool uses before stand first, each once, none missing."""
    kinds = [block.get("type") if is_table(block) else None for block in blocks]
    count = kinds.count("tool_result")
    if any(kind == "tool_result" for kind in kinds[count:]):
        raise Refusal(f"{where}: 'tool_result' blocks must stand before all others.", param=where)
    if not count and talk.unanswered:
        raise _unanswered(where, talk)


def _unanswered(where: str, talk: Conversation) -> Refusal:
    ids = ", ".join(talk.unanswered)
    return Refusal(
        f"{where}: 'tool_use' ids were found without 'tool_result' blocks right after them: {ids}.", param=where
    )


def _read(blocks: Sequence[object], role: str, where: str, talk: Conversation) -> None:
    texts: list[str] = []
    readers = _READERS[role]
    pending = [*talk.unanswered]
    for at, item in enumerate(blocks):
        place = f"{where}.content.{at}"
        block = table(item, place)
        kind = string(block, "type", place)
        if kind not in readers:
            raise wrong_value(kind, f"{place}.type", tuple(readers))
        texts.append(readers[kind](block, place, talk))
    left = [one for one in pending if one in talk.unanswered]
    if role == "user" and left:
        raise _unanswered(where, talk)
    text = "\n".join(filter(None, texts))
    if role == "assistant" or text or not pending:
        talk.turns.append(Turn("assistant" if role == "assistant" else "user", text))


def _text(block: Mapping[str, object], where: str, talk: Conversation | None) -> str:
    del talk
    one_of("text")(block.get("type"), f"{where}.type")
    text = string(block, "text", where)
    if not text.strip():
        raise Refusal(f"{where}: text content blocks must contain more than blanks.", param=where)
    return text


def _tool_use(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    string(block, "name", where)
    table(block.get("input"), f"{where}.input")
    identifier = string(block, "id", where)
    if identifier in talk.unanswered:
        raise Refusal(f"{where}: 'tool_use' ids must be unique.", param=where)
    talk.unanswered.append(identifier)
    return ""


def _tool_result(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    answered = string(block, "tool_use_id", where)
    if answered not in talk.unanswered:
        raise Refusal(
            f"{where}: 'tool_result' answers '{answered}', which the message before does not use.", param=where
        )
    talk.unanswered.remove(answered)
    if block.get("is_error") is not None:
        boolean(block["is_error"], f"{where}.is_error")
    content = block.get("content")
    texts = [content] if isinstance(content, str) else []
    for at, item in enumerate(content if is_list(content) else ()):
        place = f"{where}.content.{at}"
        inner = table(item, place)
        readers = {"text": _text, "image": _image, "document": _document}
        one_of(*readers)(inner.get("type"), f"{place}.type")
        texts.append(readers[str(inner["type"])](inner, place, talk))
    talk.turns.append(Turn("tool", "\n".join(filter(None, texts))))
    return ""


def _thinking(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    del talk
    signature, thought = string(block, "signature", where), string(block, "thinking", where)
    if signature != signature_of(thought):
        raise Refusal(f"{where}: Invalid 'signature' in 'thinking' block.", param=where)
    return ""


def _redacted(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    del talk
    string(block, "data", where)
    return ""


def _image(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    source = table(block.get("source"), f"{where}.source")
    one_of("base64", "url")(source.get("type"), f"{where}.source.type")
    if source["type"] == "url":
        string(source, "url", f"{where}.source")
        talk.pictures.append(Picture("by address"))
        return ""
    one_of(*_IMAGES)(source.get("media_type"), f"{where}.source.media_type")
    picture = picture_of(_bytes(source, where))
    if picture is None:
        raise Refusal(f"{where}.source.base64.data: Could not process image.", param=where)
    talk.pictures.append(picture)
    return ""


def _document(block: Mapping[str, object], where: str, talk: Conversation) -> str:
    source = table(block.get("source"), f"{where}.source")
    one_of("base64", "url", "text")(source.get("type"), f"{where}.source.type")
    talk.files.append(str(block.get("title") or "a document"))
    match source["type"]:
        case "text":
            one_of("text/plain")(source.get("media_type"), f"{where}.source.media_type")
            return string(source, "data", f"{where}.source")
        case "url":
            string(source, "url", f"{where}.source")
        case _:
            one_of("application/pdf")(source.get("media_type"), f"{where}.source.media_type")
            if not _bytes(source, where).startswith(b"%PDF"):
                raise Refusal(f"{where}.source.base64.data: The PDF specified was not valid.", param=where)
    return ""


def _bytes(source: Mapping[str, object], where: str) -> bytes:
    try:
        return base64.b64decode(string(source, "data", f"{where}.source"), validate=True)
    except binascii.Error:
        raise Refusal(f"{where}.source.base64.data: Invalid base64 data.", param=where) from None


_READERS: Mapping[str, Mapping[str, Callable[[Mapping[str, object], str, Conversation], str]]] = {
    "user": {"text": _text, "image": _image, "document": _document, "tool_result": _tool_result},
    "assistant": {"text": _text, "tool_use": _tool_use, "thinking": _thinking, "redacted_thinking": _redacted},
}
