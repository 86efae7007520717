"""Values for a schema: read out of a text, valid in any case."""

from __future__ import annotations

import datetime
import io
import json
import re
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import BaseModel, Field, TypeAdapter

from pipelex_like.sandbox.model import coercing
from pipelex_like.sandbox.model.filling import fill
from pipelex_like.sandbox.model.labels import Labels
from pipelex_like.sandbox.model.pictures import picture_of
from pipelex_like.sandbox.model.samples import sample
from pipelex_like.sandbox.model.tokens import count, pieces


def read(kind: Any, text: str) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter.validate_python(fill(adapter.json_schema(), Labels([text])))


class Bill(BaseModel):
    invoice_number: str
    total_amount: Decimal
    due: datetime.date | None = None


@pytest.mark.parametrize(
    "text",
    [
        "Invoice number: A-17\nTotal amount: 12.50",
        "INVOICE_NUMBER = A-17; total_amount = 12.50",
        "Please extract. invoiceNumber: A-17, Total: 12.50 EUR.",
        "Invoice No. A-17\nInvoice #: A-17    Total amount (EUR): 12.50",
        "| Invoice number | A-17 |\n| Total | 12.50 |",
        "**Invoice number:** A-17\n- Total amount: $12.50",
        "Invoice number\nA-17\n\nTotal\n12,50",
        '{"invoice_number": "A-17", "total_amount": 12.5}',
        "The invoice number is A-17 and the total amount is 12.50.",
    ],
)
def test_a_value_is_found_beside_its_name(text: str) -> None:
    assert read(Bill, text) == Bill(invoice_number="A-17", total_amount=Decimal("12.5"))


def test_what_is_not_there_is_null_or_a_placeholder() -> None:
    assert read(Bill, "nothing here") == Bill(invoice_number="simulated invoice number", total_amount=Decimal(0))


def test_words_are_never_put_where_a_decimal_is_wanted() -> None:
    assert read(Bill, "Invoice number: 1\nTotal: see below").total_amount == 0


def test_a_date_is_not_taken_for_another() -> None:
    assert read(Bill, "Date: 2026-01-02").due is None
    assert read(Bill, "Due: 2 January 2026").due == datetime.date(2026, 1, 2)


def test_a_field_of_a_schema_in_the_prompt_is_no_label() -> None:
    text = f"Schema: {json.dumps(Bill.model_json_schema())}\nInvoice number: A-17"
    assert read(Bill, text) == Bill(invoice_number="A-17", total_amount=Decimal(0))


class Party(BaseModel):
    name: str
    city: str


class Deal(BaseModel):
    vendor: Party
    customer: Party
    tags: list[str]
    ranks: list[int]
    weights: dict[str, float]


def test_nested_objects_and_lists() -> None:
    said = read(
        Deal,
        """Vendor name: Acme
Vendor city: Oslo
Customer:
  name: Jane Roe
  city: Rome
Tags: a, b and c
Ranks:
1. 10
2. 20
weights: {"x": 1.5, "y": 2}
""",
    )
    assert said == Deal(
        vendor=Party(name="Acme", city="Oslo"),
        customer=Party(name="Jane Roe", city="Rome"),
        tags=["a", "b", "c"],
        ranks=[10, 20],
        weights={"x": 1.5, "y": 2},
    )


class Node(BaseModel):
    name: str
    children: list[Node]
    next: Node | None


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    assert read(Node, "name: root") == Node(name="root", children=[], next=None)
    text = '{"name": "root", "children": [{"name": "leaf", "children": [], "next": null}], "next": null}'
    assert read(Node, text).children == [Node(name="leaf", children=[], next=None)]
    endless = {"$defs": {"N": {"type": "object", "required": ["l", "r"], "properties": {}}}, "$ref": "#/$defs/N"}
    endless["$defs"]["N"]["properties"] = {"l": {"$ref": "#/$defs/N"}, "r": {"$ref": "#/$defs/N"}}  # pyright: ignore
    assert isinstance(fill(endless, Labels(["l: 1"])), dict)


class Colour(Enum):
    DARK_RED = "dark-red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: int


def test_choices() -> None:
    assert read(Colour, "x") is Colour.DARK_RED
    assert read(dict[Literal["a"], Colour], "x") == {}

    class Pick(BaseModel):
        colour: Colour
        pet: Cat | Dog
        level: Literal[1, 2, 3]
        sure: bool

    said = read(Pick, "Colour: Dark Red!\nkind: dog\ntricks: 4\nlevel: 3\nsure: no")
    assert (said.colour, said.pet, said.level, said.sure) == (Colour.DARK_RED, Dog(kind="dog", tricks=4), 3, False)
    assert read(Pick, "It was painted blue.").colour is Colour.BLUE


class Bounded(BaseModel):
    share: Annotated[float, Field(gt=0, lt=1)]
    step: Annotated[int, Field(multiple_of=7, ge=10)]
    low: Annotated[float, Field(lt=-3)]
    short: Annotated[str, Field(min_length=3, max_length=5)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{2,}$")]
    pair: tuple[int, str]
    some: Annotated[list[int], Field(min_length=2, max_length=3)]
    distinct: Annotated[set[int], Field(min_length=3)]
    when: datetime.datetime
    at: datetime.time
    lasting: datetime.timedelta


@pytest.mark.parametrize("text", ["", "share: 7\nstep: 8\nlow: 0\nshort: far too long a text\ncode: x\nsome: 1,2,3,4"])
def test_bounds_hold_whatever_the_text_says(text: str) -> None:
    assert read(Bounded, text)


def test_bounds_let_fitting_values_pass() -> None:
    said = read(Bounded, "share: 0.25\nstep: 21\nlow: -4.5\nshort: abcd\ncode: ABC-123\nsome: 5, 6")
    assert (said.share, said.step, said.low, said.short, said.code, said.some) == (
        0.25,
        21,
        -4.5,
        "abcd",
        "ABC-123",
        [5, 6],
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.50", 1234.5),
        ("1.234,50 EUR", 1234.5),
        ("$12", 12),
        ("(5)", -5),
        ("-7.25", -7.25),
        ("1 234", 1234),
        ("1,234", 1234),
        ("12,5", 12.5),
        ("about 3 of them", 3),
        ("1.000.000", 1000000),
        ("none", None),
    ],
)
def test_numbers(text: str, number: float | None) -> None:
    assert coercing.number(text) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-04", "2026-03-04"),
        ("4 March 2026", "2026-03-04"),
        ("March 4th, 2026", "2026-03-04"),
        ("04.03.2026", "2026-03-04"),
        ("3/4/2026", "2026-03-04"),
        ("25/12/2026", "2026-12-25"),
        ("4-Mar-2026", "2026-03-04"),
        ("2026-02-30", None),
        ("tomorrow", None),
    ],
)
def test_dates(text: str, day: str | None) -> None:
    assert coercing.day(text) == day


@pytest.mark.parametrize(
    ("text", "hour"), [("13:05", "13:05:00Z"), ("1:05 pm", "13:05:00Z"), ("12:00 AM", "00:00:00Z"), ("25:00", None)]
)
def test_hours(text: str, hour: str | None) -> None:
    assert coercing.hour(text) == hour


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{2}\d{4}$",
        r"^(foo|bar)+$",
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
        r"^\w+@\w+\.(com|org)$",
        r"^[^a-z]{5,}$",
        r"\bword\b",
        r"^\+?\(\d{3}\) \d-\d$",
        r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$",
        r"^\u00e9{2}$",
    ],
)
def test_a_text_for_a_pattern(pattern: str) -> None:
    made = sample(pattern)
    assert made is not None
    assert re.search(pattern, made)


@pytest.mark.parametrize("pattern", ["(", "[", "a{9999}{9999}", r"(?=x)y\1"])
def test_no_text_for_a_pattern_that_cannot_be_met(pattern: str) -> None:
    assert sample(pattern) is None


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert count(text) == len(pieces(text))


@given(
    st.binary()
    | st.binary().map(lambda tail: b"\xff\xd8" + tail)
    | st.binary().map(lambda tail: b"RIFF0000WEBP" + tail)
)
def test_any_bytes_are_a_picture_or_not(data: bytes) -> None:
    assert picture_of(data) is None or picture_of(data) == picture_of(data)


def bounds(names: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    small = st.integers(0, 4)
    return st.fixed_dictionaries({}, optional={names[0]: small, names[1]: small.map(lambda number: number + 4)})


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG", "WebP"])
@pytest.mark.parametrize("lossless", [True, False])
def test_the_size_of_real_pictures(kind: str, *, lossless: bool) -> None:
    data = io.BytesIO()
    more: dict[str, Any] = {"lossless": lossless} if kind == "WebP" else {"comment": b"made for a test"}
    Image.new("RGB", (301, 47), "red").save(data, kind, **more)
    assert str(picture_of(data.getvalue())) == f"301x47 {kind}"
    Image.new("RGBA", (301, 47)).save(data := io.BytesIO(), "WebP", exif=b"Exif\0\0")
    assert str(picture_of(data.getvalue())) == "301x47 WebP"


def test_all_of_is_merged_and_references_may_be_spelled_oddly() -> None:
    named = {"properties": {"a/b": {"type": "integer"}}, "required": ["a/b"]}
    schema: dict[str, Any] = {
        "$defs": {"x/y": named},
        "type": "object",
        "allOf": [{"$ref": "#/$defs/x~1y"}, {"properties": {"c": {"type": ["null", "string"]}}, "required": ["c"]}],
    }
    assert fill(schema, Labels(["a b: 5\nc: n/a"])) == {"a/b": 5, "c": None}
    assert fill({"$defs": {"x/y": named}, "$ref": "#/$defs/x~1y"}, Labels(["a/b = 6"])) == {"a/b": 6}
    assert fill({"$ref": "#/nowhere"}, Labels([])) == "simulated"


LEAVES = (
    st.just({"type": "boolean"})
    | st.just({"type": "null"})
    | bounds(("minimum", "maximum")).flatmap(
        lambda limits: st.sampled_from([{"type": "integer", **limits}, {"type": "number", **limits}])
    )
    | bounds(("minLength", "maxLength")).map(lambda limits: {"type": "string", **limits})
    | st.sampled_from([{"type": "string", "format": name} for name in coercing.FORMATS])
    | st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=3, unique_by=repr).map(lambda of: {"enum": of})
)
NAMES = st.sampled_from(["total", "date", "vendor name", "tags", "x", ""])
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(inner, bounds(("minItems", "maxItems"))).map(lambda p: {"type": "array", "items": p[0], **p[1]})
        | st.tuples(st.dictionaries(NAMES, inner, max_size=3), st.lists(NAMES, max_size=2)).map(
            lambda p: {"type": "object", "properties": p[0], "required": [name for name in p[1] if name in p[0]]}
        )
        | st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    ),
    max_leaves=8,
)
TEXTS = st.text(max_size=50) | st.lists(
    st.tuples(NAMES, st.sampled_from(["12.5", "2026-01-02", "yes", "[1, 2]", '{"x": [{}]}', "a, b", "", "n/a"])),
    max_size=5,
).map(lambda pairs: "\n".join(f"{name}: {value}" for name, value in pairs))


@given(SCHEMAS, TEXTS)
def test_whatever_the_schema_and_the_text_the_value_is_valid(schema: dict[str, Any], text: str) -> None:
    value = fill(schema, Labels([text]))
    assert wrong(value, schema) is None, value


def wrong(value: Any, schema: dict[str, Any]) -> str | None:
    """What is not valid: a small checker of its own, for the keywords used above."""
    if "anyOf" in schema:
        faults = [wrong(value, option) for option in schema["anyOf"]]
        return None if None in faults else f"none of {faults}"
    if "enum" in schema:
        return (
            None if any(value == one and type(value) is type(one) for one in schema["enum"]) else f"{value} not listed"
        )
    kinds = {"boolean": bool, "null": type(None), "integer": int, "string": str, "array": list, "object": dict}
    if schema["type"] == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = type(value) is kinds[schema["type"]]
    if not fits:
        return f"{value!r} is no {schema['type']}"
    size = value if isinstance(value, int | float) else len(value) if value is not None else 0
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        if not schema.get(low, size) <= size <= schema.get(high, size):
            return f"{value!r} is out of bounds"
    if schema["type"] == "array":
        return next(filter(None, (wrong(item, schema["items"]) for item in value)), None)
    if schema["type"] == "object":
        lacking = [name for name in schema["required"] if name not in value]
        inside = (wrong(value[name], sub) for name, sub in schema["properties"].items() if name in value)
        return f"{lacking} missing" if lacking else next(filter(None, inside), None)
    return None
