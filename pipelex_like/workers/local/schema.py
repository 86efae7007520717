"""A JSON Schema made easier for a small model: its order, its choices, its lengths. Pure; the input stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table
from pipelex_like.workers.local.labels import positions
from pipelex_like.workers.local.readings import dates, numbers

if TYPE_CHECKING:
    from pipelex_like.workers.local.labels import Labelled

LONGEST_TEXT = 200
LONGEST_LIST = 20
MOST_SPANS = 64

Table = dict[str, object]


@dataclass(frozen=True, slots=True)
class Arranged:
    """A schema fitted to a document: `held` are the properties that may only hold what stands beside labels,
    `meant` the labels that a property means."""

    schema: Table
    held: tuple[str, ...] = ()
    meant: tuple[Labelled, ...] = ()


def arranged(schema: Table, labels: tuple[Labelled, ...]) -> Arranged:
    """Order the properties by where their labels stand, and hold those that have one to what stands beside the labels
    of all properties; which of these values it is, the model decides."""
    properties = schema.get("properties")
    if not is_table(properties) or not labels:
        return Arranged(schema)
    places = {name: positions(_spellings(name, value), labels) for name, value in properties.items()}
    order = sorted(properties, key=lambda name: places[name][0] if places[name] else len(labels))
    meant = tuple(labels[at] for at in sorted({at for found in places.values() for at in found}))
    spans = tuple(dict.fromkeys(item.value for item in meant))
    out: Table = {}
    held: list[str] = []
    for name in order:
        choices = _held(resolved(properties[name], schema), spans) if places[name] else None
        out[name] = properties[name] if choices is None else {"enum": choices}
        if choices is not None:
            held.append(name)
    return Arranged({**schema, "properties": out}, tuple(held), meant)


def _spellings(name: str, value: object) -> tuple[str, ...]:
    title = value.get("title") if is_table(value) else None
    return (name, title) if isinstance(title, str) else (name,)


def resolved(value: object, root: Table) -> Table:
    """Follow a reference into `$defs`; one that leads nowhere is left for the grammar to complain about."""
    schema = value if is_table(value) else {}
    for _ in range(8):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        found: object = root
        for step in reference[2:].split("/"):
            found = found.get(step) if is_table(found) else None
        if not is_table(found):
            break
        schema = found
    return schema


def _held(schema: Table, spans: tuple[str, ...]) -> list[object] | None:
    """Give the values that the document offers for a property of that schema, or None to leave it free."""
    if len(spans) > MOST_SPANS:
        return None
    branches = _spoken(schema).get("anyOf")
    if is_list(branches):
        offers = [offer for branch in branches if is_table(branch) for offer in _offered(branch, spans)]
        return list(dict.fromkeys(offers)) or None
    return _offered(schema, spans) or None


def _offered(schema: Table, spans: tuple[str, ...]) -> list[object]:
    choices = schema.get("enum")
    if is_list(choices):
        return [choice for choice in choices if choice in spans]
    kind = schema.get("type")
    if kind == "string" and not {"pattern", "format", "const"} & schema.keys():
        return [span for span in spans if _has_length(span, schema)]
    if kind == "string" and schema.get("format") == "date":
        return list(dict.fromkeys(day for span in spans for day in dates(span)))
    if kind in ("number", "integer"):
        read = dict.fromkeys(number for span in spans for number in numbers(span))
        return [number for number in read if kind == "number" or number == int(number)]
    return []


def _has_length(span: str, schema: Table) -> bool:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    return (not isinstance(least, int) or len(span) >= least) and (not isinstance(most, int) or len(span) <= most)


def bounded(schema: object) -> object:
    """Give every text and list a greatest length and close every object, so that an answer comes to its end.

    Patterns that look ahead or behind are left out, because the grammar knows none; the answer is checked anyway.
    Where a number may also be a text (pydantic's Decimal), it is a number: as text it comes with thousands separators.
    """
    if is_list(schema):
        return [bounded(item) for item in schema]
    if not is_table(schema):
        return schema
    out = {key: _inner(key, value) for key, value in _spoken(schema).items()}
    if out.get("type") == "string" and not {"enum", "const", "pattern", "format", "maxLength"} & out.keys():
        out["maxLength"] = _at_least(out.get("minLength"), LONGEST_TEXT)
    if out.get("type") == "array" and "maxItems" not in out:
        out["maxItems"] = _at_least(out.get("minItems"), LONGEST_LIST)
    properties = out.get("properties")
    if out.get("type") == "object" and is_table(properties) and not out.get("additionalProperties"):
        out["additionalProperties"] = False
        out["required"] = list(properties)
    return out


def _inner(key: str, value: object) -> object:
    if key in _VALUES:
        return value
    if key in _BY_NAME and is_table(value):
        return {name: bounded(item) for name, item in value.items()}
    return bounded(value)


def _spoken(schema: Table) -> Table:
    """Leave out what the model or the grammar would go wrong with."""
    branches = schema.get("anyOf")
    if is_list(branches):
        return {**schema, "anyOf": _without_texts(branches) if {"type": "number"} in branches else branches}
    return {key: value for key, value in schema.items() if key != "pattern" or not _looks_around(schema)}


def _without_texts(branches: list[object] | tuple[object, ...]) -> list[object]:
    return [branch for branch in branches if not is_table(branch) or branch.get("type") != "string"]


def _looks_around(schema: object) -> bool:
    pattern = schema.get("pattern") if is_table(schema) else None
    return isinstance(pattern, str) and "(?" in pattern


def _at_least(least: object, most: int) -> int:
    return max(least, most) if isinstance(least, int) else most


_BY_NAME = frozenset({"properties", "$defs"})
_VALUES = frozenset({"enum", "const", "default", "examples", "required"})
