"""Where Mistral's API is reached."""

from __future__ import annotations

OFFICIAL = "https://api.mistral.ai"


def server_url(endpoint: str | None) -> str:
    """Give the address without `/v1`, which the SDK adds; Mistral's own if none is given.

    The path of a method at the end, as people copy it from a page, is taken off.
    """
    if not endpoint or not endpoint.strip():
        return OFFICIAL
    url = endpoint.strip().rstrip("/")
    for method in ("/chat/completions", "/ocr", "/v1"):
        url = url.removesuffix(method)
    return url.rstrip("/")
