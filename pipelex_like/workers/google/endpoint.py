"""Where the Gemini API is reached, and how a model and a method become a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from pipelex_like.errors import CapabilityError

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

OFFICIAL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1beta"
"""The SDK goes to v1 by itself, which knows neither files by URL nor the `-latest` models:
https://github.com/googleapis/js-genai/issues/1746"""

Method = Literal["generateContent", "streamGenerateContent"]

_VERSION = re.compile(r"/v\d+(?:beta\d*)?\Z")
_KINDS_OF_MODELS = ("models/", "tunedModels/")


def base_url(access: Access) -> str:
    """Give the base URL without trailing slash or version; Google's own if none is given.

    Raises CapabilityError for the address where Google speaks OpenAI's protocol.
    """
    url = bare(access.text("endpoint")) or OFFICIAL
    if url.endswith("/openai"):
        raise CapabilityError(
            f"{access.backend}: at {url} Google speaks OpenAI's protocol. "
            f'Write `sdk = "openai"` for its models, or leave "/openai" out of `endpoint`.'
        )
    return url


def bare(endpoint: str | None) -> str:
    """Give an address without blanks, trailing slash and version; an empty text where there is none."""
    return _VERSION.sub("", (endpoint or "").strip().rstrip("/")).rstrip("/")


def model_path(model_id: str, method: Method) -> str:
    """Give the path of a method of a model, without version."""
    name = model_id if model_id.startswith(_KINDS_OF_MODELS) else f"models/{model_id}"
    return with_method(name, method)


def with_method(name: str, method: Method) -> str:
    """Write a method behind a model's whole name."""
    query = "?alt=sse" if method == "streamGenerateContent" else ""
    return f"{quote(name, safe='/@-._~')}:{method}{query}"
