"""Image generations and edits through the openai SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import request_id, whole
from pipelex_like.workers.openai.client import open_client, post, post_form
from pipelex_like.workers.openai.image_request import drawing_of
from pipelex_like.workers.openai.image_response import read_pictures
from pipelex_like.workers.translate import Called, translating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import AsyncOpenAI

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob, ImageReply
    from pipelex_like.workers.base import Access, Limits


class OpenAiImages:
    """Draws through any service that speaks OpenAI's image generations."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = open_client(access)

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the pictures. Raises CallError subclasses only."""
        return await draw_with(self._client, Called.of(self._access, candidate), job, candidate, limits)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()


async def draw_with(
    client: AsyncOpenAI,
    called: Called,
    job: ImageJob,
    candidate: Candidate,
    limits: Limits,
    *,
    prefix: str = "",
    query: Mapping[str, object] | None = None,
) -> ImageReply:
    """Draw through any client of the SDK; `prefix` stands before the path (`/deployments/NAME`), `query` behind it.

    Raises CallError subclasses only.
    """
    drawing = drawing_of(job, candidate)
    path, headers, connect = f"{prefix}{drawing.path}", candidate.spec.headers, limits.connect
    content = b"" if drawing.files else written(drawing.body, called)
    with translating(called):
        async with asyncio.timeout(limits.timeout):
            if drawing.files:
                response = await post_form(
                    client, path, drawing.body, files=drawing.files, headers=headers, connect=connect, query=query
                )
            else:
                response = await post(client, path, content, headers=headers, connect=connect, query=query)
            raw = await whole(response, limits.max_response_bytes)
        return read_pictures(
            parsed(raw, called),
            called,
            asked=drawing.asked,
            request_id=request_id(response),
            adapted=drawing.adapted,
        )
