"""Messages as OpenAI's chat API writes them, read into ours; nothing in them is dropped silently."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import orjson

from pipelex_like.engine.media import UNKNOWN, decode_base64, read_media, sniff
from pipelex_like.errors import did_you_mean
from pipelex_like.types import (
    EMPTY,
    DocumentPart,
    FrozenDict,
    ImagePart,
    Media,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    freeze,
    is_list,
    is_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Marked = TextPart | ImagePart | DocumentPart

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_KEYS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"content"}),
    "user": frozenset({"content"}),
    "assistant": frozenset({"content", "tool_calls"}),
    "tool": frozenset({"content", "tool_call_id", "name"}),
}


def message_of(given: object, where: str) -> Message:
    """Give the message; `where` names it in errors. Raises TypeError or ValueError for anything malformed."""
    if isinstance(given, Message):
        return given
    if not is_table(given):
        raise TypeError(f"{where}: expected a Message or a dict, got {type(given).__name__}")
    role = given.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise ValueError(f"{where}: role must be one of {', '.join(_ROLES)}, not {role!r}")
    ours = _ROLES[role]
    for key, value in given.items():
        # SDKs write out every key that a reply may have; those that say nothing are passed over.
        if key != "role" and key not in _KEYS[ours] and value not in (None, [], {}, ""):
            hint = did_you_mean(key, _KEYS[ours])
            raise ValueError(f'{where}: a message of role {role} has no "{key}" here. {hint}'.rstrip())
    if ours == "tool":
        return Message("tool", (_tool_result(given, where),))
    parts = _content(given.get("content"), f"{where}.content")
    if ours == "assistant":
        parts += _tool_calls(given.get("tool_calls"), f"{where}.tool_calls")
    if not parts:
        raise ValueError(f"{where}: the message has no content")
    return Message(ours, tuple(parts))


def _content(content: object, where: str) -> list[Part]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    if not is_list(content):
        raise TypeError(f"{where}: expected a text or a list of parts, got {type(content).__name__}")
    return [_part(part, f"{where}[{place}]") for place, part in enumerate(content)]


def _part(part: object, where: str) -> Part:
    if not is_table(part):
        raise TypeError(f"{where}: expected a dict, got {type(part).__name__}")
    name = part.get("type")
    read = _PARTS.get(name) if isinstance(name, str) else None
    if read is None:
        raise ValueError(f"{where}: type must be one of {', '.join(_PARTS)}, not {name!r}")
    found = read(part, where)
    return replace(found, cache=True) if _marked(part.get("cache_control"), f"{where}.cache_control") else found


def _marked(mark: object, where: str) -> bool:
    """Whether the prompt up to here is to be kept, in the words of those whose providers want it said."""
    if mark is None:
        return False
    if not is_table(mark) or mark.get("type") != "ephemeral":
        raise ValueError(f'{where}: expected {{"type": "ephemeral"}}')
    if mark.get("ttl") not in (None, "5m"):
        raise ValueError(f'{where}.ttl: how long is said by the model: rules = {{ prompt_cache = "1h" }} in its spec')
    return True


def _text_part(part: dict[str, object], where: str) -> Marked:
    return TextPart(_string(part, "text", where))


def _image_part(part: dict[str, object], where: str) -> Marked:
    image = part.get("image_url")
    table = {"url": image} if isinstance(image, str) else image
    if not is_table(table):
        raise TypeError(f"{where}.image_url: expected a URL or a dict with a url")
    media = _linked(_string(table, "url", f"{where}.image_url"), f"{where}.image_url.url")
    detail = table.get("detail")
    if detail not in (None, "auto", "low", "high"):
        raise ValueError(f"{where}.image_url.detail: {detail!r} is not one of auto, low, high")
    if media.mime == UNKNOWN:
        media = Media(mime="image/*", url=media.url, name=media.name)
    if not media.mime.startswith("image/"):
        raise ValueError(f"{where}.image_url: {media.mime} is no picture")
    return ImagePart(media, detail if isinstance(detail, str) else None)


def _file_part(part: dict[str, object], where: str) -> Marked:
    file = part.get("file")
    if not is_table(file):
        raise TypeError(f"{where}.file: expected a dict with file_data")
    text = _string(file, "file_data", f"{where}.file")
    name = file.get("filename")
    if text.startswith("data:"):
        media = _linked(text, f"{where}.file.file_data")
    else:
        data = decode_base64(text, f"{where}.file.file_data")
        media = Media(mime=sniff(data) or "text/plain", data=data)
    return DocumentPart(Media(mime=media.mime, data=media.data, name=name if isinstance(name, str) else None))


def _linked(url: str, where: str) -> Media:
    # A message may come from anywhere: a path in it must not make this process read its own disk.
    if not url.startswith(("data:", "http://", "https://")):
        raise ValueError(f"{where}: expected an http(s) URL or a data URI; pass files of yours in images=[...]")
    try:
        return read_media(url)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


_PARTS: Mapping[str, Callable[[dict[str, object], str], Marked]] = {
    "text": _text_part,
    "image_url": _image_part,
    "file": _file_part,
}


def _tool_result(given: dict[str, object], where: str) -> Part:
    parts = _content(given.get("content"), f"{where}.content")
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) != len(parts):
        raise ValueError(f"{where}.content: a tool gives back text")
    return ToolResultPart(call_id=_string(given, "tool_call_id", where), text="".join(texts))


def _tool_calls(calls: object, where: str) -> list[Part]:
    if calls is None:
        return []
    if not is_list(calls):
        raise TypeError(f"{where}: expected a list, got {type(calls).__name__}")
    return [ToolCallPart(_tool_call(call, f"{where}[{place}]")) for place, call in enumerate(calls)]


def _tool_call(call: object, where: str) -> ToolCall:
    function = call.get("function") if is_table(call) else None
    if not is_table(call) or not is_table(function):
        raise TypeError(f'{where}: expected {{"id": ..., "type": "function", "function": {{"name", "arguments"}}}}')
    raw = _string(function, "arguments", f"{where}.function")
    try:
        parsed: object = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError:
        parsed = {}
    frozen = cast("FrozenDict[str, object]", freeze(parsed)) if is_table(parsed) else EMPTY
    return ToolCall(
        id=_string(call, "id", where),
        name=_string(function, "name", f"{where}.function"),
        arguments=frozen,
        raw=raw,
    )


def _string(table: dict[str, object], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise TypeError(f"{where}.{key}: expected a text, got {'nothing' if value is None else type(value).__name__}")
    return value
