"""Reading documents through the mistralai SDK: https://docs.mistral.ai/api/endpoint/ocr"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import request_id, whole
from pipelex_like.workers.mistral.client import Client
from pipelex_like.workers.mistral.ocr_request import ocr_body
from pipelex_like.workers.mistral.ocr_response import read_pages
from pipelex_like.workers.translate import Called, translating

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, ExtractReply
    from pipelex_like.workers.base import Access, Limits


class MistralOcr:
    """Reads PDFs, pictures and office files as Markdown, with the pictures in them if they are asked for."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(access)

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages. Raises CallError subclasses only."""
        called = Called.of(self._access, candidate)
        body, adapted = ocr_body(job, candidate)
        content = written(body, called)
        with translating(called):
            async with asyncio.timeout(limits.timeout):
                response = await self._client.post(
                    "ocr", content, headers=candidate.spec.headers, connect=limits.connect
                )
                raw = await whole(response, limits.max_response_bytes)
            return read_pages(parsed(raw, called), called, job, request_id=request_id(response), adapted=adapted)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
