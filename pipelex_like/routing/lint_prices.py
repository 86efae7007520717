"""Models without a price, image models without one per picture, and prices that nobody looked at for long."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelex_like.routing.rules import SANDBOX
from pipelex_like.routing.variables import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import BoundDeck, ModelSpec
    from pipelex_like.errors import Problem

_SHOWN = 3


def lint_prices(bound: BoundDeck, *, today: date, max_age: timedelta) -> Iterator[Problem]:
    """Give one finding of each sort for a spec file, at the first model that it is about."""
    for backend in bound.deck.specs:
        models = [spec for spec in bound.deck.specs[backend].values() if _is_sold(bound, spec)]
        by_file: dict[str, list[ModelSpec]] = {}
        for spec in models:
            by_file.setdefault(spec.origin.file, []).append(spec)
        for specs in by_file.values():
            yield from _lint_missing([spec for spec in specs if spec.kind != "img_gen" and not spec.costs.known])
            yield from _lint_pictures([spec for spec in specs if spec.kind == "img_gen" and not _is_priced(spec)])
            yield from _lint_age([spec for spec in specs if spec.costs.known], today - max_age)


def _is_sold(bound: BoundDeck, spec: ModelSpec) -> bool:
    backend, sdk = bound.deck.backends.get(spec.backend), bound.deck.sdks.get(str(spec.sdk))
    if backend is None or backend.default_costs is not None or backend.name == SANDBOX:
        return False
    return not spec.retired and spec.enabled is not False and (sdk is None or sdk.sends_requests)


def _is_priced(spec: ModelSpec) -> bool:
    """Whether a picture has a price: for itself, or as tokens of its own, which only providers that count have."""
    return bool(spec.costs.per_image) or "output_image" in spec.costs.tokens


def _lint_missing(specs: Sequence[ModelSpec]) -> Iterator[Problem]:
    if specs:
        message = f"no price stands here for {_listed(specs)}: what a call costs is not known, and no budget counts it."
        hint = "Write costs = { input = ..., output = ... }, US dollars per million tokens; what is free costs 0."
        yield problem("warning", "price-missing", specs[0].origin, message, hint)


def _lint_pictures(specs: Sequence[ModelSpec]) -> Iterator[Problem]:
    if specs:
        message = f"no price per image stands here for {_listed(specs)}: what a picture costs may stay unknown."
        hint = "Write costs = { per_image = ... }, US dollars for one picture; what is free costs 0."
        yield problem("warning", "image-price-missing", specs[0].origin, message, hint)


def _lint_age(specs: Sequence[ModelSpec], limit: date) -> Iterator[Problem]:
    dated = [(found, spec) for spec in specs if (found := _date(spec.price_checked)) is not None]
    old = [spec for found, spec in dated if found < limit]
    if old:
        oldest = min(found for found, spec in dated if spec in old)
        message = f"the prices of {_listed(old)} were checked too long ago (the oldest on {oldest})."
        hint = "Compare them with the provider's page and write the day in price_checked."
        yield problem("warning", "price-old", old[0].origin.at("price_checked"), message, hint)


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def _listed(specs: Sequence[ModelSpec]) -> str:
    named = ", ".join(f'"{spec.handle}"' for spec in specs[:_SHOWN])
    rest = len(specs) - _SHOWN
    return f"{named} and {rest} more" if rest > 0 else named
