"""Tools in the forms that callers write: typed callables, Tool, and JSON-schema dicts, plain or OpenAI's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from pipelex_like.errors import did_you_mean
from pipelex_like.types import FrozenDict, Tool, freeze, is_list, is_table

if TYPE_CHECKING:
    from types import FunctionType

ToolLike = Tool | Callable[..., object] | Mapping[str, object]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_KEYS = ("name", "description", "parameters", "strict")


def read_tools(tools: object) -> tuple[Tool, ...]:
    """Give the tools in order; they are never executed here.

    Raises TypeError for what is no tool, ValueError for a name that no provider takes or that stands twice.
    """
    if not is_list(tools):
        raise TypeError(f"tools: expected a list of tools, got {type(tools).__name__}; write tools=[...]")
    read = tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(tools))
    seen: set[str] = set()
    for tool in read:
        if not _NAME.match(tool.name):
            raise ValueError(f"tool {tool.name!r}: a name has up to 64 letters, digits, _ and -")
        if tool.name in seen:
            raise ValueError(f'two tools are called "{tool.name}"')
        seen.add(tool.name)
    return read


def _tool(given: object, where: str) -> Tool:
    if isinstance(given, Tool):
        return given
    if is_table(given):
        return _from_dict(given, where)
    if callable(given):
        return _from_callable(given, where)
    raise TypeError(f"{where}: expected a function, a Tool or a dict, got {type(given).__name__}")


def _from_dict(given: dict[str, object], where: str) -> Tool:
    if given.get("type") == "function" and is_table(function := given.get("function")):
        return _from_dict(function, f"{where}.function")
    facts = {key: value for key, value in given.items() if not (key == "type" and value == "function")}
    for key in facts:
        if key not in _KEYS:
            raise ValueError(f'{where}: a tool has no "{key}". {did_you_mean(key, _KEYS)}'.rstrip())
    name, text = facts.get("name"), facts.get("description") or ""
    parameters, strict = facts.get("parameters"), facts.get("strict")
    if not isinstance(name, str) or not isinstance(text, str):
        raise TypeError(f"{where}: name and description must be texts")
    if strict is not None and not isinstance(strict, bool):
        raise TypeError(f"{where}: strict must be true or false")
    if parameters is None:
        return Tool(name=name, description=text, strict=strict)
    if not is_table(parameters):
        raise TypeError(f"{where}: parameters must be a JSON Schema, got {type(parameters).__name__}")
    if not parameters:
        return Tool(name=name, description=text, strict=strict)
    if parameters.get("type", "object") != "object":
        raise ValueError(f'{where}: {name}: parameters: the JSON Schema must be of type "object"')
    return Tool(name=name, description=text, parameters=_frozen(parameters), strict=strict)


def _from_callable(function: Callable[..., object], where: str) -> Tool:
    from functools import partial
    from inspect import signature

    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    named = function
    while isinstance(named, partial):
        named = named.func
    is_function = hasattr(named, "__name__")
    name = cast("FunctionType", named).__name__ if is_function else type(named).__name__
    # pydantic takes functions, bound methods and types, but no object that is called itself.
    taken = function.__call__ if function is named and not is_function else function
    try:
        schema = TypeAdapter[object](cast("type[object]", taken)).json_schema()
    except (PydanticUserError, NameError) as error:
        raise TypeError(f"{where}: the parameters of {name} cannot be written as a JSON Schema: {error}") from error
    if schema.get("type") != "object":
        raise TypeError(f"{where}: {name} takes positional-only or starred arguments, which a model cannot name")
    for parameter in signature(taken).parameters.values():
        if parameter.annotation is parameter.empty and parameter.name in schema.get("properties", {}):
            raise TypeError(f'{where}: the parameter "{parameter.name}" of {name} has no type; annotate it')
    return Tool(name=name, description=_told(named if is_function else taken), parameters=_frozen(schema))


def _told(named: Callable[..., object]) -> str:
    from inspect import cleandoc, getdoc

    # A type without words of its own would give those of its base.
    return cleandoc(named.__dict__.get("__doc__") or "") if isinstance(named, type) else getdoc(named) or ""


def _frozen(schema: dict[str, object]) -> FrozenDict[str, object]:
    return cast("FrozenDict[str, object]", freeze(schema))
