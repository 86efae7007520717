"""What a call cost, from what it used and what its spec says of prices; exact, and never a silent zero."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelex_like.types import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.deck import Costs, ModelSpec
    from pipelex_like.deck.models import ImagePrice

_MILLION = Decimal(1_000_000)

# Kind of token -> where its price stands, in order: a kind without a price of its own costs what its side costs.
_PRICED_AS: Mapping[str, tuple[str, ...]] = {
    "input": ("input",),
    "input_cached": ("input_cached", "input"),
    "cache_write": ("cache_write", "input"),
    "cache_write_1h": ("cache_write_1h", "cache_write", "input"),
    "input_audio": ("input_audio", "input"),
    "input_image": ("input_image", "input"),
    "output": ("output",),
    "reasoning": ("reasoning", "output"),
    "output_audio": ("output_audio", "output"),
    "output_image": ("output_image", "output"),
}


def cost_of(
    usage: Usage | None, spec: ModelSpec, *, images: Sequence[tuple[str, str | None]] = ()
) -> tuple[Decimal | None, str | None]:
    """Give (US dollars, note); the cost is None, with the reason as its note, where it cannot be known.

    `images` holds size (`1024x1024`) and quality of each picture drawn, for prices per picture.
    """
    costs = spec.costs
    if not costs.known:
        return None, f'no price is known for "{spec.handle}" of {spec.backend}; write its `costs` into the spec file'
    parts = (_pages(usage, costs), _pictures(usage, costs, images), _tokens(usage, costs, drawn=bool(images)))
    known = [part for part in parts if part is not None]
    reason = next((part for part in known if isinstance(part, str)), None)
    if reason is not None or not known:
        return None, reason or "the provider counted nothing that has a price"
    return sum((part for part in known if isinstance(part, Decimal)), Decimal(0)), _estimate(usage)


def _estimate(usage: Usage | None) -> str | None:
    return "estimated: the provider's counts could not be believed" if usage is not None and usage.estimated else None


def _pages(usage: Usage | None, costs: Costs) -> Decimal | str | None:
    if costs.per_page is None:
        return None
    price = _price(costs.per_page)
    if usage is None or (not usage.pages and price):
        return "priced per page, and the provider counted no pages"
    return price * usage.pages


def _pictures(usage: Usage | None, costs: Costs, images: Sequence[tuple[str, str | None]]) -> Decimal | str | None:
    counted = bool(costs.tokens) and usage is not None and usage.total_tokens > 0
    if not costs.per_image or counted:
        return None
    total = Decimal(0)
    for size, quality in images:
        price = _image_price(costs.per_image, size, quality)
        if price is None:
            return f"no `per_image` price for size {size} and quality {quality or 'unknown'}"
        total += price
    if not images and (usage is None or not usage.images):
        return "priced per image, and none was counted"
    return total if images else _uniform(costs.per_image, usage)


def _uniform(prices: tuple[ImagePrice, ...], usage: Usage | None) -> Decimal | str:
    price = _image_price(prices, None, None)
    return "no `per_image` price without size and quality" if price is None else price * (usage.images if usage else 0)


def _image_price(prices: tuple[ImagePrice, ...], size: str | None, quality: str | None) -> Decimal | None:
    fitting = [
        price
        for price in prices
        if (price.size is None or price.size == size) and (price.quality is None or price.quality == quality)
    ]
    best = max(fitting, key=lambda price: (price.size is not None) + (price.quality is not None), default=None)
    return None if best is None else _price(best.price)


def _tokens(usage: Usage | None, costs: Costs, *, drawn: bool) -> Decimal | str | None:
    if not costs.tokens:
        return None
    if usage is None or not usage.total_tokens:
        if (costs.per_image or costs.per_page is not None) and usage is not None:
            return None
        if all(not _price(price) for price in costs.tokens.values()):
            return Decimal(0)
        if drawn:
            return "priced per token, and the provider counted none; write a `per_image` price"
        return "the provider reported no usage"
    prices = _prices(costs, usage.input_tokens) if costs.above else costs.tokens
    total = Decimal(0)
    for kind, count in _counts(usage):
        if count:
            price = next((prices[name] for name in _PRICED_AS[kind] if name in prices), None)
            if price is None:
                return f"no price for {kind} tokens"
            total += _price(price) * count
    return total / _MILLION


def _prices(costs: Costs, input_tokens: int) -> Mapping[str, object]:
    prices = {kind: _price(price) for kind, price in costs.tokens.items()}
    passed = [tier for tier in costs.above if input_tokens > tier.input_tokens]
    for tier in sorted(passed, key=lambda tier: tier.input_tokens):
        prices.update({kind: _price(price) for kind, price in tier.prices.items()})
    return prices


def _counts(usage: Usage) -> tuple[tuple[str, int], ...]:
    special_in = (
        usage.cached_tokens
        + usage.cache_write_tokens
        + usage.cache_write_1h_tokens
        + usage.input_audio_tokens
        + usage.input_image_tokens
    )
    special_out = usage.reasoning_tokens + usage.output_audio_tokens + usage.output_image_tokens
    plain = (
        ("input", max(0, usage.input_tokens - special_in)),
        ("output", max(0, usage.output_tokens - special_out)),
    )
    if not special_in and not special_out:
        return plain
    return (
        *plain,
        ("input_cached", usage.cached_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("cache_write_1h", usage.cache_write_1h_tokens),
        ("input_audio", usage.input_audio_tokens),
        ("input_image", usage.input_image_tokens),
        ("reasoning", usage.reasoning_tokens),
        ("output_audio", usage.output_audio_tokens),
        ("output_image", usage.output_image_tokens),
    )


def _price(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    raise TypeError(f"a price is not filled in: {value}")
