from __future__ import annotations

import asyncio

import pytest
from workers.given import INVOICE, LIMITS, access, candidate, job
from workers.openai_responses.wire import Item, called, events, response, said, thought, told
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.types import (
    EndPiece,
    FrozenDict,
    LlmJob,
    Piece,
    ReasoningPiece,
    TextPiece,
    ToolCall,
    ToolCallPiece,
)
from pipelex_like.workers.base import Limits
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

HI = told(response())


async def collected(
    upstream: Upstream, answer: Answer, asked: LlmJob | None = None, limits: Limits = LIMITS, **spec: object
) -> list[Piece]:
    upstream.answers = [answer]
    worker = ResponsesLlm(access(upstream.url))
    try:
        return [piece async for piece in worker.stream(asked or job(), candidate(**spec), limits)]
    finally:
        await worker.aclose()


async def broken(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> tuple[list[Piece], CallError]:
    upstream.answers = [answer]
    worker = ResponsesLlm(access(upstream.url))
    pieces: list[Piece] = []
    with pytest.raises(CallError) as caught:
        async for piece in worker.stream(job(), candidate(), limits):
            pieces.append(piece)
    await worker.aclose()
    return pieces, caught.value


async def test_thoughts_text_and_calls_come_as_they_arise(upstream: Upstream) -> None:
    answer = response(thought("Hm.", "So."), said("Wait."), called("a"), called("b", "{}"))
    pieces = await collected(upstream, events(*told(answer)))
    one = ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
    two = ToolCall(id="b", name="weather", raw="{}")
    assert pieces[:-1] == [
        ReasoningPiece("H"),
        ReasoningPiece("m."),
        ReasoningPiece("\n\nS"),
        ReasoningPiece("o."),
        TextPiece("Wa"),
        TextPiece("it."),
        ToolCallPiece(one),
        ToolCallPiece(two),
    ]
    assert isinstance(pieces[-1], EndPiece)
    assert pieces[-1].reply.reasoning == "Hm.\n\nSo."


async def test_an_object_asked_for_as_a_tool_grows_as_text(upstream: Upstream) -> None:
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    answer = response(called("a", '{"number":"7"}', name="Invoice"))
    pieces = await collected(upstream, events(*told(answer)), asked, structure_method="tools")
    assert pieces[:-1] == [TextPiece('{"numbe'), TextPiece('r":"7"}')]


@pytest.mark.parametrize("output", [[], None], ids=["empty", "none"])
async def test_an_end_without_its_items_takes_those_told_before(upstream: Upstream, output: object) -> None:
    answer = response(said("Hi"), called("a"))
    *before, _ = told(answer)
    end = {"type": "response.completed", "response": answer | {"output": output}}
    pieces = await collected(upstream, events(*before, end))
    assert isinstance(pieces[-1], EndPiece)
    assert (pieces[-1].reply.text, len(pieces[-1].reply.tool_calls)) == ("Hi", 1)
    assert len([piece for piece in pieces if isinstance(piece, ToolCallPiece)]) == 1


async def test_an_end_that_tells_everything_is_enough(upstream: Upstream) -> None:
    pieces = await collected(upstream, events(told(response(said("Hi"), called("a")))[-1]))
    assert [type(piece) for piece in pieces] == [TextPiece, ToolCallPiece, EndPiece]


async def test_an_end_marker_of_other_protocols_does_no_harm(upstream: Upstream) -> None:
    answer = events(*HI)
    answer.body.append(b"data: [DONE]\n\n")
    assert isinstance((await collected(upstream, answer))[-1], EndPiece)


async def test_a_server_that_does_not_stream_is_understood(upstream: Upstream) -> None:
    pieces = await collected(upstream, json_answer(response(thought("Hm."), said("Hi"), called("a"))))
    assert [type(piece) for piece in pieces] == [ReasoningPiece, TextPiece, ToolCallPiece, EndPiece]


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cut"])
async def test_without_its_end_a_stream_is_broken(upstream: Upstream, cut: bool) -> None:
    pieces, error = await broken(upstream, events(*HI[:-1], cut=cut))
    assert pieces == [TextPiece("H"), TextPiece("i")]
    assert type(error) is UnreachableError


async def test_an_open_end_is_not_waited_for(upstream: Upstream) -> None:
    pieces = await asyncio.wait_for(collected(upstream, events(*HI, stall=True)), 3)
    assert isinstance(pieces[-1], EndPiece)


def failed(code: str, message: str = "No luck.") -> Item:
    error = {"code": code, "message": message}
    return {"type": "response.failed", "response": response(status="failed") | {"error": error}}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (failed("server_error"), ServerError),
        (failed("rate_limit_exceeded"), RateLimitError),
        (failed("invalid_prompt"), BadRequestError),
        (failed("invalid_prompt", "No luck. It was flagged as potentially violating."), ContentPolicyError),
        (failed("image_content_policy_violation"), ContentPolicyError),
        (failed("bio_policy"), ContentPolicyError),
        (failed("image_too_large"), BadRequestError),
        (failed("unsupported_image_media_type"), BadRequestError),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "No luck.", "param": None}, RateLimitError),
        ({"type": "error", "error": {"code": "server_error", "message": "No luck."}}, ServerError),
        ({"type": "error", "code": 503, "message": "No luck."}, CallError),
    ],
)
async def test_an_error_inside_a_200_is_that_error(upstream: Upstream, event: Item, kind: type[CallError]) -> None:
    pieces, error = await broken(upstream, events(*HI[:3], event))
    assert pieces == [TextPiece("H")]
    assert isinstance(error, kind)
    assert "No luck." in str(error)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (Answer(headers={"content-type": "text/html"}, body=[b"<html></html>"]), "HTML"),
        (Answer(headers={"content-type": "text/event-stream"}), "broke off"),
        (Answer(headers={"content-type": "text/event-stream"}, body=[b"data: hello\n\n"]), "no JSON"),
        (events({"type": "response.completed"}), "without a response"),
        (events({"type": "response.failed"}), "None"),
    ],
)
async def test_a_stream_that_is_none_is_an_error(upstream: Upstream, answer: Answer, part: str) -> None:
    pieces, error = await broken(upstream, answer)
    assert pieces == []
    assert part in str(error)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "response.output_item.added", "item": None},
        {"type": "response.output_item.done"},
        {"type": "response.output_text.delta", "delta": None},
        {"type": "response.function_call_arguments.delta", "item_id": "x", "delta": "{"},
        {"type": "response.reasoning_summary_text.delta"},
        {"type": "response.of_later"},
        {},
    ],
    ids=str,
)
async def test_an_odd_event_is_passed_over(upstream: Upstream, odd: Item) -> None:
    pieces = await collected(upstream, events(*HI[:-1], odd, HI[-1]))
    assert isinstance(pieces[-1], EndPiece)
    assert pieces[-1].reply.text == "Hi"


async def test_waiting_for_the_provider_is_bounded(upstream: Upstream) -> None:
    limits = Limits(first_event=5, between_events=0.05)
    pieces, error = await broken(upstream, events(*HI[:-1], stall=True), limits)
    assert len(pieces) == 2
    assert type(error) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


@pytest.mark.parametrize("limits", [Limits(first_event=0.1), Limits(max_stream_seconds=0.1)], ids=["first", "whole"])
async def test_the_first_event_and_the_whole_are_bounded(upstream: Upstream, limits: Limits) -> None:
    answer = Answer(headers={"content-type": "text/event-stream"}, body=[b": wait\n\n", STALL])
    pieces, error = await broken(upstream, answer, limits)
    assert (pieces, type(error)) == ([], CallTimeoutError)


async def test_an_event_over_the_limit_is_refused(upstream: Upstream) -> None:
    limits = Limits(first_event=5, max_event_bytes=1000)
    answer = Answer(headers={"content-type": "text/event-stream"}, body=[b"data: ", b"x" * 2000, STALL])
    pieces, error = await broken(upstream, answer, limits)
    assert (pieces, type(error)) == ([], InvalidResponseError)


async def test_closing_the_generator_closes_the_upstream(upstream: Upstream) -> None:
    upstream.answers = [events(*HI[:3], stall=True)]
    worker = ResponsesLlm(access(upstream.url))
    stream = worker.stream(job(), candidate(), LIMITS)
    assert await anext(stream) == TextPiece("H")
    await stream.aclose()
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_streams_share_a_connection(upstream: Upstream) -> None:
    upstream.answers = [events(*HI), events(*HI)]
    worker = ResponsesLlm(access(upstream.url))
    for _ in range(2):
        assert [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
    await worker.aclose()
    assert upstream.connections == 1
