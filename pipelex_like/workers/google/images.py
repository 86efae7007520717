"""Pictures that Gemini draws, through the google-genai SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import request_id, whole
from pipelex_like.workers.google.image_request import drawing_body
from pipelex_like.workers.google.image_response import read_drawing
from pipelex_like.workers.google.service import GeminiApi
from pipelex_like.workers.translate import translating

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob, ImageReply
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.google.service import Service


class GoogleImages:
    """Draws through the Gemini API, or another service that serves Gemini: one picture a request."""

    def __init__(self, access: Access, service: Service | None = None) -> None:
        self._service: Service = service or GeminiApi(access)

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the picture. Raises CallError subclasses only."""
        called = self._service.called(candidate)
        drawing = drawing_body(job, candidate, formats=self._service.on_vertex)
        content = written(drawing.body, called)
        with translating(called):
            async with asyncio.timeout(limits.timeout):
                response = await self._service.send(candidate, "generateContent", content, limits)
                raw = await whole(response, limits.max_response_bytes)
            return read_drawing(parsed(raw, called), called, drawing, request_id=request_id(response))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._service.aclose()
