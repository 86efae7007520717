"""JSON Schema in the narrower form that `responseJsonSchema` takes.

What it takes: https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.types import is_list, is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import ObjectSchema

_ONE = frozenset({"items", "additionalProperties"})
_MANY = frozenset({"anyOf", "oneOf", "prefixItems"})
_BY_NAME = frozenset({"properties", "$defs"})
_KEPT = (
    _ONE
    | _MANY
    | _BY_NAME
    | {"type", "format", "title", "description", "required"}
    | {
        *("minItems", "maxItems", "minimum", "maximum"),
    }
)
_SILENT = frozenset({"default", "examples", "example", "discriminator", "$schema", "$comment", "deprecated"}) | {
    *("readOnly", "writeOnly", "$id", "$anchor"),
}
_BEYOND = frozenset({"patternProperties", "propertyNames", "if", "then", "else", "not", "contains"}) | {
    *("dependentSchemas", "dependentRequired", "unevaluatedProperties", "$dynamicRef"),
}
_DEEPEST = 60
_REF = "#/$defs/"


class _TooFreeError(Exception):
    """The schema says what the wire has no form for."""


def response_schema(schema: ObjectSchema) -> dict[str, object] | None:
    """Give the schema that makes a model keep to it, or None where it cannot be written so.

    Limits that have no keyword there (pattern, minLength, ...) are told in the description; the answer is checked here.
    """
    plain = thaw(schema.schema)
    root = plain if is_table(plain) else {}
    found = root.get("$defs")
    try:
        _refuse_endless(root, found if is_table(found) else {}, (), 0)
        return _narrow(root, 0)
    except _TooFreeError:
        return None


def _refuse_endless(node: object, definitions: Mapping[str, object], inside: tuple[str, ...], depth: int) -> None:
    """A schema may hold itself only where it can be left out: behind properties that are not required."""
    if depth > _DEEPEST:
        raise _TooFreeError
    for part in _certain(node):
        _refuse_endless(part, definitions, inside, depth + 1)
    name = node.get("$ref") if is_table(node) else None
    if isinstance(name, str):
        target = definitions.get(name.removeprefix(_REF)) if name.startswith(_REF) else None
        if target is None or name in inside:
            raise _TooFreeError
        _refuse_endless(target, definitions, (*inside, name), depth + 1)


def _certain(node: object) -> list[object]:
    """The schemas inside whose values every answer may have to hold."""
    if is_list(node):
        return [*node]
    if not is_table(node):
        return []
    properties, required = node.get("properties"), node.get("required")
    names = [str(name) for name in required] if is_list(required) else []
    found = [properties[name] for name in names if name in properties] if is_table(properties) else []
    return found + [value for key, value in node.items() if key not in ("$defs", "properties")]


def _narrow(node: Mapping[str, object], depth: int) -> dict[str, object]:
    if depth > _DEEPEST or _BEYOND & node.keys():
        raise _TooFreeError
    definitions = _definitions(node, depth)
    node = _merged(node)
    if "$ref" in node:  # nothing may stand beside it
        return {"$ref": node["$ref"]} | definitions
    out: dict[str, object] = {}
    told: dict[str, object] = {}
    for key, value in node.items():
        if key in ("enum", "const"):
            options = list(value) if key == "enum" and is_list(value) else [value]
            simple = all(isinstance(option, str | int | float) and not isinstance(option, bool) for option in options)
            (out if simple else told).update({"enum": options} if simple else {key: value})
        elif key in _KEPT:
            out[key] = _kept(key, value, depth)
        elif key not in _SILENT:
            told[key] = value
    if told:
        limits = ", ".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in told.items())
        out["description"] = f"{out.get('description', '')} ({limits})".strip()
    return out


def _kept(key: str, value: object, depth: int) -> object:
    if key in _ONE:
        return _narrow(value, depth + 1) if is_table(value) else value
    if key in _MANY:
        return [_inner(item, depth) for item in value] if is_list(value) else []
    if key in _BY_NAME and is_table(value):
        return {name: _inner(item, depth) for name, item in value.items()}
    return value


def _definitions(node: Mapping[str, object], depth: int) -> dict[str, object]:
    found = node.get("$defs")
    return {"$defs": {name: _inner(value, depth) for name, value in found.items()}} if is_table(found) else {}


def _merged(node: Mapping[str, object]) -> Mapping[str, object]:
    """An `allOf` of one is written out; of several there is no form."""
    parts = node.get("allOf")
    if parts is None:
        return node
    only = parts[0] if is_list(parts) and len(parts) == 1 else None
    if not is_table(only):
        raise _TooFreeError
    rest = {key: value for key, value in node.items() if key != "allOf"}
    return {**only, **rest} if "$ref" not in only else only


def _inner(value: object, depth: int) -> object:
    if value is True:
        return {}
    if not is_table(value):
        raise _TooFreeError
    return _narrow(value, depth + 1)
