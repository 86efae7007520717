"""Where Anthropic's messages are reached."""

from __future__ import annotations

OFFICIAL = "https://api.anthropic.com"


def base_url(endpoint: str | None) -> str:
    """Give the base URL without trailing slash, version or the path of a method; Anthropic's own if none is given."""
    if not endpoint or not endpoint.strip():
        return OFFICIAL
    url = endpoint.strip().rstrip("/")
    return url.removesuffix("/messages").removesuffix("/v1").rstrip("/")
