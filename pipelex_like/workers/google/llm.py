"""Gemini's language models through the google-genai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.google.request import content_body
from pipelex_like.workers.google.response import Collector
from pipelex_like.workers.google.service import GeminiApi

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.google.endpoint import Method
    from pipelex_like.workers.google.service import Service


class GoogleLlm:
    """Answers through the Gemini API, or another service that serves Gemini."""

    def __init__(self, access: Access, service: Service | None = None) -> None:
        self._service: Service = service or GeminiApi(access)

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer. Raises CallError subclasses only."""
        return await answered(self._exchange(job, candidate, limits, "generateContent"))

    def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

        Closing the generator closes the connection.
        """
        return streamed(lambda: self._exchange(job, candidate, limits, "streamGenerateContent"))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._service.aclose()

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, method: Method) -> Exchange:
        called = self._service.called(candidate)
        asked = content_body(job, candidate, labels=self._service.on_vertex)
        content = written(asked.body, called)
        tool = asked.object_tool
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: self._service.send(candidate, method, content, limits),
            read=lambda raw, request_id: Collector(called, object_tool=tool).whole(parsed(raw, called), request_id),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=asked.adapted,
        )
