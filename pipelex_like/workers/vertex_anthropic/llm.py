"""Claude on Vertex AI, through the anthropic SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.anthropic.response import read_reply
from pipelex_like.workers.anthropic.stream import Collector
from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.gcp import Tokens
from pipelex_like.workers.vertex import authorized, called_of
from pipelex_like.workers.vertex_anthropic.client import open_client, path_of, post
from pipelex_like.workers.vertex_anthropic.request import vertex_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits


class VertexAnthropicLlm:
    """Answers through Anthropic's models in a project of Google Cloud."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access)
        self._client = open_client(access)

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

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, *, stream: bool = False) -> Exchange:
        called = called_of(self._access, candidate)
        asked = vertex_body(job, candidate, stream=stream)
        content = written(asked.body, called)
        tool, path = asked.object_tool, path_of(self._client, candidate.model_id, stream=stream)
        headers = candidate.spec.headers
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: authorized(
                self._tokens,
                limits,
                called,
                lambda token: post(self._client, path, content, token=token, headers=headers, connect=limits.connect),
            ),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=asked.adapted,
        )
