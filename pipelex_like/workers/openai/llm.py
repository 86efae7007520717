"""Chat completions through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.openai.client import open_client, post
from pipelex_like.workers.openai.endpoint import is_official
from pipelex_like.workers.openai.request import chat_body, object_tool
from pipelex_like.workers.openai.response import read_reply
from pipelex_like.workers.openai.stream import Collector
from pipelex_like.workers.translate import Called

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits

PATH = "/chat/completions"


class OpenAiLlm:
    """Answers through any service that speaks OpenAI's chat completions."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = open_client(access)
        self._official = is_official(str(self._client.base_url))

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
        called = Called.of(self._access, candidate)
        body, adapted = chat_body(job, candidate, stream=stream, official=self._official)
        content = written(body, called)
        tool = object_tool(job, candidate)
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: post(self._client, PATH, content, headers=candidate.spec.headers, connect=limits.connect),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            adapted=adapted,
        )
