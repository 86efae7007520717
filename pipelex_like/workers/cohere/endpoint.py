"""Where Cohere's OpenAI-compatible endpoint is reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

OFFICIAL = "https://api.cohere.ai/compatibility/v1"
_PATH = "/compatibility/v1"


def base_url(endpoint: str | None) -> str:
    """Give the base URL; Cohere's own if none is given.

    A bare host, a version of Cohere's own protocol (`/v1`, `/v2`) or a part of the path is completed; another path
    stays as written.
    """
    url = (endpoint or "").strip().rstrip("/").removesuffix("/chat/completions")
    if not url:
        return OFFICIAL
    path = urlsplit(url).path
    return url.removesuffix(path) + _PATH if path in ("", "/v1", "/v2", "/compatibility") else url


def compatible(access: Access) -> Access:
    """Give the access with that address as its endpoint."""
    return replace(access, keys=FrozenDict({**access.keys, "endpoint": base_url(access.text("endpoint"))}))
