"""Where Gemini on Vertex AI is reached.

Places: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError
from pipelex_like.workers.google.endpoint import bare, with_method

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access
    from pipelex_like.workers.google.endpoint import Method

API_VERSION = "v1beta1"
"""The version that the SDK itself goes to on Vertex AI."""

_WHOLE_NAMES = ("projects/", "publishers/", "endpoints/", "models/")
_CONTINENTS = ("us", "eu")


def base_url(access: Access) -> str:
    """Give the base URL without trailing slash or version: the backend's own, else that of its location.

    Raises CapabilityError for the address where Google speaks OpenAI's protocol.
    """
    location = access.text("gcp_location")
    url = bare(access.text("endpoint"))
    if url.endswith("/openapi"):
        raise CapabilityError(
            f"{access.backend}: at {url} Google speaks OpenAI's protocol. "
            f'Write `sdk = "openai"` for its models, or leave `endpoint` out.'
        )
    if url:
        return url
    if location in (None, "global"):
        return "https://aiplatform.googleapis.com"
    if location in _CONTINENTS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def model_path(model_id: str, method: Method) -> str:
    """Give the path of a method of a model, without version; the SDK writes project and location before it."""
    name = model_id if model_id.startswith(_WHOLE_NAMES) else f"publishers/google/models/{model_id}"
    return with_method(name, method)
