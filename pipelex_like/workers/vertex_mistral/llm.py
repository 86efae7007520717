"""Mistral's models on Vertex AI, through the mistralai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.gcp import Tokens
from pipelex_like.workers.mistral.request import chat_body
from pipelex_like.workers.openai.request import object_tool
from pipelex_like.workers.openai.response import read_reply
from pipelex_like.workers.openai.stream import Collector
from pipelex_like.workers.vertex import authorized, called_of
from pipelex_like.workers.vertex_mistral.client import Client, Method

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits


class VertexMistralLlm:
    """Answers through Mistral's models in a project of Google Cloud."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access)
        self._client = Client(access)

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer. Raises CallError subclasses only."""
        return await answered(self._exchange(job, candidate, limits, "chat_completion"))

    def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

        Closing the generator closes the connection.
        """
        return streamed(lambda: self._exchange(job, candidate, limits, "stream_chat"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, method: Method) -> Exchange:
        called = called_of(self._access, candidate)
        body, adapted = chat_body(job, candidate, stream=method == "stream_chat")
        content = written(body, called)
        tool, headers = object_tool(job, candidate), candidate.spec.headers
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: authorized(
                self._tokens,
                limits,
                called,
                lambda token: self._client.post(method, content, token=token, headers=headers, connect=limits.connect),
            ),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=adapted,
        )
