"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.anthropic.wire import events, message, said, started, stopped
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job
from workers.upstream import Upstream, json_answer

from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
)
from pipelex_like.workers.anthropic.client import VERSION
from pipelex_like.workers.anthropic.llm import AnthropicLlm

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"

CLAUDE = candidate("claude-test")
ONE = ToolCall(id="toolu_1", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
TWO = ToolCall(id="toolu_2", name="weather", arguments=FrozenDict(city="Bonn"), raw='{"city":"Bonn"}')
SIGNED = OpaquePart(
    backend="acme",
    data=FrozenDict(
        model="claude-test",
        content=(
            FrozenDict(type="thinking", thinking="I must ask.", signature="c2ln"),
            FrozenDict(type="text", text="One moment."),
            FrozenDict(type="tool_use", id="toolu_1", name="weather", input=FrozenDict(city="Ulm")),
            FrozenDict(type="redacted_thinking", data="eHh4"),
            FrozenDict(type="tool_use", id="toolu_2", name="weather", input=FrozenDict(city="Bonn")),
        ),
    ),
)
HISTORY = LlmJob(
    messages=(
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Weather in Ulm and Bonn?"),)),
        Message(
            "assistant",
            (SIGNED, ReasoningPart("I must ask."), TextPart("One moment."), ToolCallPart(ONE), ToolCallPart(TWO)),
        ),
        Message("tool", (ToolResultPart(call_id="toolu_1", text="sunny"),)),
        Message("tool", (ToolResultPart(call_id="toolu_2", text="no such town", is_error=True),)),
        Message("user", (TextPart("And"), TextPart("tomorrow?"))),
        Message("assistant", (TextPart("Rain."),)),
        Message("user", (TextPart("Thanks."),)),
    ),
    tools=(WEATHER,),
    settings=FrozenDict(tool_choice="auto", parallel_tool_calls=False),
)
EVERY_SETTING = {
    "temperature": 1.5,
    "top_k": 5,
    "max_tokens": 100,
    "stop": ["END", "\n\n"],
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "logit_bias": {"50256": -100},
    "logprobs": 3,
    "user": "u-1",
    "metadata": {"team": "a"},
    "service_tier": "standard_only",
    "tool_choice": "required",
    "extra": {"cache_control": {"type": "ephemeral"}, "metadata": {"more": 1}},
}
PICTURE = ImagePart(Media(mime="image/png", data=PNG), "low")
LINKED = ImagePart(Media(mime="image/png", url="https://example.org/a.png"))
PDF = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf"))
PDF_LINKED = DocumentPart(Media(mime="application/pdf", url="https://example.org/a.pdf"))
NOTE = DocumentPart(Media(mime="text/markdown", data=b"# Note <b>", name="note.md"))
OBJECT = LlmJob(messages=job(system="Short.").messages, schema=INVOICE)


def claude(**spec: object) -> Candidate:
    return candidate("claude-test", **spec)


CASES: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), CLAUDE),
    "settings": (job(**EVERY_SETTING), CLAUDE),
    "history_with_tools": (HISTORY, CLAUDE),
    "images": (job(TextPart("What is it?"), PICTURE, LINKED), CLAUDE),
    "documents": (job(TextPart("Sum up."), PDF, PDF_LINKED, NOTE), CLAUDE),
    "tool": (LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather")), CLAUDE),
    "object_schema": (OBJECT, CLAUDE),
    "object_tools": (OBJECT, claude(structure_method="tools")),
    "object_json": (OBJECT, claude(structure_method="json")),
    "thinking_manual": (job(reasoning_effort="high"), claude(thinking_mode="manual", max_tokens=64000)),
    "thinking_adaptive": (
        LlmJob(messages=job().messages, schema=INVOICE, settings=FrozenDict(reasoning_effort="high")),
        claude(thinking_mode="adaptive", max_tokens=128000),
    ),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", CASES)
async def test_a_message_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(message())]
    worker = AnthropicLlm(access(upstream.url))
    await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1/messages")
    assert seen.body == recorded(name)


async def test_a_stream_sends_the_same_and_asks_for_a_stream(upstream: Upstream) -> None:
    upstream.answers = [events(started(), *said(0, "a"), *stopped())]
    worker = AnthropicLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*CASES["text"], LIMITS)]
    await worker.aclose()
    assert upstream.seen[0].body == {**recorded("text"), "stream": True}  # pyright: ignore[reportGeneralTypeIssues]


ADAPTED = {
    "settings": [
        "temperature: 1.5 lowered to 1, the most that Anthropic takes",
        "stop: blanks left out, Anthropic takes none as a stop",
        "metadata: left out, Anthropic keeps nothing but a user_id",
        "tool_choice: left out, there are no tools",
        "seed: left out, Anthropic has no word for it",
        "frequency_penalty: left out, Anthropic has no word for it",
        "presence_penalty: left out, Anthropic has no word for it",
        "logit_bias: left out, Anthropic has no word for it",
        "logprobs: left out, Anthropic has no word for it",
    ],
    "images": ["detail of pictures: left out, this protocol has no word for it"],
    "history_with_tools": [],
}


@pytest.mark.parametrize("name", ADAPTED)
async def test_what_was_changed_is_told(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(message())]
    worker = AnthropicLlm(access(upstream.url))
    reply = await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    assert list(reply.adapted) == ADAPTED[name]


async def test_headers_of_backend_and_spec_go_along_and_nothing_else(upstream: Upstream) -> None:
    upstream.answers = [json_answer(message())]
    worker = AnthropicLlm(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.generate(job(), claude(headers=FrozenDict({"anthropic-beta": "some-beta"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert headers["anthropic-beta"] == "some-beta"
    assert headers["anthropic-version"] == VERSION
    own = {"x-team", "anthropic-beta", "x-stainless-retry-count", "x-stainless-timeout"}
    assert set(headers) - own == {
        "host",
        "connection",
        "authorization",
        "anthropic-version",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
    }


def test_the_protocols_version_is_the_sdks() -> None:
    from anthropic._constants import ANTHROPIC_API_VERSION

    assert ANTHROPIC_API_VERSION == VERSION


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/messages"])
async def test_every_spelling_of_an_endpoint_reaches_the_same_path(upstream: Upstream, path: str) -> None:
    upstream.answers = [json_answer(message()), json_answer(message())]
    for prefix in ("", "/gateway/anthropic"):
        worker = AnthropicLlm(access(f"{upstream.url}{prefix}{path}"))
        await worker.generate(job(), CLAUDE, LIMITS)
        await worker.aclose()
    assert [seen.path for seen in upstream.seen] == ["/v1/messages", "/gateway/anthropic/v1/messages"]
