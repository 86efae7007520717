"""What a provider behind the router answers: a picture's bytes, or where it is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, NotFoundError
from pipelex_like.types import is_list, is_table
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.workers.translate import Called

_PENDING = ("starting", "processing")


def address_in(answer: Mapping[str, object], called: Called) -> str:
    """Find the picture, as an address or a data URI; the first, should there be several.

    Raises CallTimeoutError for one that was not ready in time, InvalidResponseError if there is none.
    """
    if answer.get("status") in _PENDING and not answer.get("output"):
        text = "the provider began to draw, but was not done within the minute that the router waits"
        raise CallTimeoutError(
            called.says(text, "It may be charged all the same. A model that was called lately is faster.")
        )
    found = next((address for address in _addresses(answer) if address), None)
    if found is None:
        raise unfit(called, "the answer has no picture")
    return found


def _addresses(answer: Mapping[str, object]) -> Iterator[str | None]:
    for key in ("output", "images", "data", "image"):
        held = answer.get(key)
        for item in held if is_list(held) else [held]:
            yield _address(item)


def _address(item: object) -> str | None:
    if is_table(item):
        encoded, url = item.get("b64_json"), item.get("url")
        if isinstance(encoded, str):
            return encoded if encoded.startswith("data:") else f"data:;base64,{encoded}"
        return url if isinstance(url, str) else None
    return item if isinstance(item, str) else None


def name_there(card: Mapping[str, object], model: str, provider: str, called: Called) -> str:
    """Read off a model's card what the provider calls it. Raises NotFoundError if that provider does not serve it."""
    mapping = card.get("inferenceProviderMapping")
    if is_table(mapping):
        served = {name: entry for name, entry in mapping.items() if is_table(entry)}
    else:
        entries = [entry for entry in mapping if is_table(entry)] if is_list(mapping) else []
        served = {str(entry.get("provider")): entry for entry in entries}
    entry = served.get(provider, {})
    name = entry.get("providerId")
    if not isinstance(name, str) or entry.get("task", "text-to-image") != "text-to-image":
        drawing = [name for name, entry in served.items() if entry.get("task") == "text-to-image"]
        others = f"It is drawn by {', '.join(sorted(drawing))}." if drawing else "No provider draws with it."
        raise NotFoundError(called.says(f'the provider "{provider}" does not draw with {model}', others))
    return name
