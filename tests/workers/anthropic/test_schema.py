from __future__ import annotations

import pytest

from pipelex_like.types import ObjectSchema, freeze
from pipelex_like.workers.anthropic.schema import output_schema


def narrowed(**schema: object) -> dict[str, object] | None:
    return output_schema(ObjectSchema(name="x", schema=freeze(schema)))  # pyright: ignore


def test_objects_are_closed_and_optional_fields_stay_optional() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string", "title": "A", "default": "x"}}}
    assert narrowed(type="object", properties={"one": inner}, required=["one"]) == {
        "type": "object",
        "properties": {
            "one": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": [],
                "additionalProperties": False,
            }
        },
        "required": ["one"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "A grade."},
            {"type": "integer", "description": "A grade. (minimum: 1, maximum: 9)"},
        ),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "money"}, {"type": "string", "description": '(format: "money")'}),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "description": '(pattern: "^a")'}),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 3},
            {"type": "array", "items": {"type": "string"}, "description": "(minItems: 3)"},
        ),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"oneOf": [{"const": 1}, {"enum": ["a"]}]}, {"anyOf": [{"const": 1}, {"enum": ["a"]}]}),
        ({"$ref": "#/$defs/Line", "description": "x"}, {"$ref": "#/$defs/Line"}),
    ],
)
def test_each_keyword_stays_changes_or_is_told(field: dict[str, object], sent: dict[str, object]) -> None:
    line = {"type": "object", "properties": {}}
    schema = narrowed(type="object", properties={"it": field}, required=["it"], **{"$defs": {"Line": line}})
    assert schema is not None
    assert schema["properties"] == {"it": sent}
    assert schema["$defs"] == {"Line": {**line, "required": [], "additionalProperties": False}}


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}


@pytest.mark.parametrize(
    "field",
    [
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "array", "items": True},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"$ref": "#/$defs/Node"},
        {"$ref": "https://example.org/schema"},
        {"not": {"type": "string"}},
    ],
)
def test_what_is_too_free_is_none(field: dict[str, object]) -> None:
    assert narrowed(type="object", properties={"it": field}, **{"$defs": {"Node": NODE}}) is None
