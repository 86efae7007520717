"""Image generations through the openai SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import request_id, whole
from pipelex_like.workers.openai.client import open_client, post
from pipelex_like.workers.openai.image_request import image_body
from pipelex_like.workers.openai.image_response import read_pictures
from pipelex_like.workers.translate import Called, translating

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob, ImageReply
    from pipelex_like.workers.base import Access, Limits

PATH = "/images/generations"


class OpenAiImages:
    """Draws through any service that speaks OpenAI's image generations."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = open_client(access)

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the pictures. Raises CallError subclasses only."""
        called = Called.of(self._access, candidate)
        body, adapted = image_body(job, candidate)
        content = written(body, called)
        with translating(called):
            async with asyncio.timeout(limits.timeout):
                response = await post(
                    self._client, PATH, content, headers=candidate.spec.headers, connect=limits.connect
                )
                raw = await whole(response, limits.max_response_bytes)
            return read_pictures(
                parsed(raw, called),
                called,
                size=body.get("size"),
                request_id=request_id(response),
                adapted=adapted,
            )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()
