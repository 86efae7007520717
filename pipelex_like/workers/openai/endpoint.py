"""Where an OpenAI-compatible service is reached."""

from __future__ import annotations

from urllib.parse import urlsplit

OFFICIAL = "https://api.openai.com/v1"
_OFFICIAL_HOST = "api.openai.com"


def base_url(endpoint: str | None) -> str:
    """Give the base URL without a trailing slash; OpenAI's own if none is given.

    A bare host gets `/v1`, where such services live; a path of one's own (`/openai/v1beta`) stays as written. The
    path of a method at the end, as people copy it from a page, is taken off.
    """
    if not endpoint or not endpoint.strip():
        return OFFICIAL
    url = endpoint.strip().rstrip("/")
    for method in ("/chat/completions", "/responses", "/images/generations", "/images/edits", "/completions"):
        url = url.removesuffix(method)
    return f"{url}/v1" if urlsplit(url).path == "" else url


def is_official(url: str) -> bool:
    """Whether it is OpenAI itself, where newer names of the protocol are known to work."""
    host = urlsplit(url).hostname or ""
    return host == _OFFICIAL_HOST or host.endswith(".api.openai.com")
