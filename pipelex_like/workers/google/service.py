"""The Gemini API as a service: which client, address and words its workers use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pipelex_like.workers.google.client import Client
from pipelex_like.workers.google.endpoint import API_VERSION, base_url, model_path
from pipelex_like.workers.google.errors import WAYS_OUT, refused
from pipelex_like.workers.translate import Called, HttpRefusal

if TYPE_CHECKING:
    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.google.endpoint import Method


class Service(Protocol):
    """Where models of Google are called. `on_vertex`: it keeps labels, and takes a wish for the format of pictures."""

    @property
    def on_vertex(self) -> bool:
        """Whether it is Vertex AI."""
        ...

    def called(self, candidate: Candidate) -> Called:
        """Name the candidate, for messages."""
        ...

    async def send(self, candidate: Candidate, method: Method, content: bytes, limits: Limits) -> httpx2.Response:
        """Send a body and give the reply unread. Raises the CallError that a refusal means."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class GeminiApi:
    """https://ai.google.dev, reached with a key."""

    on_vertex = False

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(access, url=base_url(access), version=API_VERSION)

    def called(self, candidate: Candidate) -> Called:
        """Name the candidate, for messages."""
        return replace(Called.of(self._access, candidate), ways_out=WAYS_OUT)

    async def send(self, candidate: Candidate, method: Method, content: bytes, limits: Limits) -> httpx2.Response:
        """Send a body and give the reply unread. Raises the CallError that a refusal means."""
        path = model_path(candidate.model_id, method)
        try:
            return await self._client.post(path, content, headers=candidate.spec.headers, connect=limits.connect)
        except HttpRefusal as error:
            raise refused(self.called(candidate), error) from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
