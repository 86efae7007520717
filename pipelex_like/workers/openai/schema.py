"""JSON Schema in the narrower form that strict structured outputs accept.

Which keywords they accept: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table, thaw
from pipelex_like.workers.objects import schema_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import ObjectSchema

_LEFT_OUT = frozenset({"default", "title", "examples", "discriminator", "$schema", "$id", "minLength", "maxLength"})
_BEYOND = frozenset(
    {
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "unevaluatedProperties",
        "dependentRequired",
        "dependentSchemas",
        "if",
        "then",
        "else",
        "not",
        "contains",
        "prefixItems",
        "uniqueItems",
    }
)
_REF = "#/$defs/"
_DEEPEST = 60


class _TooFreeError(Exception):
    """The schema allows what strict mode cannot express (free keys, any value)."""


def json_schema(schema: ObjectSchema) -> dict[str, object]:
    """Give the value of `response_format` that makes a model keep to the schema.

    Strict where the schema can be written so; else as it is, not strict, since the answer is checked here anyway.
    """
    plain = thaw(schema.schema)
    root = plain if is_table(plain) else {}
    try:
        told: dict[str, object] = {"schema": strict_schema(root), "strict": True}
    except _TooFreeError:
        told = {"schema": root, "strict": False}
    return {"type": "json_schema", "json_schema": {"name": schema_name(schema), **told}}


def strict_schema(root: dict[str, object]) -> dict[str, object]:
    """Close every object and require all of its keys. Raises if the schema needs more freedom than that."""
    found = root.get("$defs")
    definitions = found if is_table(found) else {}
    body = {key: value for key, value in root.items() if key != "$defs"}
    strict = _strict(body, definitions, inlined=(), depth=0)
    if "$ref" in strict:
        strict = _strict(_definition(strict["$ref"], definitions), definitions, inlined=(), depth=0)
    if strict.get("type") != "object":
        raise _TooFreeError
    if definitions:
        strict["$defs"] = {
            name: _strict(value, definitions, inlined=(name,), depth=0) if is_table(value) else value
            for name, value in definitions.items()
        }
    return strict


def _strict(
    node: Mapping[str, object], definitions: Mapping[str, object], *, inlined: tuple[str, ...], depth: int
) -> dict[str, object]:
    if depth > _DEEPEST or _BEYOND & node.keys():
        raise _TooFreeError
    parts = node.get("allOf")
    if is_list(parts):
        node = _merged(node, parts)
    if "$ref" in node:
        return _reference(node, definitions, inlined=inlined, depth=depth)
    out: dict[str, object] = {}
    for key, value in node.items():
        if key in _LEFT_OUT or key in ("properties", "required", "additionalProperties"):
            continue
        name = "anyOf" if key == "oneOf" else key
        out[name] = _inner(name, value, definitions, inlined=inlined, depth=depth)
    if not out.keys() & {"type", "anyOf", "enum", "const"}:
        raise _TooFreeError
    if _is_object(out.get("type")):
        out.update(_closed(node, definitions, inlined=inlined, depth=depth))
    return out


def _is_object(kind: object) -> bool:
    return kind == "object" or (is_list(kind) and "object" in kind)


def _inner(
    key: str, value: object, definitions: Mapping[str, object], *, inlined: tuple[str, ...], depth: int
) -> object:
    if key == "anyOf" and is_list(value):
        return [
            _strict(item, definitions, inlined=inlined, depth=depth + 1) if is_table(item) else item for item in value
        ]
    if key == "items":
        if not is_table(value):
            raise _TooFreeError
        return _strict(value, definitions, inlined=inlined, depth=depth + 1)
    return value


def _closed(
    node: Mapping[str, object], definitions: Mapping[str, object], *, inlined: tuple[str, ...], depth: int
) -> dict[str, object]:
    properties = node.get("properties")
    if not is_table(properties) or node.get("additionalProperties") not in (None, False):
        raise _TooFreeError
    inner: dict[str, object] = {}
    for name, value in properties.items():
        if not is_table(value):
            raise _TooFreeError
        inner[name] = _strict(value, definitions, inlined=inlined, depth=depth + 1)
    return {"properties": inner, "required": list(inner), "additionalProperties": False}


def _merged(node: Mapping[str, object], parts: list[object] | tuple[object, ...]) -> dict[str, object]:
    only = parts[0] if len(parts) == 1 else None
    if not is_table(only):
        raise _TooFreeError
    return {**only, **{key: value for key, value in node.items() if key != "allOf"}}


def _reference(
    node: Mapping[str, object], definitions: Mapping[str, object], *, inlined: tuple[str, ...], depth: int
) -> dict[str, object]:
    """A `$ref` stands alone in strict mode: with something beside it (a description) its target is written out."""
    beside = {key: value for key, value in node.items() if key != "$ref" and key not in _LEFT_OUT}
    name = str(node["$ref"]).removeprefix(_REF)
    target = _definition(node["$ref"], definitions)
    if not beside or name in inlined:
        return {"$ref": node["$ref"]}
    return _strict({**target, **beside}, definitions, inlined=(*inlined, name), depth=depth + 1)


def _definition(reference: object, definitions: Mapping[str, object]) -> dict[str, object]:
    text = str(reference)
    target = definitions.get(text.removeprefix(_REF)) if text.startswith(_REF) else None
    if not is_table(target):
        raise _TooFreeError
    return target
