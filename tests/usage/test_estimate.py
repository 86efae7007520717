from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Costs, ImagePrice, ModelSpec
from pipelex_like.types import (
    DocumentPart,
    ExtractJob,
    FrozenDict,
    ImageJob,
    ImagePart,
    LlmJob,
    Media,
    Message,
    ObjectSchema,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from pipelex_like.usage.cost import cost_of
from pipelex_like.usage.estimate import (
    BYTES_PER_PAGE,
    PAGES_UNSEEN,
    TOKENS_PER_DRAWING,
    TOKENS_PER_IMAGE,
    TOKENS_PER_PAGE,
    estimate,
    measure,
    surely_too_long,
)

MILLION = Decimal(1_000_000)
PICTURE = Media(mime="image/png", data=b"x" * 50_000)


def prices(**dollars: str) -> Costs:
    return Costs(tokens=FrozenDict({kind: Decimal(price) for kind, price in dollars.items()}))


PLAIN = prices(input="1000000", output="1000000")  # a dollar a token


def spec(costs: Costs = PLAIN, **facts: object) -> ModelSpec:
    return ModelSpec(
        backend="acme",
        handle="m",
        sdk="openai",
        model_id="m",
        kind="llm",
        costs=costs,
        **facts,  # pyright: ignore
    )


def job(*parts: Part, **more: object) -> LlmJob:
    return LlmJob(messages=(Message("user", parts),), **more)  # pyright: ignore


def tokens_of(*parts: Part, **more: object) -> int:
    return estimate(job(*parts, **more), spec(), {}).input_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abc", 1),
        ("abcd", 2),
        ("é" * 3, 2),
        ("語", 1),
        ("😀😀", 3),
        ("\ud800", 1),
        ("a" * 3000, 1000),
    ],
)
def test_three_bytes_of_text_are_a_token(text: str, tokens: int) -> None:
    assert tokens_of(TextPart(text)) == tokens


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (ImagePart(PICTURE), TOKENS_PER_IMAGE),
        (ImagePart(Media(mime="image/*", url="https://x.test/a")), TOKENS_PER_IMAGE),
        (DocumentPart(Media(mime="text/markdown", data=b"a" * 30)), 10),
        (DocumentPart(Media(mime="application/json", data=b"a" * 30)), 10),
        (
            DocumentPart(Media(mime="application/pdf", data=b"/Type /Pages /Type /Page\n/Type/Page>>")),
            2 * TOKENS_PER_PAGE,
        ),
        (DocumentPart(Media(mime="application/pdf", data=b"%PDF-")), TOKENS_PER_PAGE),
        (DocumentPart(Media(mime="application/pdf", data=b"z" * (BYTES_PER_PAGE + 1))), 2 * TOKENS_PER_PAGE),
        (DocumentPart(Media(mime="application/pdf", url="https://x.test/a.pdf")), PAGES_UNSEEN * TOKENS_PER_PAGE),
        (DocumentPart(Media(mime="image/tiff", data=b"z" * 90_000)), TOKENS_PER_PAGE),
        (ToolCallPart(ToolCall(id="1", name="look", raw='{"a":1}')), 4),
        (ToolResultPart(call_id="1", text="a" * 9), 3),
        (ReasoningPart("a" * 9), 3),
        (OpaquePart(backend="acme", data=FrozenDict({"a": "bcd"})), 4),
    ],
)
def test_every_part_counts(part: Part, tokens: int) -> None:
    assert tokens_of(part) == tokens


def test_tools_and_schema_count() -> None:
    schema = ObjectSchema(name="S", schema=FrozenDict({"type": "object"}))  # 17 bytes
    assert tokens_of(schema=schema) == 6
    tool = Tool(name="abc", description="defghi", parameters=FrozenDict({"type": "object"}))
    assert tokens_of(tools=(tool,)) == 9


def test_what_json_cannot_hold_is_measured_all_the_same() -> None:
    schema = ObjectSchema(name="S", schema=FrozenDict({"maximum": 10**30}))
    assert tokens_of(schema=schema) >= 10


def test_the_spec_says_what_pictures_and_pages_count_as() -> None:
    paper = DocumentPart(Media(mime="application/pdf", data=b"%PDF-"))
    told = spec(tokens_per_image=85, tokens_per_page=0)
    assert estimate(job(ImagePart(PICTURE), paper), told, {}).input_tokens == 85
    assert estimate(job(paper), replace(told, tokens_per_page=100), {}, pages=7).input_tokens == 700


@pytest.mark.parametrize(
    ("setting", "ceiling", "reserve", "tokens"),
    [
        (None, None, 4096, 4096),
        (100, None, 4096, 100),
        (100, 50, 4096, 50),
        (9000, 8000, 4096, 4096),
        (9000, 8000, 20_000, 8000),
        ("auto", "auto", 10, 10),
        (None, 50, 4096, 50),
        (True, None, 4096, 4096),
    ],
)
def test_the_answer_is_the_smallest_of_three(setting: object, ceiling: object, reserve: int, tokens: int) -> None:
    settings = {} if setting is None else {"max_tokens": setting}
    found = estimate(job(), spec(max_tokens=ceiling), settings, reserve_output_tokens=reserve)
    assert (found.output_tokens, found.cost) == (tokens, tokens)


def test_tokens_are_input_and_output_together() -> None:
    assert estimate(job(TextPart("abc")), spec(), {"max_tokens": 5}).tokens == 6


def test_an_unknown_price_has_its_reason() -> None:
    found = estimate(job(TextPart("abc")), spec(Costs()), {})
    assert found.cost is None
    assert "`costs`" in str(found.note)
    assert found.input_tokens == 1


@pytest.mark.parametrize(
    ("costs", "part", "rules", "input_cost"),
    [
        (prices(input="1", output="0", cache_write="1.25"), TextPart("abc"), {}, "1"),
        (prices(input="1", output="0", cache_write="1.25"), TextPart("abc", cache=True), {}, "1.25"),
        (
            prices(input="1", output="0", cache_write="1.25", cache_write_1h="2"),
            TextPart("abc", cache=True),
            {},
            "1.25",
        ),
        (prices(input="1", output="0", cache_write="1.25"), TextPart("abc"), {"prompt_cache": True}, "1.25"),
        (
            prices(input="1", output="0", cache_write="1.25", cache_write_1h="2"),
            TextPart("abc"),
            {"prompt_cache": "1h"},
            "2",
        ),
        (prices(input="1", output="0", cache_write="1.25"), TextPart("abc"), {"prompt_cache": "1h"}, "1.25"),
        (prices(input="1", output="0", input_cached="0.1"), TextPart("abc", cache=True), {}, "1"),
        (prices(input="1", output="0", input_image="3"), ImagePart(PICTURE), {}, 3 * TOKENS_PER_IMAGE),
        (prices(input="1", output="0", input_image="0.5"), ImagePart(PICTURE), {}, TOKENS_PER_IMAGE),
    ],
)
def test_the_dearer_price_is_reckoned_with(
    costs: Costs, part: Part, rules: dict[str, object], input_cost: object
) -> None:
    found = estimate(job(part), spec(costs, rules=FrozenDict(rules)), {})
    assert found.cost == Decimal(str(input_cost)) / MILLION


@pytest.mark.parametrize(("reasoning", "cost"), [("3", "3"), ("1", "2")])
def test_an_answer_may_be_all_reasoning(reasoning: str, cost: str) -> None:
    found = estimate(job(), spec(prices(input="0", output="2", reasoning=reasoning)), {"max_tokens": 1_000_000})
    assert found.cost == Decimal(cost) * 4096 / MILLION


def test_pages_are_priced_and_take_no_tokens() -> None:
    paper = Media(mime="application/pdf", data=b"/Type/Page " * 5)
    reader = spec(Costs(per_page=Decimal("0.01")))
    found = estimate(ExtractJob(document=paper), reader, {})
    assert (found.cost, found.tokens) == (Decimal("0.05"), 0)
    assert estimate(ExtractJob(document=paper, pages=(2, 4)), reader, {}).cost == Decimal("0.02")
    assert estimate(ExtractJob(document=paper), reader, {}, pages=9).cost == Decimal("0.09")
    assert estimate(ExtractJob(document=paper, pages=(2, 4)), reader, {}, pages=9).cost == Decimal("0.02")
    assert estimate(ExtractJob(document=PICTURE), reader, {}).cost == Decimal("0.01")


def test_a_model_that_reads_pages_for_tokens_is_priced_by_them() -> None:
    paper = Media(mime="application/pdf", data=b"/Type/Page " * 5)
    found = estimate(ExtractJob(document=paper), spec(), {"max_tokens": 10})
    assert (found.input_tokens, found.output_tokens) == (5 * TOKENS_PER_PAGE, 10)
    assert found.cost == found.tokens


BY_SIZE = Costs(
    per_image=(
        ImagePrice(price=Decimal(1), size="1024x1024", quality="low"),
        ImagePrice(price=Decimal(4), size="1024x1024", quality="high"),
        ImagePrice(price=Decimal(2), size="1024x1536", quality="low"),
        ImagePrice(price=Decimal(8), size="1024x1536", quality="high"),
    )
)


@pytest.mark.parametrize(
    ("settings", "cost"),
    [
        ({}, 8),
        ({"quality": "low"}, 2),
        ({"size": "1024x1024"}, 4),
        ({"size": "1024x1024", "quality": "low"}, 1),
        ({"size": "auto", "quality": "auto"}, 8),
        ({"size": "512x512", "quality": "low"}, 2),
    ],
)
def test_pictures_cost_the_dearest_that_is_left_open(settings: dict[str, object], cost: int) -> None:
    found = estimate(ImageJob(prompt="", n=3), spec(BY_SIZE), settings)
    assert (found.cost, found.note, found.output_tokens) == (3 * cost, None, 0)


def test_one_price_for_all_pictures() -> None:
    found = estimate(ImageJob(prompt="abc", n=2), spec(Costs(per_image=(ImagePrice(price=Decimal("0.5")),))), {})
    assert (found.cost, found.input_tokens) == (Decimal(1), 1)


def test_pictures_by_token() -> None:
    costs = prices(input="1", input_image="2", output="3", output_image="4")
    found = estimate(ImageJob(prompt="abc", n=2, images=(PICTURE,)), spec(costs, tokens_per_image=10), {})
    assert found.cost == Decimal(1 + 2 * 10 + 4 * 2 * TOKENS_PER_DRAWING) / MILLION
    assert (found.input_tokens, found.output_tokens) == (11, 2 * TOKENS_PER_DRAWING)


def test_a_price_per_picture_goes_before_a_guess_at_its_tokens() -> None:
    costs = replace(BY_SIZE, tokens=FrozenDict({"input": MILLION, "output": MILLION}))
    assert estimate(ImageJob(prompt="abc"), spec(costs), {"quality": "low"}).cost == 3
    assert estimate(ImageJob(prompt=""), spec(costs), {"quality": "low"}).cost == 2
    gap = replace(BY_SIZE, tokens=FrozenDict({"output": MILLION}))
    assert estimate(ImageJob(prompt="abc"), spec(gap), {}).cost is None


def test_pictures_without_a_price() -> None:
    found = estimate(ImageJob(prompt="abc"), spec(Costs()), {})
    assert found.cost is None
    assert found.note


@given(
    st.text(max_size=300),
    st.integers(0, 3),
    st.integers(1, 5000),
    st.integers(0, 100),
    st.fixed_dictionaries({"input": st.decimals(0, 50, places=2), "output": st.decimals(0, 50, places=2)}),
)
def test_no_honest_bill_is_dearer(
    text: str, pictures: int, most: int, percent: int, dollars: dict[str, Decimal]
) -> None:
    """Whoever packs three bytes or more into a token, and keeps to max_tokens, never bills more than was held."""
    model = spec(Costs(tokens=FrozenDict(dollars)), tokens_per_image=100)
    found = estimate(job(TextPart(text), *[ImagePart(PICTURE)] * pictures), model, {"max_tokens": most})
    billed = Usage(
        input_tokens=found.input_tokens * percent // 100,
        output_tokens=found.output_tokens * percent // 100,
        cached_tokens=found.input_tokens * percent // 200,
    )
    cost = cost_of(billed, model)[0]
    assert cost is not None or not billed.total_tokens
    assert found.cost is not None
    assert (cost or 0) <= found.cost


@given(st.lists(st.text(max_size=20), max_size=6))
def test_a_size_serves_as_well_as_the_job(texts: list[str]) -> None:
    asked = job(*map(TextPart, texts), ImagePart(PICTURE))
    size = measure(asked)
    assert size.text == sum(len(text.encode()) for text in texts)
    assert estimate(asked, spec(), {}, size=size) == estimate(asked, spec(), {})


def test_too_long_only_without_any_doubt() -> None:
    small = spec(context_window=1000)
    assert surely_too_long(job(TextPart("a" * 8000)), small) is None
    assert surely_too_long(job(TextPart("a" * 8001)), small) == (
        "its 8,001 bytes of text are 1,001 tokens at the very least, and context_window is 1,000"
    )


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(PICTURE),
        ReasoningPart("a" * 9000),
        OpaquePart(backend="acme", data=FrozenDict({"a": "b" * 9000})),
        DocumentPart(Media(mime="application/pdf", data=b"z" * 90_000)),
        DocumentPart(Media(mime="application/octet-stream", data=b"z" * 90_000)),
    ],
)
def test_what_a_model_may_count_otherwise_is_never_too_long(part: Part) -> None:
    assert surely_too_long(job(part), spec(context_window=1000)) is None


@pytest.mark.parametrize("window", [None, 10**9])
def test_nothing_is_too_long_for_no_window_or_a_large_one(window: int | None) -> None:
    assert surely_too_long(job(TextPart("a" * 90_000)), spec(context_window=window)) is None


def test_other_jobs_are_asked_too() -> None:
    assert surely_too_long(ImageJob(prompt="a" * 9000), spec(context_window=1000))
    assert surely_too_long(ExtractJob(document=PICTURE), spec(context_window=1)) is None
