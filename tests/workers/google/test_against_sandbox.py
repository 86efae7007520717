"""The worker against the simulated provider, which checks requests as strictly as the real one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job

from pipelex_like.deck import Costs
from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import (
    DocumentPart,
    EndPiece,
    FrozenDict,
    ImagePart,
    LlmJob,
    LlmReply,
    Media,
    Message,
    ReasoningPart,
    ReasoningPiece,
    TextPart,
    ToolCallPart,
    ToolCallPiece,
    ToolResultPart,
)
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.base import Limits
from pipelex_like.workers.google.llm import GoogleLlm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.deck import Candidate

TEXT = candidate("sandbox-text")
ADAPTIVE = candidate("sandbox-text", thinking_mode="adaptive")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def both(sandbox: Sandbox, asked: LlmJob, chosen: Candidate = TEXT) -> tuple[LlmReply, list[object]]:
    """The same job whole and streamed: the reply, and the pieces before the end, whose reply must be the same."""
    worker = GoogleLlm(access(sandbox.url, sandbox.api_key))
    sandbox.reset()
    whole = await worker.generate(asked, chosen, LIMITS)
    sandbox.reset()
    pieces: list[object] = [piece async for piece in worker.stream(asked, chosen, LIMITS)]
    await worker.aclose()
    assert pieces.pop() == EndPiece(whole)
    return whole, pieces


async def test_text_streamed_and_not_has_the_same_reply_and_cost(sandbox: Sandbox) -> None:
    reply, pieces = await both(sandbox, job(system="Be kind."))
    assert reply.text.startswith("Simulated answer:")
    assert len(pieces) > 3
    assert reply.finish_reason == "stop"
    assert reply.provider_request_id == "sandbox-000001"
    assert reply.usage
    prices = Costs(tokens=FrozenDict(input=Decimal(3), output=Decimal(15)))
    expected = (3 * reply.usage.input_tokens + 15 * reply.usage.output_tokens) / Decimal(1_000_000)
    assert cost_of(reply.usage, candidate(costs=prices).spec)[0] == expected > 0


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_an_object_by_every_method(sandbox: Sandbox, method: str) -> None:
    asked = LlmJob(messages=(Message("user", (TextPart("number: 77\ntotal: 12"),)),), schema=INVOICE)
    reply, pieces = await both(sandbox, asked, candidate("sandbox-text", structure_method=method))
    assert orjson.loads(reply.text)["number"] == "77"
    assert (reply.tool_calls, reply.finish_reason) == ((), "stop")
    assert len(pieces) > 1 or method == "tools"  # Google sends the input of a tool whole


@pytest.mark.parametrize("choice", ["weather", "required"])
async def test_a_tool_that_is_required_is_called(sandbox: Sandbox, choice: str) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice=choice))
    reply, pieces = await both(sandbox, asked)
    assert [call.name for call in reply.tool_calls] == ["weather"]
    assert pieces == [ToolCallPiece(reply.tool_calls[0])]
    assert reply.finish_reason == "tool_calls"


async def test_a_conversation_with_thinking_and_tools_goes_on(sandbox: Sandbox) -> None:
    asked = LlmJob(
        messages=job(TextPart("weather, city: Ulm")).messages,
        tools=(WEATHER,),
        settings=FrozenDict(reasoning_effort="low"),
    )
    reply, pieces = await both(sandbox, asked, ADAPTIVE)
    assert reply.reasoning
    assert isinstance(pieces[0], ReasoningPiece)
    assert reply.usage
    assert reply.usage.reasoning_tokens == 64
    (call,) = reply.tool_calls
    again = LlmJob(
        messages=(
            *asked.messages,
            Message("assistant", (*reply.opaque, ReasoningPart(reply.reasoning), ToolCallPart(call))),
            Message("tool", (ToolResultPart(call_id=call.id, text="12 degrees"),)),
            Message("user", (TextPart("So?"),)),
        ),
        tools=asked.tools,
        settings=asked.settings,
    )
    answer, _ = await both(sandbox, again, ADAPTIVE)
    assert "So?" in answer.text
    assert answer.adapted == ()


async def test_pictures_and_papers_are_taken(sandbox: Sandbox) -> None:
    asked = job(
        TextPart("What is it?"),
        ImagePart(Media(mime="image/png", data=PNG)),
        ImagePart(Media(mime="image/png", url="https://example.org/a.png")),
        DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf")),
        DocumentPart(Media(mime="text/plain", data=b"a note", name="note.txt")),
    )
    reply, _ = await both(sandbox, asked)
    assert "2 pictures: 1x1 PNG, by address" in reply.text
    assert "1 file: application/pdf" in reply.text


async def test_a_stop_and_a_limit_end_the_answer(sandbox: Sandbox) -> None:
    stopped, _ = await both(sandbox, job(stop=["you"]))
    assert stopped.finish_reason == "stop"
    assert not stopped.text.count("you")
    short, _ = await both(sandbox, job(max_tokens=3))
    assert (short.finish_reason, short.usage and short.usage.output_tokens) == ("length", 3)


FAULTS = {
    "fault-status-500": ServerError,
    "fault-status-401": CredentialsError,
    "fault-status-429-after-2": RateLimitError,
    "fault-status-400+code-insufficient_quota": QuotaError,
    "fault-status-400+code-context_length_exceeded": ContextWindowError,
    "fault-status-400+code-content_filter": ContentPolicyError,
    "fault-status-529": OverloadedError,
    "fault-redirect": InvalidResponseError,
    "fault-stall-0": CallTimeoutError,
    "fault-cut-1": UnreachableError,
    "fault-reset-0": UnreachableError,
    "fault-cutjson": InvalidResponseError,
    "fault-badjson": InvalidResponseError,
    "fault-html": InvalidResponseError,
    "fault-empty": InvalidResponseError,
    "fault-slow-1": CallTimeoutError,
    "fault-huge-1": InvalidResponseError,
    "fault-error-0": ServerError,
}
# A stream without an event has broken off; one that is slow or stalls is told by the wait for its first event.
STREAMED = {
    **FAULTS,
    "fault-cutjson": UnreachableError,
    "fault-empty": UnreachableError,
    "fault-noend": UnreachableError,
    "fault-stall-2": CallTimeoutError,
    "fault-cut-2": UnreachableError,
    "fault-error-2": ServerError,
}
TIGHT = Limits(timeout=0.5, first_event=0.5, between_events=0.5, max_response_bytes=100_000, max_event_bytes=100_000)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_a_call_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    sandbox.reset()
    worker = GoogleLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(name), TIGHT)
    await worker.aclose()
    assert type(caught.value) is FAULTS[name]
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("name", STREAMED)
async def test_every_fault_of_a_stream_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    worker = GoogleLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(CallError) as caught:
        _ = [piece async for piece in worker.stream(job(), candidate(name), TIGHT)]
    await worker.aclose()
    assert type(caught.value) is STREAMED[name]


@pytest.mark.parametrize("name", ["fault-usage-missing", "fault-usage-negative", "fault-usage-text"])
async def test_usage_that_cannot_be_believed_is_none(sandbox: Sandbox, name: str) -> None:
    reply, _ = await both(sandbox, job(), candidate(name))
    assert reply.text
    assert reply.usage is None


async def test_a_stranger_is_not_let_in(sandbox: Sandbox) -> None:
    worker = GoogleLlm(access(sandbox.url, "sk-wrong-key-0123456789"))
    with pytest.raises(CredentialsError):
        await worker.generate(job(), TEXT, LIMITS)
    await worker.aclose()


async def test_what_the_provider_calls_wrong_is_a_bad_request(sandbox: Sandbox) -> None:
    worker = GoogleLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(BadRequestError, match='Unknown name "no_such_key"'):
        await worker.generate(job(extra={"no_such_key": 1}), TEXT, LIMITS)
    await worker.aclose()
