"""Converse and ConverseStream, signed by the AWS SDK."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.workers.bedrock.client import Client
from pipelex_like.workers.bedrock.failures import refused, ways_out
from pipelex_like.workers.bedrock.frames import FrameSplitter
from pipelex_like.workers.bedrock.request import converse_body
from pipelex_like.workers.bedrock.response import read_reply
from pipelex_like.workers.bedrock.stream import Collector
from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.translate import Called, HttpRefusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.bedrock.client import Method


class BedrockLlm:
    """Answers through Amazon Bedrock, whoever made the model."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(access)
        self._ways_out = ways_out(access)

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer. Raises CallError subclasses only."""
        return await answered(self._exchange(job, candidate, limits, "converse"))

    def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

        Closing the generator closes the connection.
        """
        return streamed(lambda: self._exchange(job, candidate, limits, "converse-stream"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, method: Method) -> Exchange:
        called = replace(Called.of(self._access, candidate), ways_out=self._ways_out)
        asked = converse_body(job, candidate)
        content = written(asked.body, called)
        tool = asked.object_tool

        async def send() -> httpx2.Response:
            headers, connect = candidate.spec.headers, limits.connect
            try:
                return await self._client.post(method, candidate.model_id, content, headers=headers, connect=connect)
            except HttpRefusal as error:
                raise refused(called, error) from error

        return Exchange(
            called=called,
            limits=limits,
            send=send,
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            split=lambda: FrameSplitter(called, limits.max_event_bytes),
            adapted=asked.adapted,
        )
