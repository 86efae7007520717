"""JSON Schema in the narrower form that Anthropic's structured outputs accept.

What they accept: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.types import is_list, is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import ObjectSchema

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_COMBINED = frozenset({"anyOf", "oneOf", "allOf"})
_KEPT = frozenset({"type", "enum", "const", "description", "items"}) | _COMBINED
_SILENT = frozenset({"title", "default", "examples", "discriminator", "$schema", "$id", "$defs"}) | {
    *("additionalProperties", "properties", "required")
}
_BEYOND = frozenset({"patternProperties", "propertyNames", "prefixItems", "if", "then", "else", "not", "contains"})
_DEEPEST = 60
_REF = "#/$defs/"


class _TooFreeError(Exception):
    """The schema allows what structured outputs cannot express (free keys, any value, itself)."""


def output_schema(schema: ObjectSchema) -> dict[str, object] | None:
    """Give the schema that makes a model keep to it, or None where it cannot be written so.

    Limits that have no keyword there (minimum, pattern, ...) are told in the description; the answer is checked here.
    """
    plain = thaw(schema.schema)
    root = plain if is_table(plain) else {}
    found = root.get("$defs")
    definitions = found if is_table(found) else {}
    try:
        _refuse_recursion(root, definitions, ())
        narrow = _narrow(root, 0)
        if definitions:
            narrow["$defs"] = {name: _node(value, 0) for name, value in definitions.items()}
    except _TooFreeError:
        return None
    return narrow


def _refuse_recursion(node: object, definitions: Mapping[str, object], inside: tuple[str, ...]) -> None:
    if len(inside) > _DEEPEST:
        raise _TooFreeError
    if is_list(node):
        for item in node:
            _refuse_recursion(item, definitions, inside)
    if not is_table(node):
        return
    name = node.get("$ref")
    if isinstance(name, str):
        if name in inside or name.removeprefix(_REF) not in definitions:
            raise _TooFreeError
        _refuse_recursion(definitions[name.removeprefix(_REF)], definitions, (*inside, name))
    for key, value in node.items():
        if key != "$defs":
            _refuse_recursion(value, definitions, inside)


def _node(value: object, depth: int) -> dict[str, object]:
    if not is_table(value) or depth > _DEEPEST:
        raise _TooFreeError
    return _narrow(value, depth)


def _narrow(node: Mapping[str, object], depth: int) -> dict[str, object]:
    if _BEYOND & node.keys():
        raise _TooFreeError
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    kinds = node.get("type")
    if is_list(kinds):
        return {"anyOf": [_narrow({**node, "type": kind}, depth + 1) for kind in kinds]}
    out: dict[str, object] = {}
    told: dict[str, object] = {}
    for key, value in node.items():
        if _is_kept(key, value):
            out["anyOf" if key == "oneOf" else key] = _inner(key, value, depth)
        elif key not in _SILENT:
            told[key] = value
    if not out.keys() & {"type", "anyOf", "allOf", "enum", "const"}:
        raise _TooFreeError
    if kinds == "object":
        out.update(_closed(node, depth))
    if told:
        limits = ", ".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in told.items())
        out["description"] = f"{out.get('description', '')} ({limits})".strip()
    return out


def _is_kept(key: str, value: object) -> bool:
    return key in _KEPT or (key == "format" and value in _FORMATS) or (key == "minItems" and value in (0, 1))


def _inner(key: str, value: object, depth: int) -> object:
    if key == "items":
        return _node(value, depth + 1)
    if key in _COMBINED:
        return [_node(item, depth + 1) for item in value] if is_list(value) else []
    return value


def _closed(node: Mapping[str, object], depth: int) -> dict[str, object]:
    properties, required = node.get("properties"), node.get("required")
    if not is_table(properties) or node.get("additionalProperties") not in (None, False):
        raise _TooFreeError
    return {
        "properties": {name: _node(value, depth + 1) for name, value in properties.items()},
        "required": list(required) if is_list(required) else [],
        "additionalProperties": False,
    }
