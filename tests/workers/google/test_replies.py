"""What comes back, whole and streamed."""

from __future__ import annotations

import asyncio

import pytest
from workers.given import INVOICE, LIMITS, access, candidate, job
from workers.google.wire import USAGE, call, content, error, events, text, thought
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    InvalidResponseError,
    OverloadedError,
    UnreachableError,
)
from pipelex_like.types import (
    EndPiece,
    LlmJob,
    LlmReply,
    Message,
    Piece,
    ReasoningPart,
    ReasoningPiece,
    TextPart,
    TextPiece,
    ToolCallPart,
    ToolCallPiece,
    ToolResultPart,
    Usage,
    thaw,
)
from pipelex_like.workers.base import Limits
from pipelex_like.workers.google.llm import GoogleLlm


async def answered(upstream: Upstream, value: object, asked: LlmJob | None = None, **spec: object) -> LlmReply:
    upstream.answers = [json_answer(value)]
    worker = GoogleLlm(access(upstream.url))
    try:
        return await worker.generate(asked or job(), candidate(**spec), LIMITS)
    finally:
        await worker.aclose()


async def collected(
    upstream: Upstream, answer: Answer, asked: LlmJob | None = None, limits: Limits = LIMITS, **spec: object
) -> list[Piece]:
    upstream.answers = [answer]
    worker = GoogleLlm(access(upstream.url))
    try:
        return [piece async for piece in worker.stream(asked or job(), candidate(**spec), limits)]
    finally:
        await worker.aclose()


async def broken(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> tuple[list[Piece], CallError]:
    upstream.answers = [answer]
    worker = GoogleLlm(access(upstream.url))
    pieces: list[Piece] = []
    with pytest.raises(CallError) as caught:
        async for piece in worker.stream(job(), candidate(), limits):
            pieces.append(piece)
    await worker.aclose()
    return pieces, caught.value


async def test_thoughts_text_and_calls_are_told_apart(upstream: Upstream) -> None:
    reply = await answered(upstream, content(thought("Hmm."), text("One "), text("moment."), call(city="Ulm")))
    assert (reply.reasoning, reply.text) == ("Hmm.", "One moment.")
    (one,) = reply.tool_calls
    assert (one.id, one.name, dict(one.arguments), one.raw) == ("call_0", "weather", {"city": "Ulm"}, '{"city":"Ulm"}')
    assert reply.finish_reason == "tool_calls"
    assert reply.provider_request_id == "r-1"
    assert reply.opaque == ()


COUNTED = {
    "all": (
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "toolUsePromptTokenCount": 10,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        },
        Usage(input_tokens=110, output_tokens=50, cached_tokens=40, reasoning_tokens=30, input_audio_tokens=10),
    ),
    "zeros are left out": ({"promptTokenCount": 5, "totalTokenCount": 5}, Usage(input_tokens=5)),
    "odd": (
        {"promptTokenCount": "5", "candidatesTokenCount": 1},
        Usage(input_tokens=5, output_tokens=1, estimated=True),
    ),
    "none": ({"promptTokenCount": -1}, None),
    "no table": (None, None),
}


@pytest.mark.parametrize("name", COUNTED)
async def test_usage_is_counted_as_everywhere(upstream: Upstream, name: str) -> None:
    counts, expected = COUNTED[name]
    assert (await answered(upstream, content(usageMetadata=counts))).usage == expected
    (end,) = (await collected(upstream, events(content(usageMetadata=counts))))[-1:]
    assert isinstance(end, EndPiece)
    assert end.reply.usage == expected


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("OF_LATER", "other"),
    ],
)
async def test_why_it_ended_in_our_words(upstream: Upstream, reason: str, finish: str) -> None:
    assert (await answered(upstream, content(reason=reason))).finish_reason == finish


async def test_an_answer_that_was_stopped_says_why(upstream: Upstream) -> None:
    stopped = {"candidates": [{"finishReason": "SAFETY", "finishMessage": "Not safe."}], "responseId": "r-1"}
    reply = await answered(upstream, stopped)
    assert (reply.text, reply.finish_reason) == ("Not safe.", "content_filter")
    pieces = await collected(upstream, events(stopped))
    assert pieces == [TextPiece("Not safe."), EndPiece(reply)]


async def test_thinking_that_left_no_room_is_an_empty_answer(upstream: Upstream) -> None:
    cut = {"candidates": [{"finishReason": "MAX_TOKENS", "index": 0}], "usageMetadata": USAGE}
    reply = await answered(upstream, cut)
    assert (reply.text, reply.finish_reason) == ("", "length")


async def test_an_object_by_a_tool_is_text(upstream: Upstream) -> None:
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    said = content(call("Invoice", number="7"))
    reply = await answered(upstream, said, asked, structure_method="tools")
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ('{"number":"7"}', (), "stop")
    pieces = await collected(upstream, events(said), asked, structure_method="tools")
    assert pieces == [TextPiece('{"number":"7"}'), EndPiece(reply)]


STREAM = [
    content(thought("H"), reason=None),
    content(thought("m."), reason=None),
    content(text("O"), reason=None),
    content(text("ne."), reason=None),
    content(call(call_id="a1", signature="c2ln", city="Ulm"), reason=None),
    content(call(call_id="a2", city="Bonn"), reason=None),
    content(text("", thoughtSignature="ZW5k")),
]


async def test_a_stream_ends_with_the_same_reply_as_the_whole(upstream: Upstream) -> None:
    whole = content(
        thought("Hm."),
        text("One."),
        call(call_id="a1", signature="c2ln", city="Ulm"),
        call(call_id="a2", city="Bonn"),
        text("", thoughtSignature="ZW5k"),
    )
    reply = await answered(upstream, whole)
    pieces = await collected(upstream, events(*STREAM))
    first, second = reply.tool_calls
    assert pieces == [
        ReasoningPiece("H"),
        ReasoningPiece("m."),
        TextPiece("O"),
        TextPiece("ne."),
        ToolCallPiece(first),
        ToolCallPiece(second),
        EndPiece(reply),
    ]


async def test_signatures_go_back_on_their_parts_and_to_their_model_only(upstream: Upstream) -> None:
    reply = await answered(
        upstream, content(thought("Hm."), text("One.", thoughtSignature="dGV4dA=="), call(city="Ulm"))
    )
    (one,) = reply.tool_calls
    turn = Message("assistant", (*reply.opaque, ReasoningPart("Hm."), TextPart("One."), ToolCallPart(one)))
    result = Message("tool", (ToolResultPart(call_id=one.id, text="sunny"),))
    again = LlmJob(messages=(*job().messages, turn, result))
    second = await answered(upstream, content(), again)
    assert second.adapted == ()
    sent = upstream.seen[-1].body["contents"]  # pyright: ignore
    assert sent[1]["parts"] == [  # pyright: ignore
        text("One.", thoughtSignature="dGV4dA=="),
        call(city="Ulm"),
    ]
    assert sent[2]["parts"][0]["functionResponse"]["name"] == "weather"  # pyright: ignore
    changed = Message("assistant", (*reply.opaque, TextPart("Two."), ToolCallPart(one)))
    await answered(upstream, content(), LlmJob(messages=(*job().messages, changed, result)))
    assert upstream.seen[-1].body["contents"][1]["parts"][0] == text("Two.")  # pyright: ignore
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url))
    other = await worker.generate(again, candidate("gemini-other", thinking_mode="adaptive"), LIMITS)
    await worker.aclose()
    parts = upstream.seen[-1].body["contents"][1]["parts"]  # pyright: ignore
    assert parts == [text("One."), call(signature="skip_thought_signature_validator", city="Ulm")]
    assert [line.partition(":")[0] for line in other.adapted] == [
        "signed reasoning of an earlier turn",
        "tool calls of earlier turns",
    ]


async def test_what_is_kept_is_all_parts_but_bare_thoughts(upstream: Upstream) -> None:
    reply = await answered(upstream, content(thought("Hm."), text("One."), call(signature="c2ln", city="Ulm")))
    (kept,) = reply.opaque
    assert thaw(kept.data["parts"]) == [text("One."), call(signature="c2ln", city="Ulm")]


async def test_a_stream_without_an_end_is_broken_off(upstream: Upstream) -> None:
    pieces, caught = await broken(upstream, events(*STREAM[:3]))
    assert pieces[-1] == TextPiece("O")
    assert type(caught) is UnreachableError


async def test_an_empty_stream_is_broken_off(upstream: Upstream) -> None:
    assert type((await broken(upstream, events()))[1]) is UnreachableError


async def test_a_stream_that_says_that_the_prompt_is_blocked(upstream: Upstream) -> None:
    _, caught = await broken(upstream, events({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert type(caught) is ContentPolicyError


async def test_a_stream_without_a_candidate_is_no_answer(upstream: Upstream) -> None:
    _, caught = await broken(upstream, events({"usageMetadata": USAGE, "responseId": "r-1"}))
    assert type(caught) is InvalidResponseError


async def test_an_error_in_the_middle_of_a_stream_is_that_error(upstream: Upstream) -> None:
    pieces, caught = await broken(upstream, events(STREAM[2], error(503, "UNAVAILABLE", "The model is overloaded.")))
    assert pieces == [TextPiece("O")]
    assert type(caught) is OverloadedError


async def test_a_severed_stream_is_unreachable(upstream: Upstream) -> None:
    assert type((await broken(upstream, events(STREAM[2], cut=True)))[1]) is UnreachableError


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        (Answer(headers={"content-type": "text/event-stream"}, body=[STALL]), Limits(first_event=0.2)),
        (events(STREAM[2], stall=True), Limits(first_event=5, between_events=0.2)),
        (events(STREAM[2], stall=True), Limits(first_event=5, max_stream_seconds=0.3)),
    ],
    ids=["first", "between", "whole"],
)
async def test_waiting_in_a_stream_has_an_end(upstream: Upstream, answer: Answer, limits: Limits) -> None:
    _, caught = await broken(upstream, answer, limits)
    assert type(caught) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_a_stream_that_lingers_after_its_end_is_complete(upstream: Upstream) -> None:
    pieces = await collected(upstream, events(content(), stall=True), limits=Limits(between_events=0.2))
    assert isinstance(pieces[-1], EndPiece)


async def test_an_answer_without_a_stream_is_taken_too(upstream: Upstream) -> None:
    pieces = await collected(upstream, json_answer(content()))
    assert pieces[0] == TextPiece("Hi")


async def test_closing_a_stream_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [events(STREAM[2], stall=True)]
    worker = GoogleLlm(access(upstream.url))
    stream = worker.stream(job(), candidate(), LIMITS)
    assert await anext(stream) == TextPiece("O")
    await stream.aclose()
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_an_event_over_the_limit_ends_the_stream(upstream: Upstream) -> None:
    large = content(text("x" * 5000))
    _, caught = await broken(upstream, events(large), Limits(first_event=5, max_event_bytes=1000))
    assert "larger than 1000 bytes" in str(caught)
