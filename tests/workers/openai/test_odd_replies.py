"""Replies that are odd, and legal: what servers of this protocol are known to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import LIMITS, access, candidate, chunk, completion, job
from workers.upstream import Answer, json_answer, sse

from pipelex_like.errors import InvalidResponseError
from pipelex_like.types import EndPiece, FrozenDict, LlmReply, ToolCall, ToolCallPiece
from pipelex_like.workers.openai.llm import OpenAiLlm

if TYPE_CHECKING:
    from workers.upstream import Upstream

    from pipelex_like.types import Piece

ULM = ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')


async def streamed(upstream: Upstream, answer: Answer) -> tuple[list[Piece], LlmReply]:
    upstream.answers = [answer]
    worker = OpenAiLlm(access(upstream.url))
    try:
        *pieces, end = [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
    finally:
        await worker.aclose()
    assert isinstance(end, EndPiece)
    return pieces, end.reply


async def whole(upstream: Upstream, **choice: object) -> LlmReply:
    upstream.answers = [json_answer(completion(choices=[choice]))]
    worker = OpenAiLlm(access(upstream.url))
    try:
        return await worker.generate(job(), candidate(), LIMITS)
    finally:
        await worker.aclose()


def calling(index: int = 0, call_id: object = None, **function: object) -> dict[str, object]:
    return chunk({"tool_calls": [{"index": index, "id": call_id, "function": function}]})


@pytest.mark.parametrize(
    "pieces",
    [
        [calling(call_id="a", name="weather", arguments='{"city":"Ulm"}')],
        [calling(call_id="a", name="weather"), calling(arguments='{"city"'), calling(arguments=':"Ulm"}')],
        [calling(call_id="a", name="weather", arguments=""), calling(call_id="", name="", arguments='{"city":"Ulm"}')],
        [calling(call_id="a", name="weather", arguments=None), calling(name=None, arguments='{"city":"Ulm"}')],
        [calling(name="weather", arguments='{"city":'), calling(call_id="a", arguments='"Ulm"}')],
        [calling(call_id="a", name="weather", arguments={"city": "Ulm"})],
        [calling(index=3, call_id="a", name="weather", arguments='{"city":"Ulm"}')],
    ],
    ids=["one piece", "three pieces", "empty id again", "null arguments", "id later", "a table", "index 3"],
)
async def test_the_arguments_of_a_call_come_in_any_pieces(upstream: Upstream, pieces: list[object]) -> None:
    told, reply = await streamed(upstream, sse(*pieces, chunk({"content": None}, "tool_calls")))
    assert reply.tool_calls == (ULM,)
    assert told == [ToolCallPiece(ULM)]
    assert reply.finish_reason == "tool_calls"


async def test_an_empty_reason_is_no_reason_yet(upstream: Upstream) -> None:
    parts = [calling(call_id="a", name="weather", arguments='{"city":'), calling(arguments='"Ulm"}')]
    for part in parts:
        part["choices"][0]["finish_reason"] = ""  # pyright: ignore
    _, reply = await streamed(upstream, sse(*parts, chunk({}, "stop")))
    assert (reply.tool_calls, reply.finish_reason) == ((ULM,), "tool_calls")
    assert (await whole(upstream, message={"content": "Hi"}, finish_reason="")).finish_reason == "stop"


async def test_of_several_choices_the_first_is_the_answer(upstream: Upstream) -> None:
    both = {"choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]}
    other = {"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]}
    _, reply = await streamed(upstream, sse(both, other, chunk({"content": "a"}, "stop")))
    assert (reply.text, reply.finish_reason) == ("Aa", "stop")
    upstream.answers = [
        json_answer(
            completion(choices=[{"index": at, "message": {"content": text}} for at, text in ((1, "B"), (0, "A"))])
        )
    ]
    worker = OpenAiLlm(access(upstream.url))
    assert (await worker.generate(job(), candidate(), LIMITS)).text == "A"
    await worker.aclose()


@pytest.mark.parametrize(
    "refusal", [{"refusal": "No."}, {"content": None, "refusal": "No."}, {"content": "", "refusal": "No."}]
)
async def test_a_refusal_is_the_text_and_the_reason(upstream: Upstream, refusal: dict[str, object]) -> None:
    _, reply = await streamed(upstream, sse(chunk(refusal), chunk({}, "stop")))
    for one in (reply, await whole(upstream, message=refusal, finish_reason="stop")):
        assert (one.text, one.finish_reason) == ("No.", "content_filter")


async def test_a_refusal_after_some_text_is_the_same_streamed_and_not(upstream: Upstream) -> None:
    _, reply = await streamed(upstream, sse(chunk({"content": "Well. "}), chunk({"refusal": "No."}), chunk({}, "stop")))
    one = await whole(upstream, message={"content": "Well. ", "refusal": "No."}, finish_reason="stop")
    assert (one.text, one.finish_reason) == (reply.text, reply.finish_reason) == ("Well. No.", "content_filter")


async def test_nulls_everywhere_are_nothing(upstream: Upstream) -> None:
    delta = dict.fromkeys(("content", "tool_calls", "refusal", "reasoning_content", "reasoning_details", "audio"))
    empty = {"id": None, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None, "error": None}
    pieces, reply = await streamed(upstream, sse(empty, {"choices": []}, chunk({"content": "Hi"}), chunk({}, "stop")))
    assert (reply.text, len(pieces)) == ("Hi", 1)
    one = await whole(upstream, index=None, message={"role": "assistant", **delta}, finish_reason=None)
    assert (one.text, one.tool_calls, one.reasoning, one.finish_reason) == ("", (), "", "stop")


async def test_a_reason_that_nobody_knows_is_another(upstream: Upstream) -> None:
    _, reply = await streamed(upstream, sse(chunk({"content": "Hi"}), chunk({}, "sensitive_topic")))
    assert reply.finish_reason == "other"
    assert (await whole(upstream, message={"content": "Hi"}, finish_reason="sensitive_topic")).finish_reason == "other"


async def test_a_stream_without_any_choice_is_no_answer(upstream: Upstream) -> None:
    with pytest.raises(InvalidResponseError, match="without a word"):
        await streamed(upstream, sse({"message": "hello"}, {"choices": [], "usage": {"prompt_tokens": 1}}))


TEXT = "Grüße, 世界 🌍"
EVENT = orjson.dumps(chunk({"content": TEXT})).decode()
END = orjson.dumps(chunk({}, "stop")).decode()


@pytest.mark.parametrize(
    "body",
    [
        f"data: {EVENT}\n\ndata: {END}\n\ndata: [DONE]\n\n",
        f"data:{EVENT}\r\n\r\ndata:{END}\r\n\r\ndata:[DONE]\r\n\r\n",
        f"data: {EVENT}\r\rdata: {END}\r\rdata: [DONE]\r\r",
        f": waiting\n\n: keep-alive\ndata: {EVENT}\n\n:\n\ndata: {END}\n\n",
        f"\ufeffevent: message\nid: 7\nretry: 100\ndata: {EVENT}\n\nevent: ping\n\ndata: {END}\n\n",
        "".join(f"data: {line}\n" for line in EVENT.replace(',"', ',\n"').split("\n")) + f"\ndata: {END}\n\n",
    ],
    ids=["LF", "CRLF", "CR", "comments", "mark and names", "several lines"],
)
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
async def test_events_are_found_however_they_are_cut(upstream: Upstream, body: str, size: int) -> None:
    raw = body.encode()
    parts: list[bytes | None] = [raw[at : at + size] for at in range(0, len(raw), size)]
    _, reply = await streamed(upstream, Answer(headers={"content-type": "text/event-stream"}, body=parts))
    assert (reply.text, reply.finish_reason) == (TEXT, "stop")
