"""Checks a value against a JSON Schema that a caller wrote by hand.

Known are: type, enum, const, $ref inside the schema, allOf, anyOf, oneOf, not; properties, required,
additionalProperties, items, prefixItems; the bounds of numbers, texts and lists, pattern and uniqueItems. Other
words (format, if, dependentSchemas, ...) are sent to the provider and not checked here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}
_DEEPEST = 64


def misfits(value: object, schema: object, root: object, path: str = "", depth: int = 0) -> Iterator[str]:
    """Tell what does not fit, `path: reason`, in the order of the schema."""
    if schema is False or depth > _DEEPEST:
        yield f"{path or 'the answer'}: {'nothing is allowed here' if schema is False else 'nested too deeply'}"
        return
    if not is_table(schema):
        return
    where = path or "the answer"
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from misfits(value, resolve(reference, root), root, path, depth + 1)
    types = schema.get("type")
    names = [name for name in (types if is_list(types) else [types]) if isinstance(name, str)]
    if names and not any(_TYPES[name](value) for name in names if name in _TYPES):
        yield f"{where}: expected {' or '.join(names)}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: expected {schema['const']!r}"
    options = schema.get("enum")
    if is_list(options) and value not in options:
        yield f"{where}: expected one of {', '.join(repr(option) for option in options)}"
    yield from _combined(value, schema, root, path, depth)
    if is_table(value):
        yield from _table(value, schema, root, path, depth)
    elif is_list(value):
        yield from _list(value, schema, root, path, depth)
    yield from (f"{where}: {fault}" for fault in _bounds(value, schema))


def resolve(reference: str, root: object) -> object:
    """Give what `#/a/b` points to. Raises ValueError where it points to nothing, or out of the schema."""
    found = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not part and reference == "#":
            return root
        if not reference.startswith("#") or not is_table(found) or key not in found:
            raise ValueError(f"the schema refers to {reference!r}, which is not in it")
        found = found[key]
    return found


def references(schema: object) -> Iterator[str]:
    """Give every $ref in a schema."""
    if is_table(schema):
        if isinstance(schema.get("$ref"), str):
            yield str(schema["$ref"])
        for inner in schema.values():
            yield from references(inner)
    elif is_list(schema):
        for inner in schema:
            yield from references(inner)


def _combined(value: object, schema: dict[str, object], root: object, path: str, depth: int) -> Iterator[str]:
    where = path or "the answer"
    for part in _branches(schema, "allOf"):
        yield from misfits(value, part, root, path, depth + 1)
    for word in ("anyOf", "oneOf"):
        branches = _branches(schema, word)
        fitting = sum(_fits(value, part, root, depth) for part in branches)
        if branches and not fitting:
            yield f"{where}: fits none of the {len(branches)} forms allowed"
        elif word == "oneOf" and fitting > 1:
            yield f"{where}: fits {fitting} forms where one is asked for"
    if "not" in schema and _fits(value, schema["not"], root, depth):
        yield f"{where}: has the form that is ruled out"


def _branches(schema: dict[str, object], word: str) -> list[object]:
    branches = schema.get(word)
    return list(branches) if is_list(branches) else []


def _fits(value: object, schema: object, root: object, depth: int) -> bool:
    return next(misfits(value, schema, root, "", depth + 1), None) is None


def _table(value: dict[str, object], schema: dict[str, object], root: object, path: str, depth: int) -> Iterator[str]:
    properties = schema.get("properties")
    known: dict[str, object] = properties if is_table(properties) else {}
    required = schema.get("required")
    for name in required if is_list(required) else ():
        if name not in value:
            yield f"{_inside(path, str(name))}: is missing"
    more = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            yield from misfits(item, known[name], root, _inside(path, name), depth + 1)
        elif more is False:
            yield f"{_inside(path, name)}: is not in the schema"
        else:
            yield from misfits(item, more, root, _inside(path, name), depth + 1)


def _list(
    value: list[object] | tuple[object, ...], schema: dict[str, object], root: object, path: str, depth: int
) -> Iterator[str]:
    first = _branches(schema, "prefixItems")
    for place, item in enumerate(value):
        inner = first[place] if place < len(first) else schema.get("items", True)
        yield from misfits(item, inner, root, f"{path}[{place}]", depth + 1)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _bounds(value: object, schema: dict[str, object]) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        for word, wrong in _NUMBERS.items():
            bound = schema.get(word)
            if isinstance(bound, int | float) and not isinstance(bound, bool) and wrong(value, bound):
                yield f"{value} is against {word} = {bound}"
    elif isinstance(value, str):
        yield from _sizes(len(value), schema, "minLength", "maxLength")
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not _matches(pattern, value):
            yield f"does not match {pattern}"
    elif is_list(value):
        yield from _sizes(len(value), schema, "minItems", "maxItems")
        if schema.get("uniqueItems") is True and any(item in value[:place] for place, item in enumerate(value)):
            yield "an item stands twice"


def _matches(pattern: str, value: str) -> bool:
    # Schemas hold the patterns of another language: one that is none here is the provider's to check.
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "minimum": lambda value, bound: value < bound,
    "maximum": lambda value, bound: value > bound,
    "exclusiveMinimum": lambda value, bound: value <= bound,
    "exclusiveMaximum": lambda value, bound: value >= bound,
    "multipleOf": lambda value, bound: bound > 0 and abs(value / bound - round(value / bound)) > 1e-9,
}


def _sizes(size: int, schema: dict[str, object], least: str, most: str) -> Iterator[str]:
    low, high = schema.get(least), schema.get(most)
    if isinstance(low, int) and size < low:
        yield f"has {size}, {least} is {low}"
    if isinstance(high, int) and size > high:
        yield f"has {size}, {most} is {high}"
