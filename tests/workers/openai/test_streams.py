from __future__ import annotations

import asyncio
import gc

import pytest
from workers.given import INVOICE, LIMITS, WEATHER, access, candidate, chunk, completion, job
from workers.upstream import STALL, Answer, Upstream, json_answer, sse

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
from pipelex_like.workers.base import Limits
from pipelex_like.workers.openai.llm import OpenAiLlm

USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
HI = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "H"}),
    chunk({"content": "i"}),
    chunk(reason="stop"),
]


async def collected(
    upstream: Upstream, answer: Answer, asked: LlmJob | None = None, limits: Limits = LIMITS, **spec: object
) -> list[Piece]:
    upstream.answers = [answer]
    worker = OpenAiLlm(access(upstream.url))
    try:
        return [piece async for piece in worker.stream(asked or job(), candidate(**spec), limits)]
    finally:
        await worker.aclose()


async def broken(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> tuple[list[Piece], CallError]:
    upstream.answers = [answer]
    worker = OpenAiLlm(access(upstream.url))
    pieces: list[Piece] = []
    with pytest.raises(CallError) as caught:
        async for piece in worker.stream(job(), candidate(), limits):
            pieces.append(piece)
    await worker.aclose()
    return pieces, caught.value


async def test_text_comes_in_pieces_and_ends_with_the_whole(upstream: Upstream) -> None:
    pieces = await collected(upstream, sse(*HI, {"choices": [], "usage": USAGE}))
    reply = LlmReply(text="Hi", usage=Usage(input_tokens=3, output_tokens=2), provider_request_id="req-1")
    assert pieces == [TextPiece("H"), TextPiece("i"), EndPiece(reply)]


@pytest.mark.parametrize(
    "usage_chunk",
    [
        {"choices": [], "usage": USAGE},
        {"usage": USAGE},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": None}], "usage": USAGE},
        {"choices": None, "usage": USAGE},
    ],
)
async def test_usage_is_taken_from_any_chunk(upstream: Upstream, usage_chunk: object) -> None:
    end = (await collected(upstream, sse(*HI, usage_chunk)))[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.usage == Usage(input_tokens=3, output_tokens=2)


async def test_the_same_answer_streamed_and_not_has_the_same_reply(upstream: Upstream) -> None:
    end = (await collected(upstream, sse(*HI, {"choices": [], "usage": USAGE})))[-1]
    upstream.answers = [json_answer(completion("Hi"), headers={"x-request-id": "req-1"})]
    worker = OpenAiLlm(access(upstream.url))
    assert end == EndPiece(await worker.generate(job(), candidate(), LIMITS))
    await worker.aclose()


def part(index: int | None, **call: object) -> dict[str, object]:
    return chunk({"tool_calls": [{**({} if index is None else {"index": index}), **call}]})


async def test_parallel_tool_calls_are_put_together(upstream: Upstream) -> None:
    answer = sse(
        part(0, id="a", function={"name": "weather", "arguments": ""}),
        part(0, function={"arguments": '{"city":'}),
        part(1, id="b", function={"name": "weather", "arguments": '{"city":"Bonn"}'}),
        part(0, function={"arguments": '"Ulm"}'}),
        chunk(reason="tool_calls"),
    )
    pieces = await collected(upstream, answer, LlmJob(messages=(), tools=(WEATHER,)))
    calls = (
        ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}'),
        ToolCall(id="b", name="weather", arguments=FrozenDict(city="Bonn"), raw='{"city":"Bonn"}'),
    )
    reply = LlmReply(tool_calls=calls, finish_reason="tool_calls", provider_request_id="req-1")
    assert pieces == [ToolCallPiece(calls[0]), ToolCallPiece(calls[1]), EndPiece(reply)]


@pytest.mark.parametrize("index", [0, None])
async def test_calls_that_share_an_index_are_told_apart_by_their_ids(upstream: Upstream, index: int | None) -> None:
    answer = sse(
        part(index, id="a", function={"name": "weather", "arguments": '{"city":"Ulm"}'}),
        part(index, id="b", function={"name": "weather", "arguments": '{"city":"Bonn"}'}),
        chunk(reason="stop"),
    )
    pieces = await collected(upstream, answer)
    assert [piece.call.id for piece in pieces if isinstance(piece, ToolCallPiece)] == ["a", "b"]


async def test_calls_without_a_finish_reason_come_at_the_end_marker(upstream: Upstream) -> None:
    pieces = await collected(upstream, sse(part(0, id="a", function={"name": "weather", "arguments": "{}"})))
    assert [type(piece) for piece in pieces] == [ToolCallPiece, EndPiece]


async def test_an_object_asked_for_as_a_tool_grows_as_text(upstream: Upstream) -> None:
    answer = sse(
        part(0, id="a", function={"name": "Invoice", "arguments": ""}),
        part(0, function={"arguments": '{"number"'}),
        part(0, function={"arguments": ':"7"}'}),
        chunk(reason="tool_calls"),
    )
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    pieces = await collected(upstream, answer, asked, structure_method="tools")
    assert pieces[:2] == [TextPiece('{"number"'), TextPiece(':"7"}')]
    assert isinstance(pieces[2], EndPiece)
    assert pieces[2].reply.text == '{"number":"7"}'
    assert pieces[2].reply.tool_calls == ()


async def test_reasoning_streams_under_its_own_type(upstream: Upstream) -> None:
    answer = sse(chunk({"reasoning_content": "2+2"}), chunk({"content": "4"}), chunk(reason="stop"))
    pieces = await collected(upstream, answer)
    assert pieces[:2] == [ReasoningPiece("2+2"), TextPiece("4")]
    assert isinstance(pieces[2], EndPiece)
    assert pieces[2].reply.reasoning == "2+2"


async def test_a_server_that_does_not_stream_is_understood(upstream: Upstream) -> None:
    pieces = await collected(upstream, json_answer(completion("Hi")))
    assert pieces[0] == TextPiece("Hi")
    assert isinstance(pieces[1], EndPiece)
    assert pieces[1].reply.usage == Usage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cut"])
async def test_without_its_end_marker_a_stream_is_broken(upstream: Upstream, cut: bool) -> None:
    pieces, error = await broken(upstream, sse(*HI[:2], end=False, cut=cut))
    assert pieces == [TextPiece("H")]
    assert type(error) is UnreachableError


async def test_a_finish_reason_is_an_end_marker_also_when_the_connection_then_breaks(upstream: Upstream) -> None:
    pieces = await collected(upstream, sse(*HI, end=False, cut=True))
    assert isinstance(pieces[-1], EndPiece)


async def test_a_stall_after_the_finish_reason_does_not_lose_the_answer(upstream: Upstream) -> None:
    limits = Limits(first_event=5, between_events=0.05)
    pieces = await collected(upstream, sse(*HI, end=False, stall=True), limits=limits)
    assert isinstance(pieces[-1], EndPiece)


async def test_an_open_end_after_done_is_not_waited_for(upstream: Upstream) -> None:
    pieces = await asyncio.wait_for(collected(upstream, sse(*HI, stall=True)), 3)
    assert isinstance(pieces[-1], EndPiece)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'data: {"choices": [{"del\n\n', InvalidResponseError),
        (b"data: hello\n\n", InvalidResponseError),
        (b'data: {"error": {"message": "busy", "code": 429}}\n\n', RateLimitError),
        (b'event: error\ndata: {"error": {"message": "gone"}}\n\n', ServerError),
        (
            b'data: {"choices": [{"error": {"code": 503, "message": "x"}, "finish_reason": "error"}]}\n\n',
            OverloadedError,
        ),
    ],
)
async def test_a_bad_event_under_200_is_an_error_and_takes_its_packet_along(
    upstream: Upstream, data: bytes, kind: type[CallError]
) -> None:
    first = b'data: {"choices": [{"delta": {"content": "H"}}]}\n\n'
    answer = Answer(headers={"content-type": "text/event-stream"}, body=[first + data])
    pieces, error = await broken(upstream, answer)
    assert pieces == []
    assert type(error) is kind


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (Answer(headers={"content-type": "text/html"}, body=[b"<html></html>"]), "HTML"),
        (json_answer({"error": {"code": 429, "message": "busy"}}), "busy"),
        (Answer(headers={"content-type": "text/event-stream"}), "broke off"),
        (Answer(headers={"content-type": "text/event-stream"}, body=[b"data: [DONE]\n\n"]), "without a word"),
    ],
)
async def test_a_stream_that_is_none_is_an_error(upstream: Upstream, answer: Answer, part: str) -> None:
    pieces, error = await broken(upstream, answer)
    assert pieces == []
    assert part in str(error)


async def test_an_error_status_comes_before_any_piece(upstream: Upstream) -> None:
    pieces, error = await broken(upstream, json_answer({"error": {"message": "busy"}}, 429, {"retry-after": "2"}))
    assert (pieces, error.status, error.retry_after) == ([], 429, 2.0)


SLOW = Limits(first_event=0.3, between_events=5)
KEEP_ALIVE = b": still working\n\n"


@pytest.mark.parametrize(
    ("body", "limits", "count"),
    [
        ([STALL], SLOW, 0),
        ([KEEP_ALIVE, STALL], SLOW, 0),
        (
            [b'data: {"choices": [{"delta": {"content": "H"}}]}\n\n', STALL],
            Limits(first_event=5, between_events=0.05),
            1,
        ),
        ([b'data: {"choices": [{"delta": {"content": "H"}}]}\n\n', STALL], Limits(max_stream_seconds=0.2), 1),
    ],
    ids=["nothing", "comments only", "between", "whole"],
)
async def test_waiting_for_the_provider_is_bounded(
    upstream: Upstream, body: list[bytes | None], limits: Limits, count: int
) -> None:
    pieces, error = await broken(upstream, Answer(headers={"content-type": "text/event-stream"}, body=body), limits)
    assert len(pieces) == count
    assert type(error) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_a_slow_reader_is_not_blamed_on_the_provider(upstream: Upstream) -> None:
    limits = Limits(first_event=5, between_events=0.05)
    # Two packets, so that the second is waited for after the pause.
    upstream.answers = [sse(*HI)]
    worker = OpenAiLlm(access(upstream.url))
    seen: list[Piece] = []
    async for piece in worker.stream(job(), candidate(), limits):
        seen.append(piece)
        await asyncio.sleep(0.08)
    await worker.aclose()
    assert isinstance(seen[-1], EndPiece)


async def test_an_event_over_the_limit_is_refused(upstream: Upstream) -> None:
    limits = Limits(first_event=5, max_event_bytes=1000)
    answer = Answer(headers={"content-type": "text/event-stream"}, body=[b"data: ", b"x" * 2000, STALL])
    pieces, error = await broken(upstream, answer, limits)
    assert (pieces, type(error)) == ([], InvalidResponseError)
    assert "1000 bytes" in str(error)


async def test_closing_the_generator_closes_the_upstream(upstream: Upstream) -> None:
    upstream.answers = [sse(*HI[:2], stall=True, end=False)]
    worker = OpenAiLlm(access(upstream.url))
    stream = worker.stream(job(), candidate(), LIMITS)
    assert await anext(stream) == TextPiece("H")
    await stream.aclose()
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()
    gc.collect()


async def test_cancelling_the_reader_closes_the_upstream(upstream: Upstream) -> None:
    upstream.answers = [sse(*HI[:2], stall=True, end=False)]
    worker = OpenAiLlm(access(upstream.url))
    arrived = asyncio.Event()

    async def read() -> None:
        async for _ in worker.stream(job(), candidate(), LIMITS):
            arrived.set()

    task = asyncio.create_task(read())
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_streams_share_a_connection(upstream: Upstream) -> None:
    upstream.answers = [sse(*HI), sse(*HI)]
    worker = OpenAiLlm(access(upstream.url))
    for _ in range(2):
        assert [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
    await worker.aclose()
    assert upstream.connections == 1
