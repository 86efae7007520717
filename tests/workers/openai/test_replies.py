from __future__ import annotations

import pytest
from workers.given import INVOICE, LIMITS, WEATHER, access, candidate, completion, job
from workers.upstream import Upstream, json_answer

from pipelex_like.types import FrozenDict, LlmJob, LlmReply, OpaquePart, ToolCall, Usage
from pipelex_like.workers.openai.llm import OpenAiLlm


async def reply_to(upstream: Upstream, answer: object, asked: LlmJob | None = None, **spec: object) -> LlmReply:
    upstream.answers = [json_answer(answer)]
    worker = OpenAiLlm(access(upstream.url))
    try:
        return await worker.generate(asked or job(), candidate(**spec), LIMITS)
    finally:
        await worker.aclose()


def saying(reason: str = "stop", **message: object) -> dict[str, object]:
    return completion(choices=[{"message": {"role": "assistant", **message}, "finish_reason": reason}])


async def test_text_usage_and_identity(upstream: Upstream) -> None:
    assert await reply_to(upstream, completion("Hi")) == LlmReply(
        text="Hi", usage=Usage(input_tokens=3, output_tokens=2), provider_request_id="chat-1"
    )


async def test_parallel_tool_calls(upstream: Upstream) -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}},
        {"function": {"name": "weather", "arguments": {"city": "Bonn"}}},
        {"id": "c", "function": {"name": "weather", "arguments": "not json"}},
        {"id": "d", "function": {"name": "weather", "arguments": ""}},
    ]
    reply = await reply_to(
        upstream, saying("stop", content=None, tool_calls=calls), LlmJob(messages=(), tools=(WEATHER,))
    )
    assert reply.finish_reason == "tool_calls"
    assert reply.tool_calls == (
        ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}'),
        ToolCall(id="call_1", name="weather", arguments=FrozenDict(city="Bonn"), raw='{"city":"Bonn"}'),
        ToolCall(id="c", name="weather", raw="not json"),
        ToolCall(id="d", name="weather", raw="{}"),
    )


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
async def test_reasoning_under_either_name(upstream: Upstream, key: str) -> None:
    reply = await reply_to(upstream, saying(content="4", **{key: "2+2"}))
    assert (reply.text, reply.reasoning) == ("4", "2+2")


async def test_content_in_parts_with_thinking(upstream: Upstream) -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]
    reply = await reply_to(upstream, saying(content=parts))
    assert (reply.text, reply.reasoning) == ("yes", "hm")


async def test_reasoning_details_travel_back_to_the_same_backend(upstream: Upstream) -> None:
    reply = await reply_to(upstream, saying(content="x", reasoning_details=[{"data": "sig"}]))
    details = (FrozenDict(data="sig"),)
    assert reply.opaque == (OpaquePart(backend="acme", data=FrozenDict(reasoning_details=details)),)


async def test_a_refusal_is_text_that_was_filtered(upstream: Upstream) -> None:
    reply = await reply_to(upstream, saying(content=None, refusal="I must not."))
    assert (reply.text, reply.finish_reason) == ("I must not.", "content_filter")


async def test_an_object_asked_for_as_a_tool_comes_as_text(upstream: Upstream) -> None:
    calls = [{"id": "a", "function": {"name": "Invoice", "arguments": '{"number":"7"}'}}]
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    reply = await reply_to(upstream, saying("tool_calls", tool_calls=calls), asked, structure_method="tools")
    assert (reply.text, reply.tool_calls) == ('{"number":"7"}', ())


@pytest.mark.parametrize(
    ("told", "ours"),
    [("stop", "stop"), ("eos", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("weird", "other")],
)
async def test_finish_reasons(upstream: Upstream, told: str, ours: str) -> None:
    assert (await reply_to(upstream, saying(told, content="x"))).finish_reason == ours


DETAILS = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 5, "cache_write_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 2},
}


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (None, None),
        ({}, None),
        ("many", None),
        ({"prompt_tokens": -1, "completion_tokens": "lots"}, None),
        ({"prompt_tokens": True, "completion_tokens": None}, None),
        (
            DETAILS,
            Usage(
                input_tokens=100,
                output_tokens=50,
                cached_tokens=80,
                cache_write_tokens=4,
                reasoning_tokens=30,
                input_audio_tokens=5,
                output_audio_tokens=2,
            ),
        ),
        ({"input_tokens": 1, "output_tokens": 2}, Usage(input_tokens=1, output_tokens=2)),
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, Usage(input_tokens=12, output_tokens=3, estimated=True)),
        ({"prompt_tokens": 9, "total_tokens": 12}, Usage(input_tokens=9, output_tokens=3, estimated=True)),
        ({"prompt_tokens": 9, "completion_tokens": -5}, Usage(input_tokens=9, estimated=True)),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 99},
            Usage(input_tokens=10, output_tokens=1, cached_tokens=10, estimated=True),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=10, output_tokens=25, reasoning_tokens=20),
        ),
    ],
)
async def test_usage_of_every_shape(upstream: Upstream, told: object, usage: Usage | None) -> None:
    assert (await reply_to(upstream, completion(usage=told))).usage == usage
