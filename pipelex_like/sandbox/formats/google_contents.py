"""Reading contents and their parts: https://ai.google.dev/api/caching#Content"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.google_fields import known_fields
from pipelex_like.sandbox.model import Picture, Turn, picture_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")
_PART = frozenset({*_DATA, "thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"})
_UNSIGNED = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
# https://ai.google.dev/gemini-api/docs/thought-signatures: from Gemini 3 on a turn's first call has to be signed.
_SIGNING = re.compile(r"gemini-([3-9]|\d\d)")


@dataclass(slots=True)
class Contents:
    """What contents hold; `calls` are the names of the calls that wait for their results."""

    turns: list[Turn] = field(default_factory=list[Turn])
    pictures: list[Picture] = field(default_factory=list[Picture])
    files: list[str] = field(default_factory=list[str])
    calls: list[str] = field(default_factory=list[str])
    signing: bool = False


def signature_of(data: object) -> str:
    """Sign what a part says, so that a changed one is told when it comes back."""
    return base64.b64encode(
        b"sandbox-signature-%08x" % zlib.crc32(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    ).decode()


def read_contents(value: object, model: str) -> Contents:
    """Check every content, and that the results of calls follow right behind them. Raises Refusal."""
    if not value:
        raise Refusal("* GenerateContentRequest.contents: contents is not specified", param="contents")
    found = Contents(signing=bool(_SIGNING.match(model)))
    for at, item in enumerate(checks.listed(value, "contents")):
        where = f"contents[{at}]"
        content = known_fields(item, where, frozenset({"role", "parts"}))
        role = content.get("role", "user")
        if role not in ("user", "model"):
            raise Refusal("Please use a valid role: user, model.", param=f"{where}.role")
        _read(_parts(content.get("parts"), where), str(role), where, found)
    if found.calls:
        raise _unpaired("contents")
    return found


def read_system(value: object) -> str:
    """Check `systemInstruction`: texts only."""
    if value is None:
        return ""
    content = known_fields(value, "system_instruction", frozenset({"role", "parts"}))
    texts: list[str] = []
    for at, part in enumerate(_parts(content.get("parts"), "system_instruction")):
        texts.append(checks.string(part, "text", f"system_instruction.parts[{at}]"))
    return "\n".join(texts)


def _parts(value: object, where: str) -> Sequence[dict[str, object]]:
    if not value:
        raise Refusal(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.", param=where)
    listed = checks.listed(value, f"{where}.parts")
    return [known_fields(item, f"{where}.parts[{at}]", _PART) for at, item in enumerate(listed)]


def _read(parts: Sequence[Mapping[str, object]], role: str, where: str, found: Contents) -> None:
    answered = [part for part in parts if "functionResponse" in part]
    if len(answered) != len(found.calls):
        raise _unpaired(where)
    texts: list[str] = []
    for at, part in enumerate(parts):
        place = f"{where}.parts[{at}]"
        kinds = [name for name in _DATA if name in part]
        if len(kinds) != 1:
            raise Refusal(f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one field")
        readers = _READERS[role]
        if kinds[0] not in readers:
            raise Refusal(f"{place}: a content of role '{role}' cannot hold '{kinds[0]}'.", param=place)
        texts.append(readers[kinds[0]](part, place, found))
        _check_signature(part, kinds[0], place)
    if found.signing and role == "model":
        _check_signed(parts, where)
    text = "\n".join(filter(None, texts))
    if text or not answered:
        found.turns.append(Turn("assistant" if role == "model" else "user", text))


def _unpaired(where: str) -> Refusal:
    return Refusal(
        "Please ensure that the number of function response parts is equal to the number of function call parts of "
        "the function call turn, and that they come right behind it.",
        param=where,
    )


def _check_signature(part: Mapping[str, object], kind: str, where: str) -> None:
    signature = part.get("thoughtSignature")
    if signature in (None, *_UNSIGNED):
        return
    # Clients write bytes in either alphabet of base64.
    if str(signature).replace("-", "+").replace("_", "/") != signature_of(part[kind]):
        raise Refusal("Corrupted thought signature.", param=where)


def _check_signed(parts: Sequence[Mapping[str, object]], where: str) -> None:
    calls = [at for at, part in enumerate(parts) if "functionCall" in part]
    if calls and "thoughtSignature" not in parts[calls[0]]:
        raise Refusal(
            "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
            f"correctly. Additional data, position {calls[0]}.",
            param=where,
        )


def _text(part: Mapping[str, object], where: str, found: Contents) -> str:
    del found
    text = checks.string(part, "text", where)
    return "" if part.get("thought") else text


def _inline(part: Mapping[str, object], where: str, found: Contents) -> str:
    blob = known_fields(part["inlineData"], f"{where}.inline_data", frozenset({"mimeType", "data", "displayName"}))
    mime = checks.string(blob, "mimeType", f"{where}.inline_data")
    try:
        data = base64.b64decode(checks.string(blob, "data", f"{where}.inline_data"), validate=True)
    except binascii.Error:
        raise Refusal(f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed") from None
    if mime.startswith("image/"):
        picture = picture_of(data)
        if picture is None:
            raise Refusal("Unable to process input image. Please retry or report.", param=where)
        found.pictures.append(picture)
    elif mime == "application/pdf" and not data.startswith(b"%PDF"):
        raise Refusal("The document has no pages.", param=where)
    elif mime.startswith(("application/pdf", "audio/", "video/", "text/")):
        found.files.append(mime)
    else:
        raise Refusal(f"Unsupported MIME type: {mime}", param=where)
    return ""


def _file(part: Mapping[str, object], where: str, found: Contents) -> str:
    data = known_fields(part["fileData"], f"{where}.file_data", frozenset({"mimeType", "fileUri", "displayName"}))
    checks.string(data, "fileUri", f"{where}.file_data")
    mime = str(data.get("mimeType", ""))
    if mime.startswith("image/"):
        found.pictures.append(Picture("by address"))
    else:
        found.files.append(mime or "a file")
    return ""


def _call(part: Mapping[str, object], where: str, found: Contents) -> str:
    call = known_fields(part["functionCall"], f"{where}.function_call", frozenset({"id", "name", "args"}))
    found.calls.append(checks.string(call, "name", f"{where}.function_call"))
    checks.table(call.get("args", {}), f"{where}.function_call.args")
    return ""


def _response(part: Mapping[str, object], where: str, found: Contents) -> str:
    names = frozenset({"id", "name", "response", "willContinue", "scheduling", "parts"})
    answer = known_fields(part["functionResponse"], f"{where}.function_response", names)
    name = checks.string(answer, "name", f"{where}.function_response")
    if name not in found.calls:
        raise _unpaired(where)
    found.calls.remove(name)
    response = checks.table(answer.get("response"), f"{where}.function_response.response")
    only = next(iter(response.values())) if len(response) == 1 else response
    found.turns.append(Turn("tool", only if isinstance(only, str) else orjson.dumps(only).decode()))
    return ""


_READERS: Mapping[str, Mapping[str, Callable[[Mapping[str, object], str, Contents], str]]] = {
    "user": {"text": _text, "inlineData": _inline, "fileData": _file, "functionResponse": _response},
    "model": {"text": _text, "functionCall": _call, "inlineData": _inline},
}
