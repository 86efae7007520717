"""`costs` of a model, `default_costs` of a backend."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipelex_like.deck import Costs, ImagePrice, Template, Tier
from pipelex_like.specs.fields import DEPRECATED, Count, Price, Table
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from pipelex_like.specs.page import Page, Path

_SIZE = re.compile(r"\d+x\d+\Z")
_PRICE = Annotated[Price | None, Field(union_mode="left_to_right")]
_PRICES = Annotated[Price | dict[str, Price | dict[str, Price]] | None, Field(union_mode="left_to_right")]

UNKNOWN_COSTS = Costs()


class TokenPrices(Table):
    """US dollars for a million tokens of each sort."""

    input: _PRICE = Field(default=None, description="the prompt")
    output: _PRICE = Field(default=None, description="the answer")
    input_cached: _PRICE = Field(default=None, description="prompt read from a cache")
    cache_write: _PRICE = Field(default=None, description="prompt written to a cache")
    cache_write_1h: _PRICE = Field(default=None, description="the same for an hour")
    reasoning: _PRICE = Field(default=None, description="thinking; default: as output")
    input_audio: _PRICE = Field(default=None, description="sound in")
    output_audio: _PRICE = Field(default=None, description="sound out")
    input_image: _PRICE = Field(default=None, description="pictures in")
    output_image: _PRICE = Field(default=None, description="pictures out")


_TOKEN_PRICES = frozenset(TokenPrices.model_fields)


class TierTable(TokenPrices):
    """Prices for a request whose input is longer than so many tokens."""

    input_tokens: Count = Field(description="for requests whose input is longer than this")


class CostsTable(TokenPrices):
    """All prices of a model. Those after `per_image` are of older files: `output_reasoning` is `reasoning`, the
    others are charged as input or output."""

    above: list[TierTable] | None = Field(
        default=None, description="other prices for long inputs", examples=[[{"input_tokens": 200000, "input": 2.5}]]
    )
    per_page: _PRICE = Field(default=None, description="US dollars for a page of a document")
    per_image: _PRICES = Field(
        default=None,
        description="US dollars for a picture: a number, or a table by size and quality",
        examples=[0.04, {"1024x1024": {"low": 0.011, "high": 0.167}}],
    )
    input_non_cached: _PRICE = Field(
        default=None, description="in older files; charged as input", json_schema_extra=DEPRECATED
    )
    input_joined: _PRICE = Field(
        default=None, description="in older files; charged as input", json_schema_extra=DEPRECATED
    )
    output_accepted_prediction: _PRICE = Field(
        default=None, description="in older files; charged as output", json_schema_extra=DEPRECATED
    )
    output_rejected_prediction: _PRICE = Field(
        default=None, description="in older files; charged as output", json_schema_extra=DEPRECATED
    )
    output_reasoning: _PRICE = Field(
        default=None, description="older spelling of reasoning", json_schema_extra=DEPRECATED
    )


def read_costs(table: CostsTable | None, page: Page, path: Path) -> Costs:
    """Give the prices as Decimal of the text that was written."""
    if table is None or not table.model_fields_set:
        return UNKNOWN_COSTS
    tokens = _tokens(table, page, path)
    if table.output_reasoning is not None and "reasoning" not in tokens:
        tokens = FrozenDict({**tokens, "reasoning": _price(table.output_reasoning, page, (*path, "output_reasoning"))})
    if table.above is None and table.per_page is None and table.per_image is None:
        return Costs(tokens=tokens)
    return Costs(
        tokens=tokens,
        above=tuple(
            Tier(input_tokens=tier.input_tokens, prices=_tokens(tier, page, (*path, "above", place)))
            for place, tier in enumerate(table.above or ())
        ),
        per_page=None if table.per_page is None else _price(table.per_page, page, (*path, "per_page")),
        per_image=_image_prices(table.per_image, page, (*path, "per_image")),
    )


def _tokens(table: TokenPrices, page: Page, path: Path) -> FrozenDict[str, Decimal | Template]:
    prices: dict[str, Decimal | Template] = {}
    for name in sorted(table.model_fields_set & _TOKEN_PRICES):
        value: float | str = getattr(table, name)
        # A path is built only where it is needed: there are thousands of prices, and few come from variables.
        prices[name] = _price(value, page, (*path, name)) if isinstance(value, str) else Decimal(repr(value))
    return FrozenDict(prices)


def _price(value: float | str, page: Page, path: Path) -> Decimal | Template:
    if not isinstance(value, str):
        return Decimal(repr(value))
    found = page.text(path, value, "decimal")
    if isinstance(found, Template):
        return found
    page.error(path, "wrong-type", "expected a number, got a text.")
    return Decimal(0)


def _image_prices(
    given: float | str | dict[str, float | str | dict[str, float | str]] | None, page: Page, path: Path
) -> tuple[ImagePrice, ...]:
    if given is None:
        return ()
    if not isinstance(given, dict):
        return (ImagePrice(price=_price(given, page, path)),)
    found: list[ImagePrice] = []
    for key, value in given.items():
        inner = value if isinstance(value, dict) else {"": value}
        for under, price in inner.items():
            words = (key, under)
            found.append(
                ImagePrice(
                    price=_price(price, page, (*path, key, under) if under else (*path, key)),
                    size=next((word for word in words if _SIZE.match(word)), None),
                    quality=next((word for word in words if word and not _SIZE.match(word)), None),
                )
            )
    return tuple(found)
