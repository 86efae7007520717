"""A value for a JSON Schema: read beside the fields' names in a text, else typed placeholders; always valid.

Promised for the keywords that structured outputs know: type, properties, required, additionalProperties, items,
prefixItems, min/maxItems, uniqueItems, enum, const, anyOf, oneOf, allOf, $ref, minimum, maximum (also exclusive),
multipleOf, min/maxLength, format. `pattern` is met as well as can be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from pipelex_like.sandbox.model import coercing
from pipelex_like.sandbox.model.labels import Labels, items_of
from pipelex_like.sandbox.model.scalars import choose, fit_text, placeholder, read_scalar
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.model.labels import Pair

Schema = dict[str, object]
_DEEPEST = 24
_MOST_ITEMS = 200
_MOST_STEPS = 20_000


class Filled(NamedTuple):
    """A value, and whether it was found in the text (a placeholder otherwise)."""

    value: object
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """Where a value is looked for: under which name, in which texts (the nearest first), how deep, past which refs."""

    labels: tuple[Labels, ...]
    name: str = ""
    above: str = ""
    depth: int = 0
    refs: frozenset[str] = frozenset()

    def field(self, name: str) -> _Scope:
        return replace(self, name=name, above=self.name, depth=self.depth + 1)

    def pairs(self) -> Iterator[Pair]:
        """What is labelled with this name: `vendor name` before `name`, for the field `name` of `vendor`."""
        for labels in self.labels:
            if self.above:
                yield from labels.find(f"{self.above} {self.name}")
            yield from labels.find(self.name)

    def inside(self, labels: Labels) -> _Scope:
        """Look in this part only, where every name and reference is free again."""
        return replace(self, labels=(labels,), name="", above="", refs=frozenset(), depth=self.depth + 1)

    def nowhere(self) -> _Scope:
        """Look nowhere: only placeholders are wanted."""
        return replace(self, labels=(), depth=self.depth + 1)


def fill(schema: object, labels: Labels) -> object:
    """Give a value that is valid for the schema, filled from the text as far as it tells."""
    root: Schema = schema if is_table(schema) else {}
    return _Filler(root).fill(root, _Scope(labels=(labels,))).value


class _Filler:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._steps = 0

    def fill(self, schema: object, scope: _Scope) -> Filled:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return Filled(None, found=False)
        schema, scope = self._flat(schema, scope)
        if "const" in schema:
            return self._one_of([schema["const"]], scope)
        if is_list(options := schema.get("enum")) and options:
            return self._one_of(list(options), scope)
        for key in ("anyOf", "oneOf"):
            if is_list(options := schema.get(key)) and options:
                rest = {name: value for name, value in schema.items() if name != key}
                return self._union([{**rest, **self._table(option)} for option in options], scope)
        if is_list(types := schema.get("type")) and types:
            return self._union([{**schema, "type": kind} for kind in types], scope)
        return self._by_type(schema, scope)

    def _by_type(self, schema: Schema, scope: _Scope) -> Filled:
        match _type_of(schema):
            case "object":
                return self._object(schema, scope)
            case "array":
                return self._array(schema, scope)
            case "null":
                return Filled(None, found=any(coercing.is_null(pair.value) for pair in scope.pairs()))
            case kind:
                for pair in scope.pairs():
                    if (value := read_scalar(kind, pair.value, schema)) is not None:
                        return Filled(value, found=True)
                return Filled(placeholder(kind, schema, scope.name), found=False)

    def _flat(self, schema: object, scope: _Scope) -> tuple[Schema, _Scope]:
        """Follow `$ref` and merge `allOf`. A reference met again further in finds nothing more, so that it ends."""
        flat = self._table(schema)
        for _ in range(_DEEPEST):
            if isinstance(ref := flat.get("$ref"), str):
                rest = {key: value for key, value in flat.items() if key != "$ref"}
                flat = _merged([self._table(self._target(ref)), rest])
                labels = () if ref in scope.refs else scope.labels
                scope = replace(scope, refs=scope.refs | {ref}, labels=labels, depth=scope.depth + 1)
            elif is_list(parts := flat.get("allOf")):
                flat = _merged(
                    [{key: value for key, value in flat.items() if key != "allOf"}, *map(self._table, parts)]
                )
            else:
                break
        return flat, scope

    def _target(self, ref: str) -> object:
        found: object = self._root
        for key in ref.removeprefix("#").strip("/").split("/") if ref.strip("#/") else ():
            key = key.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if is_table(found) else None
        return found

    def _table(self, schema: object) -> Schema:
        return schema if is_table(schema) else {}

    def _one_of(self, options: list[object], scope: _Scope) -> Filled:
        for pair in scope.pairs():
            if (at := choose(options, pair.value)) is not None:
                return Filled(options[at], found=True)
        if scope.labels and len(options) > 1:
            text = scope.labels[0].text
            named = [option for option in options if isinstance(option, str) and _stands_in(option, text)]
            if len(named) == 1:
                return Filled(named[0], found=True)
        return Filled(options[0], found=False)

    def _union(self, options: list[Schema], scope: _Scope) -> Filled:
        """The first option of which something is found; else null if that is allowed; else the simplest."""
        nullable = any(option.get("type") == "null" for option in options)
        if nullable and (nearest := next(scope.pairs(), None)) and coercing.is_null(nearest.value):
            return Filled(None, found=True)
        if scope.labels:
            for option in _readable(options):
                if (filled := self.fill(option, scope)).found:
                    return filled
        if nullable:
            return Filled(None, found=False)
        simple = [option for option in options if _type_of(self._flat(option, scope)[0]) not in ("object", "array")]
        return self.fill((simple or options)[0], scope.nowhere())

    def _object(self, schema: Schema, scope: _Scope) -> Filled:
        given = self._from_json(scope)
        if is_table(given):
            scope = scope.inside(Labels.of_json(given))
        elif block := next((pair.block for pair in scope.pairs() if pair.block), None):
            lines = "\n".join(line.strip(" \t-*•+") for line in block)
            scope = replace(scope, labels=(Labels([lines]), *scope.labels))
        wanted = _names(schema.get("required"))
        out: dict[str, object] = {}
        found = False
        for name, sub in self._table(schema.get("properties")).items():
            if scope.depth > _DEEPEST or (not scope.labels and name not in wanted):
                continue
            filled = self.fill(sub, scope.field(name))
            found = found or filled.found
            if filled.found or name in wanted:
                out[name] = filled.value
        if is_table(extra := schema.get("additionalProperties")) and is_table(given):
            out.update({key: self.fill(extra, scope.field(key)).value for key in given if key not in out})
        return Filled(out, found=found)

    def _array(self, schema: Schema, scope: _Scope) -> Filled:
        if is_list(prefix := schema.get("prefixItems")):
            parts = [*self._parts(scope), *(Labels([]) for _ in prefix)]
            filled = [self.fill(item, scope.inside(part)) for item, part in zip(prefix, parts, strict=False)]
            return Filled([one.value for one in filled], found=all(one.found for one in filled))
        low, high = schema.get("minItems"), schema.get("maxItems")
        item = schema.get("items", {})
        values: list[object] = []
        for part in self._parts(scope):
            filled = self.fill(item, scope.inside(part))
            if filled.found and not (schema.get("uniqueItems") and filled.value in values):
                values.append(filled.value)
        values = values[:high] if isinstance(high, int) else values
        found = bool(values)
        while isinstance(low, int) and len(values) < min(low, _MOST_ITEMS):
            values.append(self._another(item, schema, scope.nowhere(), values))
        return Filled(values, found=found)

    def _another(self, item: object, schema: Schema, scope: _Scope, values: list[object]) -> object:
        """One more placeholder for a list, a different one where all must differ."""
        value = self.fill(item, scope).value
        if not schema.get("uniqueItems") or value not in values:
            return value
        flat, _ = self._flat(item, scope)
        if is_list(options := flat.get("enum")):
            return next((option for option in options if option not in values), value)
        if isinstance(value, int | float):
            step = flat.get("multipleOf", 1)
            return value + len(values) * (step if isinstance(step, int | float) else 1)
        return fit_text(f"{len(values) + 1} {value}", flat) or value

    def _parts(self, scope: _Scope) -> list[Labels]:
        """The items of a list: JSON, the lines of a block, or what commas part."""
        if is_list(given := self._from_json(scope)):
            return [Labels.of_json(part) for part in given[:_MOST_ITEMS]]
        for pair in scope.pairs():
            if pair.block:
                return [Labels.of_part(part) for part in items_of(pair.block)[:_MOST_ITEMS]]
            if pair.value and not coercing.is_null(pair.value):
                parts = pair.value.split(";") if ";" in pair.value else re.split(r",\s*(?:and\s)?|\sand\s", pair.value)
                return [Labels.of_part(part) for part in parts[:_MOST_ITEMS] if part.strip()]
        return []

    def _from_json(self, scope: _Scope) -> object:
        for labels in scope.labels:
            for pair in labels.find(scope.name):
                if (value := labels.json_of(pair)) is not None:
                    return value
        return None


def _readable(options: list[Schema]) -> list[Schema]:
    """The options worth reading for. Number or text is how a decimal is written: there, any text would not do."""
    kinds = [option.get("type") for option in options]
    passed_over = {"null", "string"} if "number" in kinds else {"null"}
    return [option for option, kind in zip(options, kinds, strict=True) if kind not in passed_over]


def _stands_in(word: str, text: str) -> bool:
    return len(word) > 1 and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _names(required: object) -> set[object]:
    return set(required) if is_list(required) else set()


def _type_of(schema: Mapping[str, object]) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _merged(parts: list[Schema]) -> Schema:
    out: Schema = {}
    for part in parts:
        for key, value in part.items():
            have = out.get(key)
            if key == "properties" and is_table(have) and is_table(value):
                out[key] = {**have, **value}
            elif key == "required" and is_list(have) and is_list(value):
                out[key] = [*have, *(name for name in value if name not in have)]
            else:
                out[key] = value
    return out
