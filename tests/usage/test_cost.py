from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Costs, ImagePrice, ModelSpec, Tier
from pipelex_like.types import FrozenDict, Usage
from pipelex_like.usage.cost import cost_of


def spec(**costs: object) -> ModelSpec:
    return ModelSpec(
        backend="acme",
        handle="m",
        sdk="openai",
        model_id="m",
        kind="llm",
        costs=Costs(**costs),  # pyright: ignore
    )


def tokens(**prices: str) -> FrozenDict[str, Decimal]:
    return FrozenDict({kind: Decimal(price) for kind, price in prices.items()})


PLAIN = tokens(input="2.50", output="10")
FULL = tokens(
    input="2",
    output="8",
    input_cached="0.5",
    cache_write="2.5",
    cache_write_1h="4",
    reasoning="6",
    input_audio="40",
    output_audio="80",
    input_image="3",
    output_image="30",
)
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("prices", "usage", "cost"),
    [
        (PLAIN, Usage(input_tokens=3, output_tokens=2), "0.0000275"),
        (PLAIN, Usage(input_tokens=MILLION, output_tokens=MILLION), "12.50"),
        # Kinds without a price of their own cost what their side costs.
        (PLAIN, Usage(input_tokens=100, cached_tokens=40, cache_write_tokens=10, cache_write_1h_tokens=1), "0.00025"),
        (PLAIN, Usage(output_tokens=100, reasoning_tokens=60), "0.001"),
        (FULL, Usage(input_tokens=100, cached_tokens=40), "0.00014"),
        (FULL, Usage(input_tokens=100, cache_write_tokens=40), "0.00022"),
        (FULL, Usage(input_tokens=100, cache_write_1h_tokens=40), "0.00028"),
        (FULL, Usage(output_tokens=100, reasoning_tokens=60), "0.00068"),
        (FULL, Usage(input_tokens=100, input_audio_tokens=10, input_image_tokens=10), "0.00059"),
        (FULL, Usage(output_tokens=100, output_audio_tokens=10, output_image_tokens=10), "0.00174"),
        (tokens(cache_write="3", input="1", output="1"), Usage(input_tokens=10, cache_write_1h_tokens=10), "0.00003"),
        (tokens(input="0", output="0"), Usage(input_tokens=5, output_tokens=5), "0"),
    ],
)
def test_tokens_are_priced_exactly(prices: FrozenDict[str, Decimal], usage: Usage, cost: str) -> None:
    assert cost_of(usage, spec(tokens=prices)) == (Decimal(cost), None)


TIERS = (
    Tier(input_tokens=500, prices=tokens(input="4")),
    Tier(input_tokens=200, prices=tokens(input="3", output="15")),
)


@pytest.mark.parametrize(
    ("given_tokens", "cost"), [(200, "0.00050"), (201, "0.000603"), (500, "0.0015"), (501, "0.002004")]
)
def test_a_tier_holds_for_the_whole_request_once_it_is_passed(given_tokens: int, cost: str) -> None:
    assert cost_of(Usage(input_tokens=given_tokens), spec(tokens=PLAIN, above=TIERS)) == (Decimal(cost), None)


def test_a_higher_tier_keeps_what_it_does_not_name_from_the_lower_one() -> None:
    cost, _ = cost_of(Usage(input_tokens=501, output_tokens=1000), spec(tokens=PLAIN, above=TIERS))
    assert cost == Decimal("0.002004") + Decimal("0.015")


@pytest.mark.parametrize(
    ("costs", "usage", "part"),
    [
        ({}, Usage(input_tokens=1), "no price is known"),
        ({"tokens": PLAIN}, None, "reported no usage"),
        ({"tokens": PLAIN}, Usage(), "reported no usage"),
        ({"tokens": tokens(input="1")}, Usage(input_tokens=1, output_tokens=1), "no price for output tokens"),
        ({"tokens": tokens(output="1")}, Usage(input_tokens=1), "no price for input tokens"),
        ({"per_page": Decimal("0.001")}, None, "no pages"),
        ({"per_page": Decimal("0.001")}, Usage(), "no pages"),
        ({"per_image": (ImagePrice(price=Decimal(1)),)}, None, "none was counted"),
    ],
)
def test_an_unknown_cost_is_none_with_its_reason(costs: dict[str, object], usage: Usage | None, part: str) -> None:
    cost, note = cost_of(usage, spec(**costs))
    assert cost is None
    assert note is not None
    assert part in note


def test_free_is_zero_only_where_it_is_written() -> None:
    assert cost_of(None, spec(tokens=tokens(input="0", output="0"))) == (Decimal(0), None)
    assert cost_of(Usage(pages=3), spec(per_page=Decimal(0))) == (Decimal(0), None)


def test_pages() -> None:
    assert cost_of(Usage(pages=3), spec(per_page=Decimal("0.001"))) == (Decimal("0.003"), None)
    both = spec(per_page=Decimal("0.001"), tokens=PLAIN)
    assert cost_of(Usage(pages=1, input_tokens=100), both) == (Decimal("0.00125"), None)
    assert cost_of(Usage(pages=1), both) == (Decimal("0.001"), None)


PRICES = (
    ImagePrice(price=Decimal("0.04")),
    ImagePrice(price=Decimal("0.08"), size="1792x1024"),
    ImagePrice(price=Decimal("0.12"), size="1792x1024", quality="hd"),
)


def test_pictures_cost_what_the_closest_price_says() -> None:
    drawn = [("1024x1024", None), ("1792x1024", None), ("1792x1024", "hd")]
    assert cost_of(Usage(images=3), spec(per_image=PRICES), images=drawn) == (Decimal("0.24"), None)
    assert cost_of(Usage(images=2), spec(per_image=PRICES)) == (Decimal("0.08"), None)


def test_a_picture_without_a_fitting_price_has_no_cost() -> None:
    cost, note = cost_of(Usage(images=1), spec(per_image=PRICES[1:]), images=[("512x512", "low")])
    assert (cost, note) == (None, "no `per_image` price for size 512x512 and quality low")


def test_pictures_priced_by_token_need_counted_tokens_or_a_price_per_picture() -> None:
    drawn = [("1024x1024", None)]
    counted = Usage(output_tokens=1000, output_image_tokens=1000, images=1)
    assert cost_of(counted, spec(tokens=FULL), images=drawn) == (Decimal("0.03"), None)
    cost, note = cost_of(Usage(images=1), spec(tokens=FULL), images=drawn)
    assert cost is None
    assert note is not None
    assert "per_image" in note
    both = spec(tokens=FULL, per_image=PRICES)
    assert cost_of(counted, both, images=drawn) == (Decimal("0.03"), None)
    assert cost_of(Usage(images=1), both, images=drawn) == (Decimal("0.04"), None)


def test_an_estimate_is_marked() -> None:
    cost, note = cost_of(Usage(input_tokens=1, estimated=True), spec(tokens=PLAIN))
    assert cost == Decimal("0.0000025")
    assert note is not None
    assert note.startswith("estimated")


counts = st.integers(0, 10**9)


@given(counts, counts, counts, counts)
def test_special_tokens_never_make_a_plain_price_differ(given_in: int, out: int, cached: int, reasoning: int) -> None:
    usage = Usage(
        input_tokens=given_in + 1,
        output_tokens=out,
        cached_tokens=min(cached, given_in),
        reasoning_tokens=min(reasoning, out),
    )
    expected = (Decimal("2.50") * (given_in + 1) + Decimal(10) * out) / MILLION
    assert cost_of(usage, spec(tokens=PLAIN)) == (expected, None)
