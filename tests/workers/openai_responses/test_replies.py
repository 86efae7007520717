from __future__ import annotations

import pytest
from workers.given import INVOICE, LIMITS, access, candidate, job
from workers.openai_responses.wire import Item, called, events, refused, response, said, thought, told
from workers.upstream import Upstream, json_answer

from pipelex_like.types import EndPiece, FrozenDict, LlmJob, LlmReply, OpaquePart, ToolCall, Usage, thaw
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

COUNTED = Usage(input_tokens=9, output_tokens=7, cached_tokens=4, cache_write_tokens=2, reasoning_tokens=5)
ULM = FrozenDict(city="Ulm")


async def reply_to(upstream: Upstream, answer: Item, asked: LlmJob | None = None, **spec: object) -> LlmReply:
    """The reply to a whole answer, after a look whether the same answer streamed gives the same."""
    upstream.answers = [json_answer(answer, headers={"x-request-id": "req-1"}), events(*told(answer))]
    worker = ResponsesLlm(access(upstream.url))
    try:
        whole = await worker.generate(asked or job(), candidate(**spec), LIMITS)
        pieces = [piece async for piece in worker.stream(asked or job(), candidate(**spec), LIMITS)]
    finally:
        await worker.aclose()
    assert pieces[-1] == EndPiece(whole)
    return whole


async def test_text_usage_and_identity(upstream: Upstream) -> None:
    assert await reply_to(upstream, response()) == LlmReply(text="Hi", usage=COUNTED, provider_request_id="req-1")


async def test_the_identity_of_the_answer_serves_where_no_header_has_one(upstream: Upstream) -> None:
    upstream.answers = [json_answer(response())]
    worker = ResponsesLlm(access(upstream.url))
    assert (await worker.generate(job(), candidate(), LIMITS)).provider_request_id == "resp_1"
    await worker.aclose()


async def test_several_messages_and_parts_are_one_text(upstream: Upstream) -> None:
    assert (await reply_to(upstream, response(said("a", "b"), said("c")))).text == "abc"


async def test_parallel_calls(upstream: Upstream) -> None:
    answer = response(said("Wait."), called("a"), called("b", "not json"), called("c", ""))
    reply = await reply_to(upstream, answer)
    assert (reply.text, reply.finish_reason) == ("Wait.", "tool_calls")
    assert reply.tool_calls == (
        ToolCall(id="a", name="weather", arguments=ULM, raw='{"city":"Ulm"}'),
        ToolCall(id="b", name="weather", raw="not json"),
        ToolCall(id="c", name="weather", raw="{}"),
    )


async def test_an_object_asked_for_as_a_tool_comes_as_text(upstream: Upstream) -> None:
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    answer = response(called("a", '{"number":"7"}', name="Invoice"))
    reply = await reply_to(upstream, answer, asked, structure_method="tools")
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ('{"number":"7"}', (), "stop")


async def test_summaries_are_the_reasoning(upstream: Upstream) -> None:
    reply = await reply_to(upstream, response(thought("One.", "Two."), said("4"), thought("Three."), said("!")))
    assert (reply.text, reply.reasoning) == ("4!", "One.\n\nTwo.\n\nThree.")


async def test_reasoning_that_a_model_shows_itself_is_read_too(upstream: Upstream) -> None:
    item = thought() | {"content": [{"type": "reasoning_text", "text": "2+2"}]}
    assert (await reply_to(upstream, response(item, said("4")))).reasoning == "2+2"


async def test_encrypted_thoughts_are_kept_with_all_that_came_along(upstream: Upstream) -> None:
    reply = await reply_to(upstream, response(thought("Hm."), said("Wait."), called("a")))
    (part,) = reply.opaque
    assert (part.backend, part.data["model"]) == ("acme", "gpt-test")
    assert thaw(part.data["output"]) == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "c2VjcmV0",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Wait.", "annotations": []}],
        },
        called("a"),
    ]


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (response(), False),
        (response(thought("Hm.", encrypted=None), said("4")), False),
        (response(thought("Hm.", encrypted=None), said("4"), store=True), True),
    ],
    ids=["no thoughts", "neither encrypted nor stored", "stored"],
)
async def test_only_thoughts_that_can_go_back_are_kept(upstream: Upstream, answer: Item, kept: bool) -> None:
    opaque = (await reply_to(upstream, answer)).opaque
    assert bool(opaque) is kept
    assert all(isinstance(part, OpaquePart) for part in opaque)


async def test_a_refusal_is_text_that_was_filtered(upstream: Upstream) -> None:
    reply = await reply_to(upstream, response(refused("I must not.")))
    assert (reply.text, reply.finish_reason) == ("I must not.", "content_filter")


@pytest.mark.parametrize(
    ("reason", "ours"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("steered", "other")]
)
async def test_an_answer_that_is_incomplete_says_why(upstream: Upstream, reason: str, ours: str) -> None:
    answer = response(said("Hal"), status="incomplete", incomplete_details={"reason": reason})
    reply = await reply_to(upstream, answer)
    assert (reply.text, reply.finish_reason) == ("Hal", ours)


async def test_tokens_may_run_out_while_it_thinks(upstream: Upstream) -> None:
    details = {"reason": "max_output_tokens"}
    reply = await reply_to(upstream, response(thought(), status="incomplete", incomplete_details=details))
    assert (reply.text, reply.finish_reason) == ("", "length")


@pytest.mark.parametrize("usage", [None, {}, "many", {"input_tokens": -1, "output_tokens": "lots"}])
async def test_usage_that_cannot_be_believed_is_none(upstream: Upstream, usage: object) -> None:
    assert (await reply_to(upstream, response(usage=usage))).usage is None


async def test_items_of_later_versions_are_passed_over(upstream: Upstream) -> None:
    answer = response({"type": "web_search_call", "id": "ws_1"}, said("4"))
    upstream.answers = [json_answer(answer)]
    worker = ResponsesLlm(access(upstream.url))
    assert (await worker.generate(job(), candidate(), LIMITS)).text == "4"
    await worker.aclose()
