"""What OpenAI's chat and responses formats share: pictures, files, tools, schemas."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.checks import listed, missing, one_of, string, table, wrong_type, wrong_value
from pipelex_like.sandbox.formats.schemas import check_schema
from pipelex_like.sandbox.model import Picture, Tool, picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def picture_at(url: str, where: str) -> Picture:
    """Look at a picture: its bytes in a data address are read, a web address is not fetched."""
    if url.startswith(("https://", "http://")):
        return Picture("by address")
    kind, data = decoded(url, where)
    picture = picture_of(data) if kind.startswith("image/") else None
    if picture is None:
        raise Refusal(
            f"The picture at '{where}' cannot be read. Send PNG, JPEG, GIF or WebP.",
            param=where,
            code="invalid_image_format",
        )
    return picture


def file_of(fields: Mapping[str, object], where: str) -> tuple[str, str]:
    """Look at a file: its name, and its text where it is plain text."""
    name = fields.get("filename") or fields.get("file_id") or fields.get("file_url") or "unnamed"
    data = fields.get("file_data")
    if data is None and not fields.keys() & {"file_id", "file_url"}:
        raise missing(f"{where}.file_data")
    if data is None:
        return str(name), ""
    kind, content = decoded(string(fields, "file_data", where), f"{where}.file_data")
    return str(name), content.decode("utf-8", "replace") if kind.startswith("text/") else ""


def decoded(url: str, where: str) -> tuple[str, bytes]:
    """Give type and bytes of a data address. Raises Refusal."""
    match = _DATA.match(url)
    if match is None:
        raise Refusal(
            f"'{where}' must be a web address or 'data:<type>;base64,...'.", param=where, code="invalid_value"
        )
    try:
        return match[1], base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise Refusal(f"'{where}' is no valid base64.", param=where, code="invalid_base64") from None


def tool_of(fields: Mapping[str, object], where: str) -> Tool:
    """Check a function's name and schema."""
    name = string(fields, "name", where)
    if not _NAME.match(name):
        raise Refusal(
            f"'{where}.name' takes 1 to 64 letters, digits, '_' and '-'.", param=f"{where}.name", code="invalid_value"
        )
    strict = _strict(fields, where)
    parameters = fields.get("parameters")
    if parameters is None:
        return Tool(name, {"type": "object", "properties": {}})
    schema = check_schema(parameters, f"{where}.parameters", name, strict=strict)
    if schema.get("type") != "object":
        raise Refusal(
            f"The schema of '{name}' cannot be used: its outermost type must be 'object'.",
            param=f"{where}.parameters",
            code="invalid_function_parameters",
        )
    return Tool(name, schema)


def unique(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    """Refuse two tools of one name."""
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f"There are two tools named '{name}'.", param="tools", code="invalid_value")
    return tools


def schema_of(fields: Mapping[str, object], where: str) -> object:
    """Check the named schema of a structured output."""
    name = string(fields, "name", where)
    if not _NAME.match(name):
        raise Refusal(
            f"'{where}.name' takes 1 to 64 letters, digits, '_' and '-'.", param=f"{where}.name", code="invalid_value"
        )
    if fields.get("schema") is None:
        raise missing(f"{where}.schema")
    return check_schema(fields["schema"], f"{where}.schema", name, strict=_strict(fields, where))


def _strict(fields: Mapping[str, object], where: str) -> bool:
    strict = fields.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise wrong_type(strict, f"{where}.strict", "a boolean")
    return bool(strict)


def chosen_tools(choice: object, tools: tuple[Tool, ...], given: object) -> tuple[tuple[Tool, ...], bool]:
    """Read `tool_choice`: the tools that may be called, and whether one must be."""
    if choice is None:
        return tools, False
    if given is None:
        raise Refusal("'tool_choice' is only for requests with 'tools'.", param="tool_choice", code="invalid_value")
    if isinstance(choice, str):
        one_of("none", "auto", "required")(choice, "tool_choice")
        return (() if choice == "none" else tools), choice == "required"
    fields = table(choice, "tool_choice")
    match fields.get("type"):
        case "function":
            nested = fields.get("function")
            named = fields if nested is None else table(nested, "tool_choice.function")
            return _named(string(named, "name", "tool_choice.function"), tools), True
        case "allowed_tools":
            return _allowed(fields, tools)
        case kind:
            raise wrong_value(kind, "tool_choice.type", ("function", "allowed_tools"))


def _named(name: str, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    found = tuple(tool for tool in tools if tool.name == name)
    if not found:
        raise Refusal(f"'tool_choice' names '{name}', which is not among 'tools'.", param="tool_choice")
    return found


def _allowed(fields: Mapping[str, object], tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool]:
    nested = fields.get("allowed_tools")
    inner = fields if nested is None else table(nested, "tool_choice.allowed_tools")
    one_of("auto", "required")(inner.get("mode"), "tool_choice.allowed_tools.mode")
    names: list[str] = []
    for at, item in enumerate(listed(inner.get("tools"), "tool_choice.allowed_tools.tools")):
        where = f"tool_choice.allowed_tools.tools[{at}]"
        entry = table(item, where)
        names.append(string(table(entry.get("function", entry), where), "name", where))
    return tuple(tool for name in names for tool in _named(name, tools)), inner.get("mode") == "required"
