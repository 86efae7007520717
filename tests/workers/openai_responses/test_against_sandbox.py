"""The same worker against the simulated provider, which checks requests as strictly as the real one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job
from workers.openai.test_against_sandbox import STREAMED, TIGHT

from pipelex_like.errors import CallError
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import (
    DocumentPart,
    EndPiece,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pipelex_like.types import LlmReply

THINKER = candidate("sandbox-text", thinking_mode="adaptive")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
async def worker(sandbox: Sandbox) -> AsyncIterator[ResponsesLlm]:
    running = ResponsesLlm(access(sandbox.url, sandbox.api_key))
    yield running
    await running.aclose()


async def streamed(worker: ResponsesLlm, asked: LlmJob) -> LlmReply:
    end = [piece async for piece in worker.stream(asked, THINKER, LIMITS)][-1]
    assert isinstance(end, EndPiece)
    return replace(end.reply, opaque=(), provider_request_id=None)


async def test_streamed_and_not_are_the_same(worker: ResponsesLlm) -> None:
    asked = job(system="Be kind.", reasoning_effort="low")
    whole = await worker.generate(asked, THINKER, LIMITS)
    assert whole.text
    assert whole.reasoning
    assert whole.usage
    assert whole.usage.reasoning_tokens
    assert await streamed(worker, asked) == replace(whole, opaque=(), provider_request_id=None)


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_an_object_by_every_method(worker: ResponsesLlm, method: str) -> None:
    asked = LlmJob(messages=(Message("user", (TextPart("number: 77\ntotal: 12"),)),), schema=INVOICE)
    reply = await worker.generate(asked, candidate("sandbox-text", structure_method=method), LIMITS)
    assert orjson.loads(reply.text)["number"] == "77"


async def test_a_thinker_calls_a_tool_and_goes_on_with_its_thoughts(worker: ResponsesLlm, sandbox: Sandbox) -> None:
    ask = Message("user", (TextPart("weather, city: Ulm"),))
    settings = FrozenDict(reasoning_effort="low")
    first = await worker.generate(LlmJob(messages=(ask,), tools=(WEATHER,), settings=settings), THINKER, LIMITS)
    (call,) = first.tool_calls
    assert (call.arguments, first.finish_reason) == (FrozenDict(city="Ulm"), "tool_calls")
    turn: tuple[Part, ...] = (*first.opaque, ToolCallPart(call))
    told = Message("tool", (ToolResultPart(call_id=call.id, text="sunny"),))
    messages = (ask, Message("assistant", turn), told)
    second = await worker.generate(LlmJob(messages=messages, tools=(WEATHER,), settings=settings), THINKER, LIMITS)
    assert "sunny" in second.text
    body = sandbox.requests[-1].body
    assert isinstance(body, dict)
    assert [item.get("type", "message") for item in body["input"]] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]


async def test_pictures_and_documents_arrive(worker: ResponsesLlm) -> None:
    picture = ImagePart(Media(mime="image/png", data=PNG))
    paper = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf"))
    reply = await worker.generate(job(TextPart("Look."), picture, paper), THINKER, LIMITS)
    assert "1 picture" in reply.text
    assert "bill.pdf" in reply.text


async def test_tokens_that_run_out_are_told(worker: ResponsesLlm) -> None:
    reply = await worker.generate(job(max_tokens=16), THINKER, LIMITS)
    assert reply.finish_reason == "length"


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_every_fault_is_an_error_of_ours(worker: ResponsesLlm, name: str, stream: bool) -> None:
    if not stream and name in ("fault-noend", "fault-stall-2", "fault-cut-2", "fault-error-2"):
        return
    with pytest.raises(CallError) as caught:
        if stream:
            _ = [piece async for piece in worker.stream(job(), candidate(name), TIGHT)]
        else:
            await worker.generate(job(), candidate(name), TIGHT)
    if stream:
        assert type(caught.value) is STREAMED[name]


@pytest.mark.parametrize("name", ["fault-usage-missing", "fault-usage-negative", "fault-usage-text"])
async def test_usage_that_cannot_be_believed_is_none(worker: ResponsesLlm, name: str) -> None:
    reply = await worker.generate(job(), candidate(name), LIMITS)
    assert reply.text
    assert reply.usage is None
