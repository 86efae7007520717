from __future__ import annotations

import pytest
from workers.anthropic.wire import message, text, tool_use
from workers.given import INVOICE, LIMITS, access, candidate, job
from workers.upstream import Upstream, json_answer

from pipelex_like.types import FrozenDict, LlmJob, LlmReply, Message, OpaquePart, TextPart, ToolCall, Usage
from pipelex_like.workers.anthropic.llm import AnthropicLlm


async def reply_to(upstream: Upstream, answer: object, asked: LlmJob | None = None, **spec: object) -> LlmReply:
    upstream.answers = [json_answer(answer)]
    worker = AnthropicLlm(access(upstream.url))
    try:
        return await worker.generate(asked or job(), candidate(**spec), LIMITS)
    finally:
        await worker.aclose()


async def test_text_usage_and_identity(upstream: Upstream) -> None:
    reply = await reply_to(upstream, message(text("H"), text("i")))
    assert reply == LlmReply(text="Hi", usage=Usage(input_tokens=3, output_tokens=2), provider_request_id="msg_1")


async def test_parallel_tool_calls(upstream: Upstream) -> None:
    answer = message(text("One moment."), tool_use("a", city="Ulm"), tool_use("b"), reason="tool_use")
    reply = await reply_to(upstream, answer)
    assert (reply.text, reply.finish_reason) == ("One moment.", "tool_calls")
    assert reply.tool_calls == (
        ToolCall(id="a", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}'),
        ToolCall(id="b", name="weather", raw="{}"),
    )


THOUGHT = {"type": "thinking", "thinking": "2+2", "signature": "c2ln"}


async def test_thoughts_are_reasoning_and_go_back_signed_to_the_same_model(upstream: Upstream) -> None:
    reply = await reply_to(upstream, message(THOUGHT, {"type": "redacted_thinking", "data": "x"}, text("4")))
    assert (reply.text, reply.reasoning) == ("4", "2+2")
    (opaque,) = reply.opaque
    assert opaque.backend == "acme"
    history = (
        *job().messages,
        Message("assistant", (opaque, TextPart("4"))),
        Message("user", (TextPart("Sure?"),)),
    )
    again = LlmJob(messages=history)
    await reply_to(upstream, message(), again)
    assert upstream.seen[-1].body["messages"][1]["content"] == [  # pyright: ignore
        THOUGHT,
        {"type": "redacted_thinking", "data": "x"},
        text("4"),
    ]


@pytest.mark.parametrize(
    ("opaque", "told"),
    [
        (OpaquePart(backend="acme", data=FrozenDict(model="another", content=(FrozenDict(THOUGHT),))), True),
        (OpaquePart(backend="elsewhere", data=FrozenDict(model="gpt-test", content=(FrozenDict(THOUGHT),))), True),
        (OpaquePart(backend="acme", data=FrozenDict(model="gpt-test")), False),
    ],
)
async def test_thoughts_of_others_stay_at_home(upstream: Upstream, opaque: OpaquePart, told: bool) -> None:
    turn = Message("assistant", (opaque, TextPart("4")))
    reply = await reply_to(upstream, message(), LlmJob(messages=(*job().messages, turn, *job().messages)))
    assert upstream.seen[-1].body["messages"][1]["content"] == "4"  # pyright: ignore
    assert reply.adapted == (
        ("signed reasoning of an earlier turn: left out, since another model made it",) if told else ()
    )


async def test_a_turn_that_the_caller_changed_keeps_its_thoughts_and_the_change(upstream: Upstream) -> None:
    (opaque,) = (await reply_to(upstream, message(THOUGHT, text("4")))).opaque
    turn = Message("assistant", (opaque, TextPart("five")))
    await reply_to(upstream, message(), LlmJob(messages=(*job().messages, turn, *job().messages)))
    assert upstream.seen[-1].body["messages"][1]["content"] == [THOUGHT, text("five")]  # pyright: ignore


async def test_a_refusal_says_why(upstream: Upstream) -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "That could harm."}
    reply = await reply_to(upstream, message(reason="refusal", content=[], stop_details=details))
    assert (reply.text, reply.finish_reason) == ("That could harm.", "content_filter")


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
    ],
)
async def test_finish_reasons(upstream: Upstream, told: str, ours: str) -> None:
    assert (await reply_to(upstream, message(reason=told))).finish_reason == ours


async def test_an_object_asked_for_as_a_tool_comes_as_text(upstream: Upstream) -> None:
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    use = {"type": "tool_use", "id": "a", "name": "Invoice", "input": {"number": "7"}}
    reply = await reply_to(upstream, message(use, reason="tool_use"), asked, structure_method="tools")
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ('{"number":"7"}', (), "stop")


CACHED = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 50,
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 25},
}


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (None, None),
        ({}, None),
        ("many", None),
        ({"input_tokens": -1, "output_tokens": "lots"}, None),
        (
            CACHED,
            Usage(
                input_tokens=160,
                output_tokens=40,
                cached_tokens=100,
                cache_write_tokens=30,
                cache_write_1h_tokens=20,
                reasoning_tokens=25,
            ),
        ),
        (
            {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 5, "cache_read_input_tokens": None},
            Usage(input_tokens=6, output_tokens=2, cache_write_tokens=5),
        ),
        ({"output_tokens": 2}, Usage(output_tokens=2, estimated=True)),
        ({"input_tokens": "12", "output_tokens": 3.0}, Usage(input_tokens=12, output_tokens=3, estimated=True)),
        (
            {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 9}},
            Usage(input_tokens=1, output_tokens=2, reasoning_tokens=2, estimated=True),
        ),
    ],
)
async def test_usage_of_every_shape(upstream: Upstream, told: object, usage: Usage | None) -> None:
    assert (await reply_to(upstream, message(usage=told))).usage == usage
