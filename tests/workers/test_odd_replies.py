"""Odd, and legal: streams and answers of the SDKs that have a protocol of their own. (OpenAI's: openai/.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from workers.given import LIMITS, access, candidate, job
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.types import EndPiece, LlmReply, TextPiece, ToolCallPiece
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from pipelex_like.types import FinishReason, Piece
    from pipelex_like.workers.base import LlmWorker

Table = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Odd:
    """What came, and what it is: the text, the arguments of each call, and why it ended."""

    sdk: str
    case: str
    sent: list[Table]
    text: str = ""
    calls: tuple[str, ...] = ()
    reason: FinishReason = "stop"

    def __str__(self) -> str:
        return f"{self.sdk}-{self.case}"


def begun(**more: object) -> Table:
    usage = {"input_tokens": 3, "output_tokens": 1}
    return {"type": "message_start", "message": {"id": "m", "content": [], "usage": usage, **more}}


def block(index: int, **content: object) -> Table:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **more: object) -> Table:
    return {"type": "content_block_delta", "index": index, "delta": more}


def closed(index: int) -> Table:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str | None, usage: object = None) -> list[Table]:
    return [{"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}, {"type": "message_stop"}]


def tool(index: int, **more: object) -> Table:
    return block(index, type="tool_use", id=f"t{index}", name="weather", input={}, **more)


def arguments(index: int, part: str) -> Table:
    return delta(index, type="input_json_delta", partial_json=part)


def completed(*output: Table, **more: object) -> Table:
    return {"type": "response.completed", "response": {"status": "completed", "output": [*output], **more}}


def written(text: str | None) -> Table:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


FUNCTION: Table = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"a":1}'}


def gemini(*parts: Table, reason: str | None = "STOP", **more: object) -> Table:
    return {"content": {"role": "model", "parts": [*parts]}, "finishReason": reason, **more}


def answer(*candidates: Table, **more: object) -> Table:
    return {"candidates": [*candidates], **more}


def mistral(reason: str | None = None, **said: object) -> Table:
    choice = {"index": 0, "delta": said, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "created": 1, "choices": [choice]}


STREAMS = [
    Odd(
        sdk="anthropic",
        case="calls in turns, unknown events and blocks",
        sent=[
            begun(),
            {"type": "ping"},
            block(0, type="text", text=""),
            delta(0, type="text_delta", text=""),
            delta(0, type="text_delta", text="Hi"),
            delta(0, type="citations_delta", citation={}),
            closed(0),
            tool(1),
            tool(2),
            arguments(2, "{}"),
            arguments(1, ""),
            arguments(1, '{"a"'),
            arguments(1, ":1}"),
            closed(1),
            closed(2),
            {"type": "of_next_year", "error": None},
            block(3, type="of_next_year"),
            delta(3, type="of_next_year"),
            closed(3),
            *ended("tool_use", {"output_tokens": 5}),
        ],
        text="Hi",
        calls=('{"a":1}', "{}"),
        reason="tool_calls",
    ),
    Odd(
        sdk="anthropic",
        case="input already in the block",
        sent=[begun(), block(0, type="tool_use", id="t", name="w", input={"a": 1}), closed(0), *ended("tool_use")],
        calls=('{"a":1}',),
        reason="tool_calls",
    ),
    Odd(
        sdk="anthropic",
        case="no usage, a reason nobody knows",
        sent=[begun(usage=None), block(0, type="text", text="Hi"), closed(0), *ended("of_next_year")],
        text="Hi",
        reason="other",
    ),
    Odd(sdk="openai_responses", case="all of it in the last event", sent=[completed(written("Hi"))], text="Hi"),
    Odd(
        sdk="openai_responses",
        case="a call in the last event",
        sent=[completed(FUNCTION)],
        calls=('{"a":1}',),
        reason="tool_calls",
    ),
    Odd(
        sdk="openai_responses",
        case="nothing repeated at the end",
        sent=[
            {"type": "response.of_next_year", "delta": 7},
            {"type": "response.output_text.delta", "delta": None},
            {"type": "response.output_text.delta", "delta": "H"},
            {"type": "response.output_text.delta", "delta": ""},
            {"type": "response.output_text.delta", "delta": "i"},
            completed(usage=None, error=None),
        ],
        text="Hi",
    ),
    Odd(
        sdk="openai_responses",
        case="a call told twice is one",
        sent=[{"type": "response.output_item.done", "output_index": 0, "item": FUNCTION}, completed(FUNCTION)],
        calls=('{"a":1}',),
        reason="tool_calls",
    ),
    Odd(
        sdk="google",
        case="usage before the end, parts nobody knows",
        sent=[
            answer(gemini({"text": "H"}, reason=None)),
            {"usageMetadata": {"promptTokenCount": 3}},
            answer(gemini({"text": "", "thoughtSignature": "c2ln"}, {"ofNextYear": {}}, reason=None)),
            answer(gemini({"text": "i"}, reason="OF_NEXT_YEAR")),
        ],
        text="Hi",
        reason="other",
    ),
    Odd(
        sdk="google",
        case="calls without ids and arguments",
        sent=[answer(gemini(*({"functionCall": {"name": "weather", "args": args}} for args in ({"a": 1}, None))))],
        calls=('{"a":1}', "{}"),
        reason="tool_calls",
    ),
    Odd(
        sdk="google",
        case="of several candidates the first",
        sent=[
            answer(gemini({"text": "B"}, index=1), gemini({"text": "H"}, index=0, reason=None)),
            answer(gemini({"text": "B"}, index=1)),
            answer(gemini({"text": "i"}, index=0)),
        ],
        text="Hi",
    ),
    Odd(
        sdk="mistral",
        case="parts that nobody knows",
        sent=[
            mistral(role="assistant", content=""),
            mistral(content=[{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "Hi"}]),
            mistral("of_next_year", content=None),
        ],
        text="Hi",
        reason="other",
    ),
    Odd(
        sdk="mistral",
        case="a call as a table",
        sent=[mistral("tool_calls", tool_calls=[{"id": "x", "function": {"name": "w", "arguments": {"a": 1}}}])],
        calls=('{"a":1}',),
        reason="tool_calls",
    ),
]
WHOLE = [
    Odd(
        sdk="anthropic",
        case="nulls",
        sent=[
            {
                "content": [
                    {"type": "text", "text": None},
                    None,
                    {"type": "thinking", "thinking": None},
                    {"type": "text", "text": "Hi"},
                    {"type": "tool_use", "id": None, "name": "w", "input": None},
                    {"type": "of_next_year"},
                ],
                "stop_reason": "tool_use",
                "usage": None,
            }  # pyright: ignore
        ],
        text="Hi",
        calls=("{}",),
        reason="tool_calls",
    ),
    Odd(
        sdk="openai_responses",
        case="nulls",
        sent=[
            {
                "status": "completed",
                "error": None,
                "output": [
                    {"type": "reasoning", "summary": [], "content": None},
                    written(None),
                    {"type": "of_next_year"},
                    written("Hi"),
                    {**FUNCTION, "arguments": ""},
                ],
                "usage": None,
            }
        ],
        text="Hi",
        calls=("{}",),
        reason="tool_calls",
    ),
    Odd(
        sdk="google",
        case="no parts",
        sent=[answer({"content": {"role": "model", "parts": None}, "finishReason": "MAX_TOKENS"})],
        reason="length",
    ),
    Odd(sdk="mistral", case="hardly anything", sent=[{"choices": [{"message": {"content": "Hi"}}]}], text="Hi"),
]


async def asked(upstream: Upstream, odd: Odd, *, stream: bool) -> tuple[list[Piece], LlmReply]:
    upstream.answers = [sse(*odd.sent, end=odd.sdk == "mistral") if stream else json_answer(odd.sent[0])]
    worker = cast("LlmWorker", Registry().find("llm", odd.sdk, backend="acme")(access(upstream.url)))
    try:
        if not stream:
            return [], await worker.generate(job(), candidate(sdk=odd.sdk), LIMITS)
        *pieces, end = [piece async for piece in worker.stream(job(), candidate(sdk=odd.sdk), LIMITS)]
    finally:
        await worker.aclose()
    assert isinstance(end, EndPiece)
    return pieces, end.reply


def held(reply: LlmReply, odd: Odd) -> bool:
    told = (reply.text, tuple(call.raw for call in reply.tool_calls), reply.finish_reason)
    return told == (odd.text, odd.calls, odd.reason)


@pytest.mark.parametrize("odd", STREAMS, ids=str)
async def test_a_stream_is_understood(upstream: Upstream, odd: Odd) -> None:
    pieces, reply = await asked(upstream, odd, stream=True)
    assert held(reply, odd), reply
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == odd.text
    assert tuple(piece.call.raw for piece in pieces if isinstance(piece, ToolCallPiece)) == odd.calls
    assert len({call.id for call in reply.tool_calls}) == len(odd.calls)


@pytest.mark.parametrize("odd", WHOLE, ids=str)
async def test_a_whole_answer_is_understood(upstream: Upstream, odd: Odd) -> None:
    _, reply = await asked(upstream, odd, stream=False)
    assert held(reply, odd), reply
