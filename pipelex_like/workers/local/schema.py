"""A JSON Schema made easier for a small model: its order, its choices, its lengths. Pure; the input stays as it was."""

from __future__ import annotations

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


def arranged(schema: Table, labels: tuple[Labelled, ...]) -> tuple[Table, tuple[str, ...]]:
    """Order the properties by where their labels stand, and hold those that have one to what stands beside the labels
    of all properties; which of these values it is, the model decides.

    Gives the schema and the names of the properties that are held.
    """
    properties = schema.get("properties")
    if not is_table(properties) or not labels:
        return schema, ()
    places = {name: positions(_spellings(name, value), labels) for name, value in properties.items()}
    order = sorted(properties, key=lambda name: places[name][0] if places[name] else len(labels))
    meant = sorted({at for found in places.values() for at in found})
    spans = tuple(dict.fromkeys(labels[at].value for at in meant))
    out: Table = {}
    held: list[str] = []
    for name in order:
        choices = _held(resolved(properties[name], schema), spans) if places[name] else None
        out[name] = properties[name] if choices is None else {"enum": choices}
        if choices is not None:
            held.append(name)
    return {**schema, "properties": out}, tuple(held)


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
    branches = schema.get("anyOf")
    if is_list(branches):
        offers = (_held(branch, spans) for branch in branches if is_table(branch))
        return next((offer for offer in offers if offer), None)
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
    """
    if is_list(schema):
        return [bounded(item) for item in schema]
    if not is_table(schema):
        return schema
    out = {key: value if key in _VALUES else bounded(value) for key, value in schema.items()}
    pattern = out.get("pattern")
    if isinstance(pattern, str) and "(?" in pattern:
        del out["pattern"]
    if out.get("type") == "string" and not {"enum", "const", "pattern", "format", "maxLength"} & out.keys():
        out["maxLength"] = _at_least(out.get("minLength"), LONGEST_TEXT)
    if out.get("type") == "array" and "maxItems" not in out:
        out["maxItems"] = _at_least(out.get("minItems"), LONGEST_LIST)
    properties = out.get("properties")
    if out.get("type") == "object" and is_table(properties) and not out.get("additionalProperties"):
        out["additionalProperties"] = False
        out["required"] = list(properties)
    return out


def _at_least(least: object, most: int) -> int:
    return max(least, most) if isinstance(least, int) else most


_VALUES = frozenset({"enum", "const", "default", "examples", "required"})
