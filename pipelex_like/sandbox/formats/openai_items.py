"""Reading the input items of the responses format."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.checks import listed, missing, one_of, string, table, wrong_type, wrong_value
from pipelex_like.sandbox.formats.openai_messages import Conversation
from pipelex_like.sandbox.formats.openai_parts import file_of, picture_at
from pipelex_like.sandbox.model import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

_ROLES: Mapping[str, Literal["system", "user", "assistant"]] = {
    "developer": "system",
    "system": "system",
    "user": "user",
    "assistant": "assistant",
}
_PARTS = ("input_text", "input_image", "input_file")


def read_input(value: object) -> Conversation:
    """Check `input`: a text, or items; each function call has its output among them. Raises Refusal."""
    if value is None:
        raise missing("input")
    talk = Conversation()
    if isinstance(value, str):
        talk.turns.append(Turn("user", value))
        return talk
    made: set[str] = set()
    items = listed(value, "input")
    for at, item in enumerate(items):
        where = f"input[{at}]"
        fields = table(item, where)
        kind = fields.get("type", "message")
        if not isinstance(kind, str) or kind not in _READERS:
            raise wrong_value(kind, f"{where}.type", tuple(_READERS))
        if kind == "function_call_output":
            _refuse_unasked(fields, where, made)
        _READERS[kind](fields, where, talk)
        made.update(talk.unanswered)
    _refuse_alone(items)
    if talk.unanswered:
        raise Refusal(f"No output was sent for the function call '{talk.unanswered[0]}'.", param="input")
    return talk


def _refuse_unasked(fields: Mapping[str, object], where: str, made: set[str]) -> None:
    answered = string(fields, "call_id", where)
    if answered not in made:
        raise Refusal(f"'{where}' answers the call '{answered}', which is not in 'input'.", param=f"{where}.call_id")


def _message(fields: Mapping[str, object], where: str, talk: Conversation) -> None:
    role = string(fields, "role", where)
    if role not in _ROLES:
        raise wrong_value(role, f"{where}.role", tuple(_ROLES))
    content = fields.get("content")
    if isinstance(content, str):
        talk.turns.append(Turn(_ROLES[role], content))
        return
    if not isinstance(content, list):
        raise wrong_type(content, f"{where}.content", "a string or an array of parts")
    kinds = ("output_text", "refusal") if role == "assistant" else _PARTS
    texts: list[str] = []
    for at, item in enumerate(listed(content, f"{where}.content")):  # pyright: ignore[reportUnknownArgumentType]
        place = f"{where}.content[{at}]"
        part = table(item, place)
        kind = string(part, "type", place)
        if kind not in kinds:
            raise wrong_value(kind, f"{place}.type", kinds)
        texts.append(_part(part, kind, place, talk))
    talk.turns.append(Turn(_ROLES[role], "\n".join(filter(None, texts))))


def _part(part: Mapping[str, object], kind: str, where: str, talk: Conversation) -> str:
    match kind:
        case "input_image":
            if (detail := part.get("detail")) is not None:
                one_of("auto", "low", "high", "original")(detail, f"{where}.detail")
            if part.get("file_id") is None:
                talk.pictures.append(picture_at(string(part, "image_url", where), f"{where}.image_url"))
            return ""
        case "input_file":
            name, text = file_of(part, where)
            talk.files.append(name)
            return text
        case "refusal":
            return string(part, "refusal", where)
        case _:
            return string(part, "text", where)


def _call(fields: Mapping[str, object], where: str, talk: Conversation) -> None:
    string(fields, "name", where)
    string(fields, "arguments", where)
    talk.unanswered.append(string(fields, "call_id", where))
    talk.turns.append(Turn("assistant", ""))


def _output(fields: Mapping[str, object], where: str, talk: Conversation) -> None:
    answered = string(fields, "call_id", where)
    if answered in talk.unanswered:
        talk.unanswered.remove(answered)
    output = fields.get("output")
    if output is None:
        raise missing(f"{where}.output")
    if isinstance(output, str):
        talk.turns.append(Turn("tool", output))
        return
    texts: list[str] = []
    for at, item in enumerate(listed(output, f"{where}.output")):
        place = f"{where}.output[{at}]"
        part = table(item, place)
        one_of(*_PARTS)(part.get("type"), f"{place}.type")
        texts.append(_part(part, str(part["type"]), place, talk))
    talk.turns.append(Turn("tool", "\n".join(filter(None, texts))))


def encrypted(identifier: str) -> str:
    """Give what the simulated provider calls the encrypted content of a reasoning item."""
    return base64.b64encode(f"sandbox:{identifier}".encode()).decode()


def _reasoning(fields: Mapping[str, object], where: str, talk: Conversation) -> None:
    del talk
    identifier = string(fields, "id", where)
    for at, item in enumerate(listed(fields.get("summary"), f"{where}.summary", least=0)):
        string(table(item, f"{where}.summary[{at}]"), "text", f"{where}.summary[{at}]")
    content = fields.get("encrypted_content")
    if content is None:
        raise Refusal(f"There is no item '{identifier}': nothing is stored here.", status=404, param="input")
    if content != encrypted(identifier):
        raise Refusal(
            f"The encrypted content of '{identifier}' is not the one that was sent.",
            param=f"{where}.encrypted_content",
            code="invalid_encrypted_content",
        )


def _refuse_alone(items: Sequence[object]) -> None:
    """Refuse reasoning behind which nothing stands that it led to."""
    for at, item in enumerate(items):
        fields = table(item, f"input[{at}]")
        if fields.get("type") != "reasoning":
            continue
        after = table(items[at + 1], f"input[{at + 1}]") if at + 1 < len(items) else {}
        if after.get("type") not in ("reasoning", "function_call") and after.get("role") != "assistant":
            raise Refusal(f"The reasoning '{fields.get('id')}' stands without what followed it.", param="input")


_READERS: Mapping[str, Callable[[Mapping[str, object], str, Conversation], None]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
    "reasoning": _reasoning,
}
