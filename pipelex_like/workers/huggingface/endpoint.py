"""Where Hugging Face is reached: its router for text and pictures, its hub for who serves a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.types import FrozenDict
from pipelex_like.workers.openai.endpoint import base_url

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

ROUTER = "https://router.huggingface.co/v1"
_ROUTER_HOST = "router.huggingface.co"
_HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`text` is the base of chat completions, `router` that of the providers, `hub` that of the models' cards."""

    text: str
    router: str
    hub: str


def addresses_of(endpoint: str | None) -> Addresses:
    """Read the backend's endpoint, as printed for text (`.../v1`) or without its path.

    The hub of Hugging Face's own router is huggingface.co; at any other address everything is under one roof.
    """
    text = base_url(endpoint) if endpoint and endpoint.strip() else ROUTER
    router = text.removesuffix("/v1")
    hub = _HUB if urlsplit(text).hostname == _ROUTER_HOST else router
    return Addresses(text=text, router=router, hub=hub)


def at_router(access: Access) -> Access:
    """Give the access with the router as its endpoint where it names none."""
    if access.text("endpoint"):
        return access
    return replace(access, keys=FrozenDict({**access.keys, "endpoint": ROUTER}))
