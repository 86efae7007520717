"""Chat completions of Azure's deployments and model catalogue through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.azure_openai.client import open_client
from pipelex_like.workers.azure_openai.endpoint import read_endpoint
from pipelex_like.workers.azure_openai.hints import called_at
from pipelex_like.workers.azure_openai.request import azure_body, is_catalogue, suited
from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.openai.client import post
from pipelex_like.workers.openai.request import object_tool
from pipelex_like.workers.openai.response import read_reply
from pipelex_like.workers.openai.stream import Collector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits

METHOD = "/chat/completions"


class AzureLlm:
    """Answers through a deployment of Azure OpenAI, or a model of Azure's catalogue."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._endpoint = read_endpoint(access.text("endpoint"), access.text("api_version"))
        self._client = open_client(access, self._endpoint)

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer. Raises CallError subclasses only."""
        return await answered(self._exchange(job, candidate, limits))

    def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

        Closing the generator closes the connection.
        """
        return streamed(lambda: self._exchange(job, candidate, limits, stream=True))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _headers(self, candidate: Candidate, *, catalogue: bool) -> dict[str, object]:
        if not catalogue or self._endpoint.v1:
            return {**candidate.spec.headers}
        # The catalogue refuses what its own API does not know, even where the model does.
        headers: dict[str, object] = {"extra-parameters": "pass-through"}
        if self._endpoint.kind == "catalogue" and self._client.api_key:
            # Hosts that serve one model of the catalogue each want the key so.
            headers["Authorization"] = f"Bearer {self._client.api_key}"
        return {**headers, **candidate.spec.headers}

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, *, stream: bool = False) -> Exchange:
        catalogue = is_catalogue(candidate)
        endpoint = self._endpoint
        place = endpoint.catalogue(METHOD) if catalogue else endpoint.deployment(METHOD, candidate.model_id)
        called = called_at(self._access, candidate, endpoint, place, catalogue=catalogue)
        chosen = suited(candidate, place)
        body, adapted = azure_body(job, chosen, place, stream=stream)
        content = written(body, called)
        headers = self._headers(candidate, catalogue=catalogue)
        tool = object_tool(job, chosen)
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: post(
                self._client, place.path, content, headers=headers, connect=limits.connect, query=place.query
            ),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=adapted,
        )
