"""Pictures of Azure's deployments through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.azure_openai.client import open_client
from pipelex_like.workers.azure_openai.endpoint import read_endpoint
from pipelex_like.workers.azure_openai.hints import called_at
from pipelex_like.workers.openai.images import draw_with

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob, ImageReply
    from pipelex_like.workers.base import Access, Limits


class AzureImages:
    """Draws through a deployment of Azure OpenAI."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._endpoint = read_endpoint(access.text("endpoint"), access.text("api_version"))
        self._client = open_client(access, self._endpoint)

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the pictures. Raises CallError subclasses only."""
        place = self._endpoint.deployment("", candidate.model_id)
        called = called_at(self._access, candidate, self._endpoint, place, catalogue=False)
        return await draw_with(self._client, called, job, candidate, limits, prefix=place.path, query=place.query)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()
