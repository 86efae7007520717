"""Specs against data: what differs, what cannot be told, and how the data's names are found."""

from __future__ import annotations

import sys
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from genai_prices.types import (
    ClauseEquals,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from pipelex_like.errors import ConfigError
from pipelex_like.setup.editing.desk import Desk
from pipelex_like.setup.editing.edits import RefusedEditError
from pipelex_like.setup.editing.outlook import outlook, place_of
from pipelex_like.setup.prices.adding import add_model
from pipelex_like.setup.prices.compare import Comparison, compare, offer_for, provider_of
from pipelex_like.setup.prices.data import PriceData, load_prices

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)


def model(name: str, prices: object = None, **more: object) -> ModelInfo:
    match = more.pop("match", None) or ClauseEquals(equals=name)
    return ModelInfo(id=name, match=match, prices=prices or cost("1", "2"), **more)


def cost(into: object = None, out: object = None, **more: object) -> ModelPrice:
    values = {"input_mtok": into, "output_mtok": out, **more}
    return ModelPrice(
        **{key: Decimal(value) if isinstance(value, str) else value for key, value in values.items() if value}
    )


def provider(name: str, *models: ModelInfo, **more: object) -> Provider:
    address = more.pop("api_pattern", f"https://{name}\\.example")
    return Provider(id=name, name=name, api_pattern=address, models=list(models), **more)


def data(*providers: Provider) -> PriceData:
    return PriceData(providers, "9.9", TODAY)


def directory(root: Path, models: str, backend: str = "openai", more: str = "") -> Path:
    place = root / ".pipelex" / "inference"
    (place / "backends").mkdir(parents=True)
    (place / "deck").mkdir()
    (place / "backends.toml").write_text(f'[{backend}]\nenabled = true\napi_key = "x"\n{more}')
    (place / "backends" / f"{backend}.toml").write_text(
        f'default_sdk = "openai"\n[defaults]\ninputs = ["text"]\noutputs = ["text"]\n{models}'
    )
    (place / "deck" / "base_deck.toml").write_text("[aliases]\n")
    return place


def compared(root: Path, models: str, held: PriceData, backend: str = "openai", more: str = "") -> Comparison:
    place = place_of(directory(root, models, backend, more), {})
    return compare(outlook(place, (), {}), held)


def told(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(each.handle, each.key, each.spec, each.data) for each in found.differences]


def test_each_difference_is_told_with_its_place(tmp_path: Path) -> None:
    held = data(provider("openai", model("m", cost("1.5", "2", cache_read_mtok="0.3"), context_window=200000)))
    spec = "[m]\ncontext_window = 100000\n\ncosts = { input = 1, output = 2 }\n"
    found = compared(tmp_path, spec, held)
    assert told(found) == [
        ("m", "context_window", "100000", "200000"),
        ("m", "costs.input", "1", "1.5"),
        ("m", "costs.input_cached", "absent, so 1 as input", "0.3"),
    ]
    assert [each.line for each in found.differences] == [6, 8, 8]
    assert str(found.differences[1]) == (
        ".pipelex/inference/backends/openai.toml:8: openai/m: costs.input is 1; the data says 1.5 (openai m)"
    )


def test_what_agrees_or_is_unknown_on_either_side_is_no_difference(tmp_path: Path) -> None:
    held = data(
        provider(
            "openai",
            model("same", cost("1.50", "2"), context_window=131072),
            model("half", cost("1", None)),
            model("windowless"),
            model("gone", cost("9", "9")),
            model("later", [ConditionalPrice(prices=cost("1", "2")), from_day(date(2026, 12, 24), cost("7", "7"))]),
        )
    )
    found = compared(
        tmp_path,
        "[same]\ncontext_window = 128000\ncosts = { input = 1.5, output = 2 }\n"
        "[half]\ncosts = { input = 1, output = 8 }\n"
        "[windowless]\ncontext_window = 1000\ncosts = { input = 1, output = 2, input_cached = 1 }\n"
        "[gone]\nretired = true\ncosts = { input = 1, output = 2 }\n"
        "[later]\ncosts = { input = 1, output = 2 }\n",
        held,
    )
    assert told(found) == []
    assert found.compared == 4


def from_day(day: date, prices: ModelPrice) -> ConditionalPrice:
    return ConditionalPrice(StartDateConstraint(start_date=day), prices=prices)


def test_a_price_that_is_unknown_here_is_told_free_is_not_unknown(tmp_path: Path) -> None:
    held = data(provider("openai", model("a", cost("1", "2")), model("b", cost("1", "2"))))
    found = compared(tmp_path, "[a]\n[b]\ncosts = { input = 0, output = 0 }\n", held)
    assert told(found) == [
        ("a", "costs", "unknown", "input 1, output 2"),
        ("b", "costs.input", "0", "1"),
        ("b", "costs.output", "0", "2"),
    ]


def test_tiers_are_compared_where_either_has_one(tmp_path: Path) -> None:
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=200000, price=Decimal(2))])
    held = data(provider("openai", *(model(name, cost(tiered, "5")) for name in ("good", "flat", "other", "short"))))
    found = compared(
        tmp_path,
        "[good]\ncosts = { input = 1, output = 5, above = [{ input_tokens = 200000, input = 2 }] }\n"
        "[flat]\ncosts = { input = 1, output = 5 }\n"
        "[other]\ncosts = { input = 1, output = 5, above = [{ input_tokens = 100000, input = 2 }] }\n"
        "[short]\ncontext_window = 200000\ncosts = { input = 1, output = 5 }\n",
        held,
    )
    assert told(found) == [
        ("flat", "costs.above 200000 input", "1", "2"),
        ("other", "costs.above 100000 input", "2", "1"),
    ]


def test_any_price_of_the_day_will_do(tmp_path: Path) -> None:
    night = TimeOfDateConstraint(start_time=time(1), end_time=time(4))
    prices = [ConditionalPrice(prices=cost("2", "4")), ConditionalPrice(night, prices=cost("1", "2"))]
    held = data(provider("openai", *(model(name, prices) for name in ("day", "night", "never"))))
    specs = "".join(
        f"[{name}]\ncosts = {{ input = {price}, output = {2 * price} }}\n"
        for name, price in (("day", 2), ("night", 1), ("never", 3))
    )
    assert told(compared(tmp_path, specs, held)) == [
        ("never", "costs.input", "3", "1 or 2"),
        ("never", "costs.output", "6", "2 or 4"),
    ]


def test_a_write_that_costs_less_than_reading_is_a_surcharge(tmp_path: Path) -> None:
    held = data(provider("openai", model("m", cost("1", "2", cache_write_mtok="0.1"))))
    assert told(compared(tmp_path, "[m]\ncosts = { input = 1, output = 2 }\n", held)) == []


def test_pages_are_priced_by_the_thousand(tmp_path: Path) -> None:
    held = data(provider("mistral", model("ocr", cost(input_document_kpages="3"))))
    spec = '[ocr]\nsdk = "mistral"\ninputs = ["pdf"]\noutputs = ["pages"]\ncosts = { per_page = 0.002 }\n'
    assert told(compared(tmp_path, spec, held, "mistral")) == [("ocr", "costs.per_page", "0.002", "0.003")]


def test_what_only_one_side_has_is_named_and_no_difference(tmp_path: Path) -> None:
    held = data(
        provider("openai", model("old", deprecated=True), model("new"), model("out", deprecated=True), model("vectors"))
    )
    held._providers["openai"].models[-1].prices = cost("1")
    more = '[elsewhere]\nenabled = true\nendpoint = "https://nobody.example/v1"\n'
    found = compared(tmp_path, "[old]\ncosts = { input = 1, output = 2 }\n[mine]\n", held, more=more)
    assert told(found) == []
    assert found.deprecated == {"openai": ("old",)}
    assert found.unknown == {"openai": ("mine",)}
    assert found.missing == {"openai": ("new",)}
    assert found.unchecked == ("elsewhere",)


REGIONAL = model("regional.claude", cost("1.1", "2"), match=ClauseEquals(equals="us.anthropic.claude-1"))
GLOBAL = model("global.claude", match=ClauseEquals(equals="global.anthropic.claude-1"))


@pytest.mark.parametrize(
    ("backend", "model_id", "handle", "expected"),
    [
        ("bedrock", "us.anthropic.claude-1", "c", "regional.claude"),
        ("bedrock", "global.anthropic.claude-1", "c", "global.claude"),
        ("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-1", "c", "regional.claude"),
        ("bedrock", "anthropic.claude-1", "c", None),
        ("vertexai", "claude-1@20260101", "c", "claude-1-20260101"),
        ("vertexai", "claude-1@20250101", "c", "claude-1"),
        ("azure_openai", "our-deployment", "gpt-1", "gpt-1"),
        ("azure_openai", "our-deployment", "deepseek-1", None),
        ("openrouter", "vendor/m:free", "m", "vendor/m:free"),
        ("openrouter", "vendor/m", "m", "vendor/m"),
        ("huggingface", "org/m:together", "m", "org/m"),
        ("huggingface", "org/m", "m", None),
        ("ours", "m", "m", "m"),
        ("sandbox", "gpt-1", "gpt-1", None),
    ],
)
def test_names_of_the_data_are_found(
    tmp_path: Path, backend: str, model_id: str, handle: str, expected: str | None
) -> None:
    held = data(
        provider("aws", REGIONAL, GLOBAL),
        provider("google", model("claude-1-20260101"), fallback_model_providers=["anthropic"]),
        provider("anthropic", model("claude-1")),
        provider("azure", fallback_model_providers=["openai", "deepseek"]),
        provider("openai", model("gpt-1")),
        provider("deepseek", model("deepseek-1")),
        provider("openrouter", model("vendor/m"), model("vendor/m:free")),
        provider("huggingface_together", model("org/m")),
        provider("someone", model("m"), api_pattern="https://api\\.someone\\.example"),
    )
    more = '[ours]\nenabled = true\nendpoint = "https://api.someone.example/v1"\n'
    more += "".join(
        f"[{name}]\nenabled = false\n"
        for name in ("bedrock", "vertexai", "azure_openai", "openrouter", "huggingface", "sandbox")
    )
    found = outlook(place_of(directory(tmp_path, "[m]\n", more=more), {}), (), {})
    assert found.bound is not None, found.problems
    offer = offer_for(held, found.bound.deck.backends[backend], model_id, handle)
    assert (None if offer is None else offer.id) == expected


def desk_of(root: Path, models: str = "[here]\n") -> Desk:
    return Desk.open(directory(root, models), {"HOME": str(root)})


TIERED = TieredPrices(base=Decimal("0.15"), tiers=[Tier(start=200000, price=Decimal("0.3"))])
OPENAI = data(
    provider(
        "openai",
        model("new-1", cost(TIERED, "2.50", cache_read_mtok="0.015"), context_window=400000),
        model("here", match=ClauseStartsWith(starts_with="here")),
        model("vectors-1", cost("1")),
        model("old-1", deprecated=True),
        pricing_urls=["https://openai.example/prices"],
    )
)


def test_a_spec_is_written_with_price_date_and_source(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, '# Ours.\n[here]  # kept\nmodel_id = "here-1"\n')
    assert add_model(desk, "openai/new-1", "openai", data=OPENAI, today=TODAY) == "new-1"
    (change,) = desk.changes
    assert change.before is not None
    assert change.after == change.before + (
        '\n# From genai-prices 9.9 (newest entry: undated): "new-1" at openai; https://openai.example/prices\n'
        '[new-1]\ninputs = ["text"]\noutputs = ["text"]\ncontext_window = 400000\n'
        "costs = { input = 0.15, output = 2.5, input_cached = 0.015, "
        "above = [{ input_tokens = 200000, input = 0.3, output = 2.5, input_cached = 0.015 }] }\n"
        'price_checked = "2026-11-21"\n'
    )
    assert desk.refusals(desk.after()) == []
    desk.write()
    again = compare(outlook(desk.place, (), {}), OPENAI)
    assert "new-1" not in {each.handle for each in again.differences}


def test_a_handle_of_ones_own_and_what_is_known_of_the_model_elsewhere(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, '[here]\n["other"]\nmodel_id = "old-1"\ninputs = ["text", "images"]\n')
    with pytest.raises(RefusedEditError, match='handle "other"'):
        add_model(desk, "old-1", "openai", data=OPENAI, today=TODAY, handle="fresh")
    add_model(desk, "new-1", "openai", data=OPENAI, today=TODAY, handle="fresh")
    assert '[fresh]\nmodel_id = "new-1"\n' in desk.changes[0].after


@pytest.mark.parametrize(
    ("name", "backend", "words"),
    [
        ("here", "openai", r"openai.toml:5: .*has this model already: handle \"here\""),
        ("new-2", "openai", "knows no .*Did you mean new-1"),
        ("vectors-1", "openai", "answers nothing that has a price"),
        ("new-1", "opneai", 'Did you mean "openai"'),
    ],
)
def test_what_cannot_be_added_is_refused(tmp_path: Path, name: str, backend: str, words: str) -> None:
    desk = desk_of(tmp_path)
    with pytest.raises(RefusedEditError, match=words):
        add_model(desk, name, backend, data=OPENAI, today=TODAY)
    assert desk.changes == ()


def test_the_installed_data_is_dated_and_fits(tmp_path: Path) -> None:
    held = load_prices(TODAY)
    assert held.newest is not None
    assert held.newest <= TODAY.isoformat()
    found = outlook(place_of(directory(tmp_path, "[m]\n"), {}), (), {})
    assert found.bound is not None
    assert provider_of(found.bound.deck.backends["openai"], held) == "openai"
    known = held.find("openai", "gpt-4o-mini")
    assert known is not None
    assert known.prices[0].tokens["input"] == Decimal("0.15")
    for name in held._providers:
        assert all(offer.prices for offer in held.offers(name)), "every form of price is understood"


def test_without_the_package_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    with pytest.raises(ConfigError, match=r'pip install "pipelex-like\[prices\]"'):
        load_prices(TODAY)
