"""Reading the messages of a chat completion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.checks import listed, missing, one_of, string, table, wrong_type, wrong_value
from pipelex_like.sandbox.formats.openai_parts import file_of, picture_at
from pipelex_like.sandbox.model import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.model import Picture


@dataclass(slots=True)
class Conversation:
    """What messages hold, collected one after the other."""

    turns: list[Turn] = field(default_factory=list[Turn])
    pictures: list[Picture] = field(default_factory=list["Picture"])
    files: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])
    """Ids of the tool calls of the last assistant message that no tool message has answered yet."""


def read_messages(value: object) -> Conversation:
    """Check every message, their order too: each tool call is answered right after it. Raises Refusal."""
    if value is None:
        raise missing("messages")
    talk = Conversation()
    for at, item in enumerate(listed(value, "messages")):
        where = f"messages[{at}]"
        message = table(item, where)
        role = string(message, "role", where)
        if role not in _READERS:
            raise wrong_value(role, f"{where}.role", tuple(_READERS))
        if role != "tool":
            _refuse_unanswered(talk, where)
        _READERS[role](message, where, talk)
    _refuse_unanswered(talk, "messages")
    return talk


def _refuse_unanswered(talk: Conversation, where: str) -> None:
    if talk.unanswered:
        ids = ", ".join(talk.unanswered)
        raise Refusal(
            f"Every tool call must be answered by a message with role 'tool' right after it; not answered: {ids}.",
            param=where,
        )


def _system(message: Mapping[str, object], where: str, talk: Conversation) -> None:
    talk.turns.append(Turn("system", _content(message, where, talk, ("text",))))


def _user(message: Mapping[str, object], where: str, talk: Conversation) -> None:
    kinds = ("text", "image_url", "input_audio", "file")
    talk.turns.append(Turn("user", _content(message, where, talk, kinds)))


def _assistant(message: Mapping[str, object], where: str, talk: Conversation) -> None:
    calls = message.get("tool_calls")
    if calls is not None:
        for at, item in enumerate(listed(calls, f"{where}.tool_calls")):
            place = f"{where}.tool_calls[{at}]"
            call = table(item, place)
            one_of("function")(call.get("type"), f"{place}.type")
            function = table(call.get("function"), f"{place}.function")
            string(function, "name", f"{place}.function")
            string(function, "arguments", f"{place}.function")
            talk.unanswered.append(string(call, "id", place))
    empty = message.get("content") is None and (calls is not None or message.get("refusal") is not None)
    talk.turns.append(Turn("assistant", "" if empty else _content(message, where, talk, ("text", "refusal"))))


def _tool(message: Mapping[str, object], where: str, talk: Conversation) -> None:
    answered = string(message, "tool_call_id", where)
    if answered not in talk.unanswered:
        raise Refusal(
            f"'{where}' answers the tool call '{answered}', which no assistant message before it made.",
            param=f"{where}.tool_call_id",
        )
    talk.unanswered.remove(answered)
    talk.turns.append(Turn("tool", _content(message, where, talk, ("text",))))


_READERS: Mapping[str, Callable[[Mapping[str, object], str, Conversation], None]] = {
    "developer": _system,
    "system": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}


def _content(message: Mapping[str, object], where: str, talk: Conversation, kinds: tuple[str, ...]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise wrong_type(content, f"{where}.content", "a string or an array of parts")
    texts: list[str] = []
    for at, item in enumerate(listed(content, f"{where}.content")):  # pyright: ignore[reportUnknownArgumentType]
        place = f"{where}.content[{at}]"
        part = table(item, place)
        kind = string(part, "type", place)
        if kind not in kinds:
            raise wrong_value(kind, f"{place}.type", kinds)
        texts.append(_part(part, kind, place, talk))
    return "\n".join(filter(None, texts))


def _part(part: Mapping[str, object], kind: str, where: str, talk: Conversation) -> str:
    match kind:
        case "image_url":
            image = table(part.get("image_url"), f"{where}.image_url")
            if (detail := image.get("detail")) is not None:
                one_of("auto", "low", "high", "original")(detail, f"{where}.image_url.detail")
            talk.pictures.append(picture_at(string(image, "url", f"{where}.image_url"), f"{where}.image_url.url"))
            return ""
        case "file":
            name, text = file_of(table(part.get("file"), f"{where}.file"), f"{where}.file")
            talk.files.append(name)
            return text
        case "input_audio":
            sound = table(part.get("input_audio"), f"{where}.input_audio")
            string(sound, "data", f"{where}.input_audio")
            one_of("wav", "mp3")(sound.get("format"), f"{where}.input_audio.format")
            talk.files.append("a sound")
            return ""
        case _:
            return string(part, kind, where)
