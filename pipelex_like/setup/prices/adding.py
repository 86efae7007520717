"""Write a model's spec from the data of genai-prices into the directory's `backends/<name>.toml`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.documents import line_of
from pipelex_like.errors import did_you_mean
from pipelex_like.setup.editing.changes import rewritten
from pipelex_like.setup.editing.edits import RefusedEditError
from pipelex_like.setup.prices.compare import offer_for, provider_of, told_prices

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from pipelex_like.deck import Backend, BoundDeck, ModelSpec
    from pipelex_like.setup.editing.desk import Desk
    from pipelex_like.setup.prices.data import Offer, PriceData, Prices


_REGION = re.compile(r"\A(?:arn:[^/]*/)?(?:global|us|us-gov|eu|apac|jp|au|in)\.")


def add_model(
    desk: Desk, reference: str, backend_name: str, *, data: PriceData, today: date, handle: str | None = None
) -> str:
    """Draft the spec of a model as `backend_name` calls it (`backend/` in front may stay); give its handle.

    The handle is the model's own name unless one is given. Raises RefusedEditError for a backend or model that is not
    known, and for a model that is there already.
    """
    bound = desk.before.bound
    if bound is None:
        raise RefusedEditError("the configuration does not load; mend it first (`pipelex-like validate` tells more)")
    deck = bound.deck
    backend = _backend(deck, backend_name)
    model_id = _model_id(reference, backend)
    handle = handle or model_id.rpartition("/")[2]
    for spec in deck.specs[backend.name].values():
        if spec.listed and (spec.handle == handle or str(spec.model_id) == model_id):
            raise RefusedEditError(_standing(desk, spec))
    offer = offer_for(data, backend, model_id)
    if offer is None:
        raise RefusedEditError(_unknown(backend, model_id, data))
    twin = _twin(deck, handle, model_id)
    path = desk.place.directory / "backends" / f"{backend.name}.toml"
    said = f'added "{handle}": {told_prices(offer.prices[0]) or "price unknown"} ({offer.provider} {offer.id})'
    for key, value in _table(offer, model_id, handle, twin, today).items():
        desk.put(path, (handle, key), value, said)
    source = f"; {offer.source}" if offer.source else ""
    comment = f'# From {data.title}: "{offer.id}" at {offer.provider}{source}'
    desk.drafts[path] = rewritten(path, lambda text: _commented(text, handle, comment), drafted=desk.drafts[path])
    desk.done_as(said, path, (handle,))
    _tell(desk, offer, twin)
    return handle


def _backend(deck: BoundDeck, name: str) -> Backend:
    found = next((held for held in deck.backends.values() if name in (held.name, *held.spec.other_names)), None)
    if found is None:
        raise RefusedEditError(f'no backend is named "{name}". {did_you_mean(name, deck.backends)}'.rstrip())
    return found


def _model_id(reference: str, backend: Backend) -> str:
    first, slash, rest = reference.removeprefix("handle:").partition("/")
    named = slash and first in (backend.name, *backend.spec.other_names)
    return rest if named else reference.removeprefix("handle:")


def _standing(desk: Desk, spec: ModelSpec) -> str:
    line = desk.before.loaded.documents.line(spec.origin.file, spec.origin.path)
    prices = ", ".join(f"{kind} {price}" for kind, price in spec.costs.tokens.items()) or "no price"
    return (
        f'{spec.origin.file}:{line}: "{spec.backend}" has this model already: handle "{spec.handle}", '
        f'model_id "{spec.model_id}", {prices}. Edit it there, or give another model another --handle.'
    )


def _unknown(backend: Backend, model_id: str, data: PriceData) -> str:
    provider = provider_of(backend, data)
    if provider is None:
        return f'{data.title} has no prices of "{backend.name}"; write the spec of "{model_id}" by hand'
    near = data.nearest(provider, model_id)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f'{data.title} knows no "{model_id}" at {provider}.{hint}'


def _twin(deck: BoundDeck, handle: str, model_id: str) -> ModelSpec | None:
    """The same model at another backend: what it takes and gives does not depend on who serves it."""
    specs = [spec for held in deck.specs.values() for spec in held.values() if spec.listed]
    named = (spec for spec in specs if spec.handle == handle)
    same = (spec for spec in specs if _bare(str(spec.model_id)) == _bare(model_id))
    return next(named, None) or next(same, None)


def _bare(model_id: str) -> str:
    """The id without the region that Bedrock has in front of it."""
    return _REGION.sub("", model_id)


def _table(offer: Offer, model_id: str, handle: str, twin: ModelSpec | None, today: date) -> dict[str, object]:
    prices = offer.prices[0]
    table: dict[str, object] = {"model_id": model_id} if model_id != handle else {}
    if twin is not None:
        table |= {"inputs": [str(word) for word in twin.inputs], "outputs": list(twin.outputs)}
    elif prices.per_page is not None:
        table |= {"inputs": ["pdf", "images"], "outputs": ["pages"]}
    elif "output" in prices.tokens:
        table |= {"inputs": ["text"], "outputs": ["text"]}
    else:
        raise RefusedEditError(f'"{model_id}" answers nothing that has a price ({offer.provider} {offer.id})')
    if offer.context_window:
        table["context_window"] = offer.context_window
    return table | {"costs": _costs(prices), "price_checked": today.isoformat()}


def _costs(prices: Prices) -> dict[str, object]:
    costs: dict[str, object] = _numbers(prices.tokens)
    if prices.per_page is not None:
        costs["per_page"] = _number(prices.per_page)
    if prices.above:
        costs["above"] = [{"input_tokens": start, **_numbers(tier)} for start, tier in prices.above.items()]
    return costs


def _numbers(prices: Mapping[str, Decimal]) -> dict[str, object]:
    return {kind: _number(price) for kind, price in prices.items()}


def _number(price: Decimal) -> int | float:
    return int(price) if price == price.to_integral_value() else float(price)


def _commented(text: str, handle: str, comment: str) -> str:
    """Write the comment above the table's header."""
    line = line_of(text, (handle,)) or 1
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: line - 1], f"{comment}\n", *lines[line - 1 :]])


def _tell(desk: Desk, offer: Offer, twin: ModelSpec | None) -> None:
    if twin is None:
        desk.notes.append(
            "the data does not tell what the model takes and gives: add what it can to inputs and outputs "
            '("images", "pdf", "structured"), and constraints'
        )
    else:
        like = f"{twin.backend}/{twin.handle}"
        desk.notes.append(f"inputs and outputs are those of {like}; look there for max_tokens and constraints, too")
    if len(offer.prices) > 1:
        desk.notes.append("the price depends on the hour of the day (UTC); the one of noon was written")
    if offer.deprecated:
        desk.notes.append("the data calls this model deprecated: it is on its way out")
