"""Reading the messages of Converse: blocks of one key each, and the order that turns must keep.

The rules: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html and .../ContentBlock.html
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.anthropic_reading import signature_of
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.checks import listed, missing, one_of, string, table, wrong_value
from pipelex_like.sandbox.formats.openai_messages import Conversation
from pipelex_like.sandbox.model import Picture, Turn, picture_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[object, str, Conversation], str]

_NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]{1,200}\Z")
_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}\Z")
_S3 = re.compile(r"s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](/.*)?\Z")
_ALTERNATE = (
    "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between "
    "user and assistant roles and try again."
)


def read_system(value: object) -> str:
    """Check `system`: blocks of text and marks for the cache."""
    texts: list[str] = []
    for at, item in enumerate(listed([] if value is None else value, "system", least=0)):
        kind, inner = one_key(item, f"system.{at}", ("text", "cachePoint", "guardContent"))
        texts.append(_READERS["user"].get(kind, _cache)(inner, f"system.{at}", Conversation()))
    return "\n".join(filter(None, texts))


def read_messages(value: object) -> Conversation:
    """Check every message and its place."""
    if value is None:
        raise missing("messages")
    talk = Conversation()
    before = ""
    for at, item in enumerate(listed(value, "messages")):
        where = f"messages.{at}"
        message = table(item, where)
        role = string(message, "role", where)
        if role not in ("user", "assistant"):
            raise wrong_value(role, f"{where}.role", ("user", "assistant"))
        if not before and role != "user":
            raise Refusal("A conversation must start with a user message. Try again with a conversation that does.")
        if role == before:
            raise Refusal(_ALTERNATE)
        _read(message.get("content"), role, where, talk)
        before = role
    return talk


def _read(content: object, role: str, where: str, talk: Conversation) -> None:
    texts: list[str] = []
    kinds: set[str] = set()
    pending = [*talk.unanswered]
    for at, item in enumerate(listed(content, f"{where}.content")):
        place = f"{where}.content.{at}"
        kind, inner = one_key(item, place, tuple(_READERS[role]))
        kinds.add(kind)
        texts.append(_READERS[role][kind](inner, place, talk))
    if "document" in kinds and "text" not in kinds:
        raise Refusal(f"{where}: a message with a document must hold a text too.")
    left = [one for one in pending if one in talk.unanswered]
    if left:
        raise Refusal(f"Expected toolResult blocks at {where}.content for the following Ids: {', '.join(left)}")
    text = "\n".join(filter(None, texts))
    if role == "assistant" or text or not pending:
        talk.turns.append(Turn("assistant" if role == "assistant" else "user", text))


def one_key(item: object, where: str, known: tuple[str, ...]) -> tuple[str, object]:
    """Give the only key of a union and its value. Raises Refusal."""
    block = {key: value for key, value in table(item, where).items() if value is not None}
    if len(block) != 1:
        raise Refusal(f"{where}: exactly one of {', '.join(known)} must be given, not {len(block)}.", param=where)
    ((key, value),) = block.items()
    if key not in known:
        raise wrong_value(key, where, known)
    return key, value


def known_keys(fields: Mapping[str, object], where: str, *known: str) -> None:
    """Refuse every other key."""
    for key in fields.keys() - set(known):
        place = f"#/{where.replace('.', '/')}" if where else "#"
        told = f"Malformed input request: {place}: extraneous key [{key}] is not permitted"
        raise Refusal(f"{told}, please reformat your input and try again.")


def _text(value: object, where: str, talk: Conversation) -> str:
    del talk
    text = string({"text": value}, "text", where)
    if not text.strip():
        raise Refusal(
            f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again."
        )
    return text


def _cache(value: object, where: str, talk: Conversation) -> str:
    del talk
    fields = table(value, f"{where}.cachePoint")
    one_of("default")(fields.get("type"), f"{where}.cachePoint.type")
    if fields.get("ttl") is not None:
        one_of("5m", "1h")(fields["ttl"], f"{where}.cachePoint.ttl")
    return ""


def _image(value: object, where: str, talk: Conversation) -> str:
    fields = table(value, f"{where}.image")
    known_keys(fields, f"{where}.image", "format", "source")
    one_of("png", "jpeg", "gif", "webp")(fields.get("format"), f"{where}.image.format")
    data = _bytes(fields.get("source"), f"{where}.image.source")
    picture = Picture("by address") if data is None else picture_of(data)
    if picture is None:
        raise Refusal(f"{where}: Could not process image.", param=where)
    talk.pictures.append(picture)
    return ""


def _document(value: object, where: str, talk: Conversation) -> str:
    fields = table(value, f"{where}.document")
    known_keys(fields, f"{where}.document", "format", "name", "source", "context", "citations")
    forms = ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
    one_of(*forms)(fields.get("format"), f"{where}.document.format")
    name = string(fields, "name", f"{where}.document")
    if not _NAME.match(name):
        raise Refusal(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, "
            "parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
        )
    if name in talk.files:
        raise Refusal(f"{where}: there is another document named '{name}'.")
    data = _bytes(fields.get("source"), f"{where}.document.source")
    if data is not None and fields["format"] == "pdf" and not data.startswith(b"%PDF"):
        raise Refusal("The PDF specified was not valid.", param=where)
    talk.files.append(name)
    return ""


def _bytes(value: object, where: str) -> bytes | None:
    kind, inner = one_key(value, where, ("bytes", "s3Location"))
    if kind == "s3Location":
        uri = string(table(inner, f"{where}.s3Location"), "uri", f"{where}.s3Location")
        if not _S3.match(uri):
            raise Refusal(f"{where}.s3Location.uri: '{uri}' is no address in S3.", param=where)
        return None
    try:
        return base64.b64decode(string({"bytes": inner}, "bytes", where), validate=True)
    except binascii.Error:
        raise Refusal(f"{where}.bytes: this is no base64.", param=where) from None


def _tool_use(value: object, where: str, talk: Conversation) -> str:
    fields = table(value, f"{where}.toolUse")
    known_keys(fields, f"{where}.toolUse", "toolUseId", "name", "input", "type")
    string(fields, "name", f"{where}.toolUse")
    table(fields.get("input"), f"{where}.toolUse.input")
    talk.unanswered.append(_identifier(fields, f"{where}.toolUse"))
    return ""


def _identifier(fields: Mapping[str, object], where: str) -> str:
    found = string(fields, "toolUseId", where)
    if not _ID.match(found):
        raise Refusal(f"{where}.toolUseId: must match [a-zA-Z0-9_.:-]+ and have 64 characters at most.", param=where)
    return found


def _tool_result(value: object, where: str, talk: Conversation) -> str:
    fields = table(value, f"{where}.toolResult")
    known_keys(fields, f"{where}.toolResult", "toolUseId", "content", "status", "type")
    answered = _identifier(fields, f"{where}.toolResult")
    if answered not in talk.unanswered:
        raise Refusal(f"{where}: toolResult {answered} answers no toolUse of the turn before.", param=where)
    talk.unanswered.remove(answered)
    if fields.get("status") is not None:
        one_of("success", "error")(fields["status"], f"{where}.toolResult.status")
    texts: list[str] = []
    for at, item in enumerate(listed(fields.get("content"), f"{where}.toolResult.content", least=0)):
        place = f"{where}.toolResult.content.{at}"
        kind, inner = one_key(item, place, ("text", "json", "image", "document"))
        texts.append(str(inner) if kind == "json" else _READERS["user"][kind](inner, place, talk))
    talk.turns.append(Turn("tool", "\n".join(filter(None, texts))))
    return ""


def _reasoning(value: object, where: str, talk: Conversation) -> str:
    del talk
    kind, inner = one_key(value, f"{where}.reasoningContent", ("reasoningText", "redactedContent"))
    if kind == "reasoningText":
        fields = table(inner, f"{where}.reasoningContent.reasoningText")
        if fields.get("signature") != signature_of(string(fields, "text", where)):
            raise Refusal(f"{where}: Invalid `signature` in `thinking` block", param=where)
    return ""


_READERS: Mapping[str, Mapping[str, Reader]] = {
    "user": {
        "text": _text,
        "image": _image,
        "document": _document,
        "toolResult": _tool_result,
        "cachePoint": _cache,
    },
    "assistant": {"text": _text, "toolUse": _tool_use, "reasoningContent": _reasoning, "cachePoint": _cache},
}
