"""What stands in the places of the SDK's own parts that would look around or talk too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

_ASYNC_ONLY = "this client only calls asynchronously"


@dataclass(slots=True, kw_only=True)
class Context:
    """What the SDK's hooks read of a call, by their names for it."""

    config: object
    base_url: str
    operation_id: str
    oauth2_scopes: None = None
    security_source: object = None
    tags: None = None
    extensions: None = None


class NeverBlocking:
    """Stands in the place of a blocking HTTP client: the SDK would make one, out of what the environment says."""

    def build_request(self, *_: Any, **__: Any) -> httpx2.Request:
        """Refuse."""
        raise RuntimeError(_ASYNC_ONLY)

    def send(self, *_: Any, **__: Any) -> httpx2.Response:
        """Refuse."""
        raise RuntimeError(_ASYNC_ONLY)

    def close(self) -> None:
        """Nothing is open."""


class Silent:
    """Stands in the place of the logger that MISTRAL_DEBUG turns on: it prints keys and prompts."""

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Print nothing."""
