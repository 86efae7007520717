"""Responses through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.openai.client import open_client, post
from pipelex_like.workers.openai.request import object_tool
from pipelex_like.workers.openai_responses.request import response_body
from pipelex_like.workers.openai_responses.response import read_reply
from pipelex_like.workers.openai_responses.stream import Collector
from pipelex_like.workers.translate import Called

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from openai import AsyncOpenAI

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits

PATH = "/responses"


class ResponsesLlm:
    """Answers through any service that speaks OpenAI's responses."""

    def __init__(self, access: Access, client: AsyncOpenAI | None = None) -> None:
        self._access = access
        self._client = client or open_client(access)

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

    def _called(self, candidate: Candidate) -> Called:
        return Called.of(self._access, candidate)

    def _place(self) -> tuple[str, Mapping[str, str]]:
        """Say where responses are reached: the path behind the client's address, and the query."""
        return PATH, {}

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, *, stream: bool = False) -> Exchange:
        called = self._called(candidate)
        body, adapted = response_body(job, candidate, stream=stream)
        content = written(body, called)
        tool = object_tool(job, candidate)
        path, query = self._place()
        headers = candidate.spec.headers
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: post(self._client, path, content, headers=headers, connect=limits.connect, query=query),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=adapted,
        )
