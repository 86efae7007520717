"""Chat completions through the openai SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.capability import OLLAMA
from pipelex_like.workers.exchange import Exchange, answered, streamed
from pipelex_like.workers.openai.client import open_client, post
from pipelex_like.workers.openai.endpoint import is_official
from pipelex_like.workers.openai.ollama import LineCollector, at_ollama, native_address, read_whole, watched
from pipelex_like.workers.openai.ollama_request import chat_asked, native_options
from pipelex_like.workers.openai.request import chat_body, object_tool
from pipelex_like.workers.openai.response import read_reply
from pipelex_like.workers.openai.stream import Collector
from pipelex_like.workers.translate import Called
from pipelex_like.workers.transport import LineSplitter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.openai.messages import Body
    from pipelex_like.workers.openai.ollama_request import Asked

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

    def called(self, candidate: Candidate) -> Called:
        """Name the candidate for messages."""
        return Called.of(self._access, candidate)

    def body(self, job: LlmJob, candidate: Candidate, *, stream: bool) -> tuple[Body, tuple[str, ...]]:
        """Give the body, and a line for each thing that was changed or left out on the way."""
        return chat_body(job, candidate, stream=stream, official=self._official)

    def _exchange(self, job: LlmJob, candidate: Candidate, limits: Limits, *, stream: bool = False) -> Exchange:
        called, ollama = self.called(candidate), candidate.spec.variant == OLLAMA
        if ollama:
            called = at_ollama(called)
            options = native_options(job, candidate, self._access)
            if options is not None:
                return self._native(chat_asked(job, candidate, options, stream=stream), called, candidate, limits)
        body, adapted = self.body(job, candidate, stream=stream)
        content = written(body, called)
        tool = object_tool(job, candidate)
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: self._send(PATH, content, candidate, limits),
            read=lambda raw, request_id: read_reply(
                parsed(raw, called), called, object_tool=tool, request_id=request_id
            ),
            collect=lambda: Collector(called, object_tool=tool),
            check=(lambda reply: watched(reply, job, None)) if ollama else None,
            adapted=adapted,
        )

    def _native(self, asked: Asked, called: Called, candidate: Candidate, limits: Limits) -> Exchange:
        """Ask Ollama's own API, the only one that takes a context size."""
        content, path = written(asked.body, called), native_address(str(self._client.base_url))
        return Exchange(
            called=called,
            limits=limits,
            send=lambda: self._send(path, content, candidate, limits),
            read=lambda raw, request_id: read_whole(raw, called, request_id),
            collect=lambda: LineCollector(called),
            split=lambda: LineSplitter(limits.max_event_bytes),
            check=lambda reply: watched(reply, asked.job, asked.size),
            adapted=asked.adapted,
        )

    async def _send(self, path: str, content: bytes, candidate: Candidate, limits: Limits) -> httpx2.Response:
        return await post(self._client, path, content, headers=candidate.spec.headers, connect=limits.connect)
