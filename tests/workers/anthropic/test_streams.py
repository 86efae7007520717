from __future__ import annotations

import asyncio

import pytest
from workers.anthropic.wire import USAGE, block, called, events, message, said, started, stopped, text
from workers.given import INVOICE, LIMITS, access, candidate, job
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    InvalidResponseError,
    OverloadedError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.types import (
    EndPiece,
    FrozenDict,
    LlmJob,
    LlmReply,
    Piece,
    ReasoningPiece,
    TextPiece,
    ToolCall,
    ToolCallPiece,
    Usage,
)
from pipelex_like.workers.anthropic.llm import AnthropicLlm
from pipelex_like.workers.base import Limits

HI = [started(), *said(0, "H", "i")]


async def collected(
    upstream: Upstream, answer: Answer, asked: LlmJob | None = None, limits: Limits = LIMITS, **spec: object
) -> list[Piece]:
    upstream.answers = [answer]
    worker = AnthropicLlm(access(upstream.url))
    try:
        return [piece async for piece in worker.stream(asked or job(), candidate(**spec), limits)]
    finally:
        await worker.aclose()


async def broken(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> tuple[list[Piece], CallError]:
    upstream.answers = [answer]
    worker = AnthropicLlm(access(upstream.url))
    pieces: list[Piece] = []
    with pytest.raises(CallError) as caught:
        async for piece in worker.stream(job(), candidate(), limits):
            pieces.append(piece)
    await worker.aclose()
    return pieces, caught.value


async def test_text_comes_in_pieces_and_ends_with_the_whole(upstream: Upstream) -> None:
    pieces = await collected(upstream, events(*HI, {"type": "ping"}, {"type": "of_later"}, *stopped()))
    reply = LlmReply(text="Hi", usage=Usage(input_tokens=3, output_tokens=2), provider_request_id="req-1")
    assert pieces == [TextPiece("H"), TextPiece("i"), EndPiece(reply)]


async def test_counts_of_start_and_end_are_put_together(upstream: Upstream) -> None:
    begun = started(
        output_tokens=1, cache_read_input_tokens=4, cache_creation={"ephemeral_1h_input_tokens": 5}, input_tokens=3
    )
    end = stopped(output_tokens=9, cache_creation_input_tokens=5, input_tokens=None)
    pieces = await collected(upstream, events(begun, *said(0, "a"), *end))
    assert isinstance(pieces[-1], EndPiece)
    assert pieces[-1].reply.usage == Usage(input_tokens=12, output_tokens=9, cached_tokens=4, cache_write_1h_tokens=5)


async def test_parallel_tool_calls_come_whole(upstream: Upstream) -> None:
    answer = events(
        started(),
        *said(0, "Wait."),
        *called(1, "a", "", '{"city":', '"Ulm"}'),
        *called(2, "b"),
        *stopped("tool_use"),
    )
    pieces = await collected(upstream, answer)
    one = ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
    two = ToolCall(id="b", name="weather", raw="{}")
    assert pieces[:3] == [TextPiece("Wait."), ToolCallPiece(one), ToolCallPiece(two)]
    assert isinstance(pieces[3], EndPiece)
    assert (pieces[3].reply.tool_calls, pieces[3].reply.finish_reason) == ((one, two), "tool_calls")


async def test_thoughts_stream_under_their_own_type_and_keep_their_signature(upstream: Upstream) -> None:
    deltas = [
        {"type": "thinking_delta", "thinking": "2+"},
        {"type": "thinking_delta", "thinking": "2"},
        {"type": "signature_delta", "signature": "c2ln"},
    ]
    begun: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
    answer = events(started(), *block(0, begun, *deltas), *said(1, "4"), *called(2, "a", "{}"), *stopped("tool_use"))
    streamed = await collected(upstream, answer)
    assert streamed[:3] == [ReasoningPiece("2+"), ReasoningPiece("2"), TextPiece("4")]
    thought = {"type": "thinking", "thinking": "2+2", "signature": "c2ln"}
    use = {"type": "tool_use", "id": "a", "name": "weather", "input": {}}
    upstream.answers = [
        json_answer(message(thought, text("4"), use, reason="tool_use"), headers={"x-request-id": "req-1"})
    ]
    worker = AnthropicLlm(access(upstream.url))
    assert streamed[-1] == EndPiece(await worker.generate(job(), candidate(), LIMITS))
    await worker.aclose()


@pytest.mark.parametrize(("pieces", "whole"), [(('{"number"', ':"7"}'), '{"number":"7"}'), ((), "{}")])
async def test_an_object_asked_for_as_a_tool_grows_as_text(
    upstream: Upstream, pieces: tuple[str, ...], whole: str
) -> None:
    answer = events(started(), *called(0, "a", *pieces, name="Invoice"), *stopped("tool_use"))
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    got = await collected(upstream, answer, asked, structure_method="tools")
    assert got[:-1] == [TextPiece(piece) for piece in pieces or (whole,)]
    assert isinstance(got[-1], EndPiece)
    assert (got[-1].reply.text, got[-1].reply.tool_calls, got[-1].reply.finish_reason) == (whole, (), "stop")


async def test_a_refusal_says_why(upstream: Upstream) -> None:
    details = {"type": "refusal", "explanation": "That could harm."}
    pieces = await collected(upstream, events(started(), *stopped("refusal", details)))
    assert pieces[0] == TextPiece("That could harm.")
    assert isinstance(pieces[1], EndPiece)
    assert pieces[1].reply.finish_reason == "content_filter"


async def test_a_server_that_does_not_stream_is_understood(upstream: Upstream) -> None:
    pieces = await collected(upstream, json_answer(message()))
    assert pieces[0] == TextPiece("Hi")
    assert isinstance(pieces[1], EndPiece)


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cut"])
async def test_without_its_end_a_stream_is_broken(upstream: Upstream, cut: bool) -> None:
    pieces, error = await broken(upstream, events(*HI, cut=cut))
    assert pieces == [TextPiece("H"), TextPiece("i")]
    assert type(error) is UnreachableError


async def test_a_reason_to_stop_is_an_end_also_when_the_connection_then_breaks(upstream: Upstream) -> None:
    pieces = await collected(upstream, events(*HI, stopped()[0], cut=True))
    assert isinstance(pieces[-1], EndPiece)
    assert pieces[-1].reply.usage == Usage(**USAGE)


async def test_an_open_end_is_not_waited_for(upstream: Upstream) -> None:
    pieces = await asyncio.wait_for(collected(upstream, events(*HI, *stopped(), stall=True)), 3)
    assert isinstance(pieces[-1], EndPiece)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded_error", OverloadedError),
        ("rate_limit_error", RateLimitError),
        ("api_error", ServerError),
        ("timeout_error", CallTimeoutError),
    ],
)
async def test_an_error_event_inside_a_200_is_that_error(upstream: Upstream, kind: str, error: type[CallError]) -> None:
    told = {"type": "error", "error": {"type": kind, "message": "No luck."}}
    pieces, caught = await broken(upstream, events(*HI[:3], told))
    assert pieces == [TextPiece("H")] or pieces == []
    assert type(caught) is error
    assert "No luck." in str(caught)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (Answer(headers={"content-type": "text/html"}, body=[b"<html></html>"]), "HTML"),
        (Answer(headers={"content-type": "text/event-stream"}), "broke off"),
        (Answer(headers={"content-type": "text/event-stream"}, body=[b"data: hello\n\n"]), "no JSON"),
        (events({"type": "message_stop"}), "without a message"),
        (events({"type": "message_start"}), "without a message"),
    ],
)
async def test_a_stream_that_is_none_is_an_error(upstream: Upstream, answer: Answer, part: str) -> None:
    pieces, error = await broken(upstream, answer)
    assert pieces == []
    assert part in str(error)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "content_block_stop", "index": 7},
        {"type": "message_delta"},
    ],
    ids=lambda event: event["type"],
)
async def test_an_odd_event_is_passed_over(upstream: Upstream, odd: dict[str, object]) -> None:
    pieces = await collected(upstream, events(*HI, odd, *stopped()))
    assert isinstance(pieces[-1], EndPiece)
    assert pieces[-1].reply.text == "Hi"


async def test_waiting_for_the_provider_is_bounded(upstream: Upstream) -> None:
    limits = Limits(first_event=5, between_events=0.05)
    pieces, error = await broken(upstream, events(*HI, stall=True), limits)
    assert len(pieces) == 2
    assert type(error) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_an_event_over_the_limit_is_refused(upstream: Upstream) -> None:
    limits = Limits(first_event=5, max_event_bytes=1000)
    answer = Answer(headers={"content-type": "text/event-stream"}, body=[b"data: ", b"x" * 2000, STALL])
    pieces, error = await broken(upstream, answer, limits)
    assert (pieces, type(error)) == ([], InvalidResponseError)


async def test_closing_the_generator_closes_the_upstream(upstream: Upstream) -> None:
    upstream.answers = [events(*HI, stall=True)]
    worker = AnthropicLlm(access(upstream.url))
    stream = worker.stream(job(), candidate(), LIMITS)
    assert await anext(stream) == TextPiece("H")
    await stream.aclose()
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_streams_share_a_connection(upstream: Upstream) -> None:
    upstream.answers = [events(*HI, *stopped()), events(*HI, *stopped())]
    worker = AnthropicLlm(access(upstream.url))
    for _ in range(2):
        assert [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
    await worker.aclose()
    assert upstream.connections == 1
