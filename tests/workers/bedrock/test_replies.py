"""Whole answers and streamed ones, read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from workers.bedrock.asked import CLAUDE, ID
from workers.bedrock.aws import (
    STARTED,
    access,
    answer,
    called,
    delta,
    ended,
    events,
    failed,
    frame,
    said,
    stopped,
    thought,
    tool_use,
)
from workers.given import INVOICE, LIMITS, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContextWindowError,
    InvalidResponseError,
    OverloadedError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.types import EndPiece, LlmJob, LlmReply, ReasoningPiece, TextPiece, ToolCallPiece, Usage, thaw
from pipelex_like.workers.base import Limits
from pipelex_like.workers.bedrock.llm import BedrockLlm

if TYPE_CHECKING:
    from workers.upstream import Answer

OBJECT = LlmJob(messages=job().messages, schema=INVOICE)


async def whole(upstream: Upstream, value: object, asked: LlmJob | None = None) -> LlmReply:
    upstream.answers = [json_answer(value, headers={"x-amzn-requestid": "req-1"})]
    worker = BedrockLlm(access(upstream.url))
    try:
        return await worker.generate(asked or job(), CLAUDE, LIMITS)
    finally:
        await worker.aclose()


async def pieces(
    upstream: Upstream, answered: Answer, asked: LlmJob | None = None, limits: Limits = LIMITS
) -> list[object]:
    upstream.answers = [answered]
    worker = BedrockLlm(access(upstream.url))
    try:
        return [piece async for piece in worker.stream(asked or job(), CLAUDE, limits)]
    finally:
        await worker.aclose()


async def test_text_reasoning_calls_and_citations_are_read(upstream: Upstream) -> None:
    cited = {"citationsContent": {"content": [{"text": " as it says"}], "citations": []}}
    reply = await whole(upstream, answer(thought("Hm."), {"text": "Sun"}, cited, tool_use("t1", city="Ulm")))
    assert (reply.text, reply.reasoning) == ("Sun as it says", "Hm.")
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [("t1", "weather", {"city": "Ulm"})]
    assert reply.provider_request_id == "req-1"
    (kept,) = reply.opaque
    assert (kept.backend, kept.data["model"]) == ("acme", ID)
    assert thaw(kept.data["content"])[0] == thought("Hm.")  # pyright: ignore


async def test_unsigned_reasoning_is_read_and_not_kept(upstream: Upstream) -> None:
    reply = await whole(upstream, answer(thought("Hm.", None), {"text": "Sun"}))
    assert (reply.reasoning, reply.opaque) == ("Hm.", ())


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_tool_use", "other"),
        ("something new", "other"),
    ],
)
async def test_why_it_ended_is_read_alike_streamed_and_not(upstream: Upstream, told: str, reason: str) -> None:
    assert (await whole(upstream, answer(reason=told))).finish_reason == reason
    end = (await pieces(upstream, events(STARTED, *said(0, "Hi"), *stopped(told))))[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.finish_reason == reason


async def test_the_input_includes_what_the_cache_held(upstream: Upstream) -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 2,
        "totalTokens": 165,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 60,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 40}, {"ttl": "5m", "inputTokens": 20}],
    }
    expected = Usage(
        input_tokens=163, output_tokens=2, cached_tokens=100, cache_write_tokens=20, cache_write_1h_tokens=40
    )
    assert (await whole(upstream, answer(usage=usage))).usage == expected
    end = (await pieces(upstream, events(STARTED, *said(0, "Hi"), *stopped(**usage))))[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.usage == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"inputTokens": -1, "outputTokens": "x"}, None),
        ({"inputTokens": 3}, Usage(input_tokens=3, estimated=True)),
        ({"inputTokens": "3", "outputTokens": 2}, Usage(input_tokens=3, output_tokens=2, estimated=True)),
    ],
)
async def test_usage_is_believed_as_far_as_it_can_be(upstream: Upstream, usage: object, expected: object) -> None:
    assert (await whole(upstream, answer(usage=usage))).usage == expected


async def test_the_tool_of_an_object_is_its_text(upstream: Upstream) -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "Invoice", "input": {"number": "7"}}}
    reply = await whole(upstream, answer(use, reason="tool_use"), OBJECT)
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ('{"number":"7"}', (), "stop")
    frames = [STARTED, *called(0, "t", '{"num', 'ber":"7"}', name="Invoice"), *stopped("tool_use")]
    found = await pieces(upstream, events(*frames), OBJECT)
    assert found[:2] == [TextPiece('{"num'), TextPiece('ber":"7"}')]
    end = found[-1]
    assert isinstance(end, EndPiece)
    assert (end.reply.text, end.reply.tool_calls, end.reply.finish_reason) == ('{"number":"7"}', (), "stop")


async def test_a_stream_gives_reasoning_text_and_parallel_calls(upstream: Upstream) -> None:
    frames = [
        STARTED,
        delta(0, reasoningContent={"text": "I must"}),
        delta(0, reasoningContent={"text": " ask."}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        ended(0),
        delta(1, reasoningContent={"redactedContent": "eHh4"}),
        ended(1),
        *said(2, "One ", "moment."),
        *called(3, "t1", "", '{"city":', '"Ulm"}'),
        *called(4, "t2"),
        *stopped("tool_use"),
    ]
    found = await pieces(upstream, events(*frames))
    assert found[:4] == [
        ReasoningPiece("I must"),
        ReasoningPiece(" ask."),
        TextPiece("One "),
        TextPiece("moment."),
    ]
    assert [(piece.call.id, piece.call.arguments) for piece in found if isinstance(piece, ToolCallPiece)] == [
        ("t1", {"city": "Ulm"}),
        ("t2", {}),
    ]
    end = found[-1]
    assert isinstance(end, EndPiece)
    assert (end.reply.text, end.reply.reasoning) == ("One moment.", "I must ask.")
    assert (end.reply.finish_reason, end.reply.provider_request_id) == ("tool_calls", "req-1")
    assert thaw(end.reply.opaque[0].data["content"]) == [
        thought("I must ask."),
        {"reasoningContent": {"redactedContent": "eHh4"}},
        {"text": "One moment."},
        tool_use("t1", city="Ulm"),
        tool_use("t2"),
    ]


@pytest.mark.parametrize("step", [1, 7, 100])
async def test_events_are_put_together_however_they_are_cut(upstream: Upstream, step: int) -> None:
    answered = events(STARTED, *said(0, "Grüße", " aus Ulm"), *stopped())
    data = b"".join(part for part in answered.body if part)
    answered.body[:] = [data[at : at + step] for at in range(0, len(data), step)]
    end = (await pieces(upstream, answered))[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.text == "Grüße aus Ulm"


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("throttlingException", "Too many tokens, please wait.", RateLimitError),
        ("internalServerException", "Oh.", ServerError),
        ("modelStreamErrorException", "Oh.", ServerError),
        ("serviceUnavailableException", "Oh.", OverloadedError),
        ("modelTimeoutException", "Oh.", CallTimeoutError),
        ("validationException", "Oh.", BadRequestError),
        ("validationException", "Input is too long for requested model.", ContextWindowError),
        ("someNewException", "Oh.", ServerError),
    ],
)
async def test_an_error_in_the_middle_is_that_error(
    upstream: Upstream, kind: str, message: str, expected: type[CallError]
) -> None:
    with pytest.raises(CallError, match=message) as caught:
        await pieces(upstream, events(STARTED, *said(0, "a"), failed(kind, message)))
    assert type(caught.value) is expected


async def test_an_error_that_the_service_does_not_describe_is_told(upstream: Upstream) -> None:
    told = frame("", {}, **{":message-type": "error", ":error-code": "InternalError", ":error-message": "Oh dear."})
    with pytest.raises(ServerError, match="Oh dear"):
        await pieces(upstream, events(STARTED, told))


@pytest.mark.parametrize(
    ("frames", "kind", "part"),
    [
        ([], UnreachableError, "broke off"),
        ([STARTED, *said(0, "a")], UnreachableError, "broke off"),
        ([STARTED, stopped()[0][:-3]], UnreachableError, "broke off"),
        ([*said(0, "a"), *stopped()], InvalidResponseError, "without a message"),
        ([STARTED[:-1] + b"x", *stopped()], InvalidResponseError, "no event of AWS"),
        ([b"data: {}\n\ndata: {}\n\n"], InvalidResponseError, "no event of AWS"),
        ([frame("messageStart", [])[:12] + b"junk" * 20], InvalidResponseError, "no event of AWS"),
    ],
)
async def test_a_stream_that_is_none_or_breaks_off_is_an_error(
    upstream: Upstream, frames: list[bytes], kind: type[CallError], part: str
) -> None:
    with pytest.raises(kind, match=part):
        await pieces(upstream, events(*frames))


async def test_a_stream_cut_after_its_end_counts(upstream: Upstream) -> None:
    found = await pieces(upstream, events(STARTED, *said(0, "a"), stopped()[0], cut=True))
    end = found[-1]
    assert isinstance(end, EndPiece)
    assert (end.reply.text, end.reply.usage) == ("a", None)


@pytest.mark.parametrize("announced", [True, False], ids=["in one piece", "never ending"])
async def test_an_event_over_the_limit_ends_the_reading(upstream: Upstream, announced: bool) -> None:
    huge = delta(0, text="x" * 20_000)
    parts = [STARTED, huge] if announced else [STARTED, huge[:15_000]]
    with pytest.raises(InvalidResponseError, match="larger than 10000 bytes"):
        await pieces(upstream, events(*parts, stall=True), limits=Limits(first_event=5, max_event_bytes=10_000))
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_closing_the_stream_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [events(STARTED, delta(0, text="a"), stall=True)]
    worker = BedrockLlm(access(upstream.url))
    stream = worker.stream(job(), CLAUDE, LIMITS)
    assert await anext(stream) == TextPiece("a")
    await stream.aclose()
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()
