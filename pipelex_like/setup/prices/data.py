"""What the genai-prices package knows of models: prices, context windows, and what is about to be switched off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from importlib.metadata import version
from typing import TYPE_CHECKING

from pipelex_like.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from genai_prices.types import ModelInfo, ModelPrice, Provider

NEEDED = 'comparing prices needs: pip install "pipelex-like[prices]"'

KINDS: Mapping[str, str] = {
    "input": "input_mtok",
    "output": "output_mtok",
    "input_cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "input_image": "input_image_mtok",
    "output_image": "output_image_mtok",
}
"""Our kinds of tokens, and what the data calls their prices."""

_AT_LIST_PRICE = frozenset({"openai", "anthropic"})
"""Makers whose models cost the same at Microsoft and at Google; what others take there, they do not tell."""

_DATE = re.compile(r"\b20\d\d-[01]\d-[0-3]\d\b")
_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars: `tokens` by kind for a million, `above` the same for requests whose input is longer than so many
    tokens, `per_page`. A kind that is absent is unknown, which is not the same as free."""

    tokens: Mapping[str, Decimal]
    above: Mapping[int, Mapping[str, Decimal]]
    per_page: Decimal | None = None

    @property
    def known(self) -> bool:
        """Whether there is any price."""
        return bool(self.tokens) or self.per_page is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model at one provider. `prices` are those that hold at some hour of the day, the usual one first."""

    provider: str
    id: str
    prices: tuple[Prices, ...]
    context_window: int | None
    deprecated: bool
    source: str


class PriceData:
    """The data that is installed, as of `today`. `newest` is the latest date that it speaks of."""

    def __init__(self, providers: Sequence[Provider], version: str, today: date) -> None:
        self.version = version
        self.newest = _newest(providers, today)
        self._providers = {provider.id: provider for provider in providers}
        self._today = today

    @property
    def title(self) -> str:
        """Name the data and its date."""
        return f"genai-prices {self.version} (newest entry: {self.newest or 'undated'})"

    def provider_at(self, endpoint: str) -> str | None:
        """Give the provider that is reached at that address."""
        found = (provider.id for provider in self._providers.values() if re.match(provider.api_pattern, endpoint))
        return next(found, None)

    def knows(self, provider: str) -> bool:
        """Whether there is a provider of that name."""
        return provider in self._providers

    def find(self, provider: str, model_id: str) -> Offer | None:
        """Give what a provider takes for the model that it calls so, in any of its spellings."""
        held = self._providers.get(provider)
        makers = [name for name in (held.fallback_model_providers or ()) if name in _AT_LIST_PRICE] if held else []
        for name in (provider, *makers):
            seller = self._providers.get(name)
            found = None if seller is None else seller.find_model(model_id)
            if seller is not None and found is not None:
                return self._offer(seller, found)
        return None

    def offers(self, provider: str) -> tuple[Offer, ...]:
        """Give all models of a provider."""
        held = self._providers[provider]
        return tuple(self._offer(held, model) for model in held.models)

    def nearest(self, provider: str, model_id: str) -> list[str]:
        """Give the provider's model ids that look like that one."""
        return get_close_matches(model_id.lower(), [model.id for model in self._providers[provider].models], 3, 0.5)

    def _offer(self, provider: Provider, model: ModelInfo) -> Offer:
        hours = [datetime.combine(self._today, time(hour, 30), UTC) for hour in (12, *range(24))]
        held = {id(prices): prices for prices in map(model.get_prices, hours)}
        return Offer(
            provider=provider.id,
            id=model.id,
            prices=tuple(map(_prices, held.values())),
            context_window=model.context_window,
            deprecated=bool(model.deprecated),
            source=next(iter(provider.pricing_urls or ()), ""),
        )


def load_prices(today: date) -> PriceData:
    """Read the data that is installed; nothing is fetched. Raises ConfigError where the package is missing."""
    try:
        from genai_prices.data import providers
    except ImportError as error:
        raise ConfigError([Problem(severity="error", code="needs-extra", file="", message=NEEDED)]) from error
    return PriceData(providers, version("genai-prices"), today)


def _prices(prices: ModelPrice) -> Prices:
    tokens: dict[str, Decimal] = {}
    starts: dict[str, dict[int, Decimal]] = {}
    for kind, key in KINDS.items():
        value: object = getattr(prices, key, None)
        if isinstance(value, Decimal):
            tokens[kind] = value
        elif value is not None:
            tokens[kind], starts[kind] = _tiers(value)
    above = {start: _at(start, tokens, starts) for start in sorted({at for tiers in starts.values() for at in tiers})}
    pages: object = getattr(prices, "input_document_kpages", None)
    return Prices(tokens=tokens, above=above, per_page=pages / _THOUSAND if isinstance(pages, Decimal) else None)


def _tiers(value: object) -> tuple[Decimal, dict[int, Decimal]]:
    from genai_prices.types import TieredPrices

    if not isinstance(value, TieredPrices):
        raise TypeError(f"{type(value).__name__} is a form of price that is not known here")
    return value.base, {tier.start: tier.price for tier in value.tiers}


def _at(
    start: int, tokens: Mapping[str, Decimal], starts: Mapping[str, Mapping[int, Decimal]]
) -> Mapping[str, Decimal]:
    """The prices of requests that pass `start`."""

    def price(kind: str) -> Decimal:
        passed = [at for at in starts.get(kind, ()) if at <= start]
        return starts[kind][max(passed)] if passed else tokens[kind]

    return {kind: price(kind) for kind in tokens}


def _newest(providers: Sequence[Provider], today: date) -> str | None:
    return max((day for day in _dates(providers) if day <= today.isoformat()), default=None) or None


def _dates(providers: Sequence[Provider]) -> Iterator[str]:
    for provider in providers:
        yield from _DATE.findall(provider.price_comments or "")
        for model in provider.models:
            yield from _DATE.findall(model.price_comments or "")
            for priced in model.prices if isinstance(model.prices, list) else ():
                start = getattr(priced.constraint, "start_date", None)
                yield start.isoformat() if isinstance(start, date) else ""
