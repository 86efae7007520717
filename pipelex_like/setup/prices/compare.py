"""Compare what the spec files say of models with what the data of genai-prices says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pipelex_like.setup.prices.data import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipelex_like.deck import Backend, ModelSpec
    from pipelex_like.setup.editing.outlook import Outlook
    from pipelex_like.setup.prices.data import Offer, PriceData, Prices

What = Literal["price", "no-price", "context-window"]

PROVIDERS: Mapping[str, str] = {
    "bedrock": "aws",
    "azure_openai": "azure",
    "azure_ai": "azure",
    "vertexai": "google",
    "xai": "x-ai",
    "nebius": "huggingface_nebius",
}
"""The data's names for providers that have another one here."""

OTHERS = frozenset({"huggingface", "sandbox", "custom", "openai_compatible", "litellm_proxy", "pipelex_inference"})
"""Backends whose prices are somebody else's; at Hugging Face they depend on who serves the model (`model:provider`)."""

_FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "input_cached": ("input",),
    "cache_write": ("input",),
    "cache_write_1h": ("cache_write", "input"),
    "reasoning": ("output",),
}
_ALWAYS = ("input", "output", *_FALLBACKS)
_ARN = re.compile(r"arn:[^/]*/(.+)\Z")
_NEAR = Decimal("1.05")
"""Windows that differ by less are one: 128000 and 131072 are both written for 128 k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing of one model on which spec and data differ; `key` is below the model's table, `told_by` the data's
    provider and model."""

    what: What
    backend: str
    handle: str
    model_id: str
    file: str
    line: int | None
    key: str
    spec: str
    data: str
    told_by: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        told = f"{self.backend}/{self.handle}: {self.key}"
        return f"{where}: {told} is {self.spec}; the data says {self.data} ({self.told_by})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`compared` counts the models that both know. `deprecated` are models that answer still, and are on their way
    out, `unknown` models of the specs that the data does not know, `missing` models of the data that no spec lists,
    all by backend; `unchecked` are backends without any data."""

    compared: int
    differences: tuple[Difference, ...]
    deprecated: Mapping[str, tuple[str, ...]]
    unknown: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, tuple[str, ...]]
    unchecked: tuple[str, ...]


def provider_of(backend: Backend, data: PriceData) -> str | None:
    """Give the data's name for who is behind a backend: by the backend's name, else by its address."""
    if backend.name in OTHERS:
        return None
    name = PROVIDERS.get(backend.name, backend.name)
    if data.knows(name):
        return name
    endpoint = backend.text("endpoint")
    return None if endpoint is None else data.provider_at(endpoint)


def offer_for(data: PriceData, backend: Backend, model_id: str, handle: str | None = None) -> Offer | None:
    """Find a model as one backend calls it: an ARN by its last part, `model@version` of Vertex AI with and without
    the version, `model:provider` of Hugging Face; a deployment of Azure also by the handle."""
    name, _, host = model_id.rpartition(":")
    if backend.name == "huggingface" and name:
        return data.find(f"huggingface_{host}", name)
    provider = provider_of(backend, data)
    if provider is None:
        return None
    arn = _ARN.match(model_id)
    tries = [arn[1] if arn else model_id]
    if "@" in model_id[1:]:
        tries += [model_id.replace("@", "-"), model_id.rpartition("@")[0]]
    if provider == "azure" and handle is not None:
        tries.append(handle)
    return next((offer for each in tries if (offer := data.find(provider, each)) is not None), None)


def compare(outlook: Outlook, data: PriceData, *, backends: Iterable[str] | None = None) -> Comparison:
    """Compare every model of those backends (None = all) that is not marked as retired."""
    bound = outlook.bound
    if bound is None:
        raise ValueError("a configuration that does not load has no models to compare")
    differences: list[Difference] = []
    deprecated: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    missing: dict[str, tuple[str, ...]] = {}
    unchecked: list[str] = []
    compared = 0
    for name in bound.deck.backends if backends is None else backends:
        backend, specs = bound.deck.backends[name], bound.deck.specs[name]
        offers = {
            handle: offer_for(data, backend, str(spec.model_id), handle)
            for handle, spec in specs.items()
            if spec.listed
        }
        provider = provider_of(backend, data)
        if provider is None and not any(offers.values()):
            unchecked.append(name)
            continue
        if provider is not None:
            missing[name] = _missing(data.offers(provider), offers.values())
        for handle, offer in offers.items():
            spec = specs[handle]
            if offer is None and not spec.retired:
                unknown.setdefault(name, []).append(handle)
            elif offer is not None and not spec.retired:
                compared += 1
                if offer.deprecated:
                    deprecated.setdefault(name, []).append(handle)
                differences += (_placed(found, spec, offer, outlook) for found in _differences(spec, offer))
    return Comparison(
        compared=compared,
        differences=tuple(differences),
        deprecated={name: tuple(handles) for name, handles in deprecated.items()},
        unknown={name: tuple(handles) for name, handles in unknown.items()},
        missing={name: ids for name, ids in missing.items() if ids},
        unchecked=tuple(unchecked),
    )


def _missing(offers: Iterable[Offer], held: Iterable[Offer | None]) -> tuple[str, ...]:
    known = {offer.id for offer in held if offer is not None}
    answering = (offer for offer in offers if not offer.deprecated and any("output" in p.tokens for p in offer.prices))
    return tuple(offer.id for offer in answering if offer.id not in known)


_Found = tuple["What", str, str, str]
"""What, the key, what the spec says, what the data says."""


def _placed(found: _Found, spec: ModelSpec, offer: Offer, outlook: Outlook) -> Difference:
    what, key, said, told = found
    # The handle may stand in an inherited file, and its price in one that is nearer.
    path = (spec.handle, *key.partition(" ")[0].split("."))
    document = outlook.loaded.documents.specs.get(spec.backend)
    origin = spec.origin if document is None else document.origin(path)
    return Difference(
        what=what,
        backend=spec.backend,
        handle=spec.handle,
        model_id=str(spec.model_id),
        file=origin.file,
        line=outlook.loaded.documents.line(origin.file, origin.path),
        key=key,
        spec=said,
        data=told,
        told_by=f"{offer.provider} {offer.id}",
    )


def _differences(spec: ModelSpec, offer: Offer) -> Iterator[_Found]:
    window = spec.context_window
    if isinstance(window, int) and offer.context_window and not _is_near(window, offer.context_window):
        yield "context-window", "context_window", str(window), str(offer.context_window)
    if not spec.costs.known:
        if offer.prices[0].known:
            yield "no-price", "costs", "unknown", told_prices(offer.prices[0])
        return
    if spec.costs.tokens:
        ours = {kind: price for kind, price in spec.costs.tokens.items() if isinstance(price, Decimal)}
        yield from _token_differences("costs.", ours, [prices.tokens for prices in offer.prices])
        yield from _tier_differences(spec, ours, offer.prices)
    pages = {prices.per_page for prices in offer.prices}
    if spec.costs.per_page is not None and None not in pages and spec.costs.per_page not in pages:
        yield "price", "costs.per_page", str(spec.costs.per_page), _said(pages)


def _tier_differences(spec: ModelSpec, base: Mapping[str, Decimal], offered: tuple[Prices, ...]) -> Iterator[_Found]:
    tiers = {tier.input_tokens: tier.prices for tier in spec.costs.above}
    starts = {*tiers, *(start for prices in offered for start in prices.above)}
    window = spec.context_window if isinstance(spec.context_window, int) else None
    # No request passes a tier that begins where the window ends: such tiers tell of earlier days.
    for start in sorted(start for start in starts if window is None or start < window):
        passed = [tiers[at] for at in sorted(tiers) if at <= start]
        ours = dict(base)
        for prices in passed:
            ours |= {kind: price for kind, price in prices.items() if isinstance(price, Decimal)}
        yield from _token_differences(f"costs.above {start} ", ours, [_passing(prices, start) for prices in offered])


def _passing(prices: Prices, start: int) -> Mapping[str, Decimal]:
    passed = [at for at in prices.above if at <= start]
    return prices.above[max(passed)] if passed else prices.tokens


def _token_differences(key: str, ours: Mapping[str, Decimal], offered: list[Mapping[str, Decimal]]) -> Iterator[_Found]:
    for kind in KINDS:
        theirs = {prices[kind] for prices in offered if kind in prices and not _is_surcharge(kind, prices)}
        if not theirs or (kind not in ours and kind not in _ALWAYS):
            continue
        standing = next((name for name in (kind, *_FALLBACKS.get(kind, ())) if name in ours), None)
        price = None if standing is None else ours[standing]
        if price in theirs:
            continue
        said = "unknown" if price is None else str(price) if standing == kind else f"absent, so {price} as {standing}"
        yield "price", f"{key}{kind}", said, _said(theirs)


def _is_surcharge(kind: str, prices: Mapping[str, Decimal]) -> bool:
    """Whether this is what keeping a prompt costs on top of reading it (OpenRouter tells of Gemini's storage so)."""
    return kind.startswith("cache_write") and prices[kind] < prices.get("input", Decimal(0))


def told_prices(prices: Prices) -> str:
    """Tell prices in a line."""
    parts = [f"{kind} {_plain(price)}" for kind, price in prices.tokens.items()]
    parts += [f"per_page {_plain(prices.per_page)}"] if prices.per_page is not None else []
    return ", ".join(parts) + (f", more above {min(prices.above)} tokens" if prices.above else "")


def _said(prices: Iterable[Decimal | None]) -> str:
    return " or ".join(_plain(price) for price in sorted(price for price in prices if price is not None))


def _plain(price: Decimal) -> str:
    return f"{price.normalize():f}"


def _is_near(one: int, other: int) -> bool:
    return max(one, other) <= min(one, other) * _NEAR
