from __future__ import annotations

from typing import Literal, Optional

import pytest
from pydantic import BaseModel, Field

from pipelex_like.types import ObjectSchema, freeze, is_list, is_table
from pipelex_like.workers.openai.schema import json_schema, schema_name


class Address(BaseModel):
    street: str
    city: str = "Ulm"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


class Person(BaseModel):
    name: str = Field(description="Full name", min_length=1)
    home: Address = Field(description="Where they live")
    work: Optional[Address] = None  # noqa: UP045
    pets: list[Cat | Dog] = []
    favourite: Cat | Dog | None = Field(default=None, discriminator="kind")
    friends: list[Person] = []


class Tree(BaseModel):
    left: Tree | None = None
    value: int


class Free(BaseModel):
    labels: dict[str, int]


class Anything(BaseModel):
    value: object


def told(model: type[BaseModel]) -> dict[str, object]:
    frozen = freeze(model.model_json_schema())
    told = json_schema(ObjectSchema(name=model.__name__, schema=frozen))["json_schema"]  # pyright: ignore
    assert is_table(told)
    return told


def nodes(value: object) -> list[dict[str, object]]:
    if is_table(value):
        return [value, *(node for item in value.values() for node in nodes(item))]
    return [node for item in value for node in nodes(item)] if is_list(value) else []


@pytest.mark.parametrize("model", [Address, Person, Tree])
def test_every_object_is_closed_and_requires_all_its_keys(model: type[BaseModel]) -> None:
    schema = told(model)
    assert schema["strict"] is True
    found = [node for node in nodes(schema["schema"]) if node.get("type") == "object"]
    assert found
    for node in found:
        properties = node["properties"]
        assert is_table(properties)
        assert node["required"] == list(properties)
        assert node["additionalProperties"] is False


@pytest.mark.parametrize("model", [Person, Tree])
def test_what_strict_mode_does_not_know_is_gone(model: type[BaseModel]) -> None:
    for node in nodes(told(model)["schema"]):
        if "properties" in node and not isinstance(node.get("type"), str):
            continue
        assert not {"default", "oneOf", "discriminator", "allOf"} & set(node)
        if "$ref" in node:
            assert set(node) == {"$ref"}


def test_a_description_beside_a_reference_survives() -> None:
    schema = told(Person)["schema"]
    assert is_table(schema)
    properties = schema["properties"]
    assert is_table(properties)
    home = properties["home"]
    assert is_table(home)
    assert home["description"] == "Where they live"
    assert home["type"] == "object"


def test_a_recursive_root_is_an_object() -> None:
    schema = told(Tree)["schema"]
    assert is_table(schema)
    assert schema["type"] == "object"
    assert "$defs" in schema


@pytest.mark.parametrize("model", [Free, Anything])
def test_a_schema_that_allows_more_is_sent_as_it_is_and_not_strict(model: type[BaseModel]) -> None:
    schema = told(model)
    assert schema["strict"] is False
    assert schema["schema"] == model.model_json_schema()


def strict_of(properties: dict[str, object]) -> object:
    schema = freeze({"type": "object", "properties": properties})
    told = json_schema(ObjectSchema(name="x", schema=schema))["json_schema"]  # pyright: ignore
    assert is_table(told)
    return told["schema"]["properties"] if told["strict"] else None  # pyright: ignore


def test_a_lone_all_of_is_merged_and_one_of_becomes_any_of() -> None:
    made = strict_of({"a": {"allOf": [{"type": "string"}], "description": "d"}, "b": {"oneOf": [{"type": "null"}]}})
    assert made == {"a": {"type": "string", "description": "d"}, "b": {"anyOf": [{"type": "null"}]}}


def test_a_key_named_like_a_keyword_is_kept() -> None:
    assert strict_of({"default": {"type": "string"}, "title": {"type": "integer", "default": 3}}) == {
        "default": {"type": "string"},
        "title": {"type": "integer"},
    }


@pytest.mark.parametrize(
    "free",
    [
        {"allOf": [{"type": "string"}, {"minLength": 1}]},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": "array", "items": True},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"description": "anything"},
        True,
    ],
)
def test_constructs_beyond_strict_mode_are_not_strict(free: object) -> None:
    assert strict_of({"a": free}) is None


def test_a_reference_to_nowhere_is_not_strict() -> None:
    schema = freeze({"type": "object", "properties": {"a": {"$ref": "#/$defs/Nowhere"}}})
    assert json_schema(ObjectSchema(name="x", schema=schema))["json_schema"]["strict"] is False  # pyright: ignore


@pytest.mark.parametrize(
    ("name", "sent"), [("Invoice", "Invoice"), ("list[Invoice]", "list_Invoice_"), ("", "answer"), ("x" * 99, "x" * 64)]
)
def test_names_keep_to_the_letters_of_the_protocol(name: str, sent: str) -> None:
    assert schema_name(ObjectSchema(name=name, schema=freeze({}))) == sent  # pyright: ignore
