"""Chat completions through the openai SDK."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2

from pipelex_like.types import EndPiece, ReasoningPiece, TextPiece, ToolCallPiece
from pipelex_like.workers.openai.client import open_client, post, request_id, whole
from pipelex_like.workers.openai.endpoint import is_official
from pipelex_like.workers.openai.request import chat_body, object_tool, written
from pipelex_like.workers.openai.response import parsed, read_reply
from pipelex_like.workers.openai.stream import Collector
from pipelex_like.workers.translate import Called, translating, unreadable
from pipelex_like.workers.transport import EventReader, moment, read_start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Access, Limits

PATH = "/chat/completions"

# The end of the answer and the end of the body mostly share a packet; waiting longer would cost more than a
# connection saves.
_DRAIN_SECONDS = 0.1


class OpenAiLlm:
    """Answers through any service that speaks OpenAI's chat completions."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = open_client(access)
        self._official = is_official(str(self._client.base_url))

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer. Raises CallError subclasses only."""
        called = Called.of(self._access, candidate)
        body, adapted = chat_body(job, candidate, official=self._official)
        content = written(body, called)
        with translating(called):
            async with asyncio.timeout(limits.timeout):
                response = await self._send(content, candidate, limits)
                raw = await whole(response, limits.max_response_bytes)
            return read_reply(
                parsed(raw, called),
                called,
                object_tool=object_tool(job, candidate),
                request_id=request_id(response),
                adapted=adapted,
            )

    async def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last. Raises CallError subclasses only.

        Closing the generator closes the connection.
        """
        called = Called.of(self._access, candidate)
        body, adapted = chat_body(job, candidate, stream=True, official=self._official)
        content = written(body, called)
        now = asyncio.get_running_loop().time()
        last = moment(now, limits.max_stream_seconds, None)
        first_by = moment(now, limits.first_event, last)
        with translating(called):
            async with asyncio.timeout_at(first_by):
                response = await self._send(content, candidate, limits)
            try:
                if not _is_stream(response):
                    async with asyncio.timeout_at(first_by):
                        reply = await self._unstreamed(response, job, candidate, limits)
                    for piece in _pieces(replace(reply, adapted=adapted)):
                        yield piece
                    return
                collector = Collector(called, object_tool=object_tool(job, candidate))
                reader = EventReader(response.aiter_bytes(), limits, first_by=first_by, last=last)
                while (batch := await _next(reader, collector)) is not None:
                    for piece in batch:
                        yield piece
                for piece in collector.close():
                    yield piece
                yield EndPiece(collector.reply(request_id=request_id(response), adapted=adapted))
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _send(self, content: bytes, candidate: Candidate, limits: Limits) -> httpx2.Response:
        return await post(self._client, PATH, content, headers=candidate.spec.headers, connect=limits.connect)

    async def _unstreamed(
        self, response: httpx2.Response, job: LlmJob, candidate: Candidate, limits: Limits
    ) -> LlmReply:
        called = Called.of(self._access, candidate)
        if "json" not in response.headers.get("content-type", ""):
            raise unreadable(called, await read_start(response.aiter_bytes(), 512))
        answer = parsed(await whole(response, limits.max_response_bytes), called)
        return read_reply(answer, called, object_tool=object_tool(job, candidate), request_id=request_id(response))


def _is_stream(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return "json" not in kind and "html" not in kind


async def _next(reader: EventReader, collector: Collector) -> list[Piece] | None:
    if collector.done:
        await reader.drain(_DRAIN_SECONDS)
        return None
    try:
        batch = await reader.batch()
    except (TimeoutError, httpx2.TransportError):
        # Whoever said why it stopped has said everything; what is missing is politeness, at most the usage.
        if collector.finished:
            return None
        raise
    if batch is None:
        return None
    return [piece for event in batch if not collector.done for piece in collector.feed(event.data)]


def _pieces(reply: LlmReply) -> list[Piece]:
    pieces: list[Piece] = []
    if reply.reasoning:
        pieces.append(ReasoningPiece(reply.reasoning))
    if reply.text:
        pieces.append(TextPiece(reply.text))
    return [*pieces, *(ToolCallPiece(call) for call in reply.tool_calls), EndPiece(reply)]
