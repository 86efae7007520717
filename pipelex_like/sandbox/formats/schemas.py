"""Which JSON Schemas structured outputs and tools take, and what `strict` adds.

The rules: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_NOT_STRICT = frozenset({"allOf", "oneOf", "not", "if", "then", "else", "default", "contains", "prefixItems"}) | {
    *("uniqueItems", "patternProperties", "propertyNames"),
    *("dependentRequired", "dependentSchemas", "unevaluatedProperties"),
}
_BY_NAME = ("properties", "$defs", "definitions")
_ONE = ("items", "additionalProperties", "not")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_DEEPEST = 64

_Place = tuple[str, ...]


def check_schema(schema: object, param: str, name: str, *, strict: bool) -> dict[str, object]:
    """Give the schema if a provider would take it; `param` and `name` say in the Refusal where it was written."""
    if not is_table(schema):
        raise _refusal((), "it must be an object.", param, name)
    if strict and schema.get("type") != "object":
        raise _refusal((), "its outermost type must be 'object'.", param, name)
    for place, part in _parts(schema, ()):
        if fault := _fault(part, place) or (_strict_fault(part) if strict and is_table(part) else None):
            raise _refusal(place, fault, param, name)
    return schema


def _refusal(place: _Place, fault: str, param: str, name: str) -> Refusal:
    at = f" at {'.'.join(place)}" if place else ""
    code = "invalid_function_parameters" if param.startswith("tools") else "invalid_json_schema"
    return Refusal(f"The schema of '{name}' cannot be used{at}: {fault}", param=param, code=code)


def _parts(schema: object, place: _Place) -> Iterator[tuple[_Place, object]]:
    """The schema and every schema inside it."""
    yield place, schema
    if not is_table(schema) or len(place) > _DEEPEST:
        return
    for key in _BY_NAME:
        if is_table(inner := schema.get(key)):
            for name, part in inner.items():
                yield from _parts(part, (*place, key, name))
    for key in _ONE:
        if key in schema:
            yield from _parts(schema[key], (*place, key))
    for key in _MANY:
        if is_list(inner := schema.get(key)):
            for at, part in enumerate(inner):
                yield from _parts(part, (*place, key, str(at)))


def _fault(part: object, place: _Place) -> str | None:
    if len(place) > _DEEPEST:
        return "it is nested too deeply."
    if isinstance(part, bool):
        return None
    if not is_table(part):
        return "a schema must be an object."
    kinds = part.get("type", [])
    for kind in kinds if is_list(kinds) else [kinds]:
        if kind not in _TYPES:
            return f"'{kind}' is no type."
    for key in _BY_NAME:
        if not is_table(part.get(key, {})):
            return f"'{key}' must be an object."
    for key in ("enum", "required", *_MANY):
        if not is_list(part.get(key, [])):
            return f"'{key}' must be an array."
    return None


def _strict_fault(part: dict[str, object]) -> str | None:
    if unknown := sorted(_NOT_STRICT & part.keys()):
        return f"'{unknown[0]}' is not permitted with 'strict'."
    if "$ref" in part and len(part) > 1:
        return "'$ref' must stand alone with 'strict'."
    if part.get("type") == "array" and "items" not in part:
        return "'items' is missing."
    if part.get("type") != "object" and "properties" not in part:
        return None
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' must be given as false with 'strict'."
    required, properties = part.get("required", []), part.get("properties", {})
    names = set(required) if is_list(required) else set[object]()
    lacking = sorted(properties.keys() - names) if is_table(properties) else []
    if lacking:
        return f"'required' must name every property with 'strict'; '{lacking[0]}' is not there."
    return None
