"""Ollama's context size: it takes effect through Ollama's own API, or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, KEY, LIMITS, PNG, WEATHER, candidate, completion, job
from workers.upstream import Answer, Upstream, json_answer, sse

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CapabilityError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
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
    Media,
    Message,
    OpaquePart,
    ReasoningPart,
    ReasoningPiece,
    TextPart,
    TextPiece,
    ToolCall,
    ToolCallPart,
    ToolCallPiece,
    ToolResultPart,
    Usage,
    freeze,
)
from pipelex_like.workers.base import Access, Limits
from pipelex_like.workers.capability import capability_gap
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.openai.ollama import native_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.types import LlmReply, Piece


def llama(**spec: object) -> object:
    return candidate("llama3.1", variant="ollama", **spec)


def at(url: str, **keys: object) -> Access:
    return Access(backend="ollama", sdk="openai", keys=FrozenDict({"endpoint": url, **keys}))


def answered(content: str = "Hi", **more: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    counts = {"done": True, "done_reason": "stop", "prompt_eval_count": 12, "eval_count": 3}
    return {"model": "llama3.1", "created_at": "2026-01-01T00:00:00Z", "message": message, **counts, **more}


def lines(*values: object) -> Answer:
    body: list[bytes | None] = [orjson.dumps(value) + b"\n" for value in values]
    return Answer(headers={"content-type": "application/x-ndjson"}, body=body)


def piece(**message: object) -> dict[str, object]:
    return {"model": "llama3.1", "message": {"role": "assistant", "content": "", **message}, "done": False}


async def sent(upstream: Upstream, asked: LlmJob, spec: object, **keys: object) -> tuple[object, LlmReply]:
    if not upstream.answers:
        upstream.answers = [json_answer(answered())]
    worker = OpenAiLlm(at(upstream.url, **keys))
    reply = await worker.generate(asked, spec, LIMITS)
    await worker.aclose()
    return upstream.seen[-1], reply


SIZED = [
    (job(), {"context_window": 4096}, {}, 4096),
    (job(extra={"options": {"num_ctx": 8192}}), {}, {}, 8192),
    (job(extra={"options": {"num_ctx": 8192}}), {"context_window": 4096}, {"context_size": 2048}, 8192),
    (job(), {"context_window": 4096}, {"context_size": 2048}, 4096),
    (job(), {}, {"context_size": 2048}, 2048),
]


@pytest.mark.parametrize(("asked", "spec", "keys", "size"), SIZED)
async def test_a_context_size_is_sent_to_ollamas_own_api(
    upstream: Upstream, asked: LlmJob, spec: dict[str, object], keys: dict[str, object], size: int
) -> None:
    seen, reply = await sent(upstream, asked, llama(**spec), **keys)
    assert seen.path == "/api/chat"
    assert seen.body["options"] == {"num_ctx": size}
    assert "extra" not in seen.body
    assert (reply.text, reply.usage, reply.finish_reason) == ("Hi", Usage(input_tokens=12, output_tokens=3), "stop")
    assert reply.adapted == ()


async def test_without_one_the_compatible_api_serves(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion()), json_answer(completion())]
    seen, _ = await sent(upstream, job(), llama())
    assert (seen.path, "options" in seen.body) == ("/v1/chat/completions", False)
    seen, _ = await sent(upstream, job(), candidate("other", context_window=4096))
    assert seen.path == "/v1/chat/completions"


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_the_address_follows_from_the_compatible_one(url: str) -> None:
    assert native_address(url) == "http://h:1/api/chat"


async def test_every_setting_has_its_place_or_is_listed(upstream: Upstream) -> None:
    asked = job(
        system="Be kind.",
        temperature=0.2,
        top_p=0.9,
        top_k=40,
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        max_tokens=99,
        stop="END",
        reasoning_effort="xhigh",
        reasoning_budget=10,
        logit_bias={"1": 2},
        logprobs=True,
        tool_choice="auto",
        parallel_tool_calls=False,
        user="u",
        metadata={"a": "b"},
        service_tier="auto",
        extra={"options": {"mirostat": 1, "temperature": 0.5}, "keep_alive": "5m"},
    )
    seen, reply = await sent(upstream, asked, llama(context_window=4096))
    assert seen.body == {
        "model": "llama3.1",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        "stream": False,
        "think": "high",
        "keep_alive": "5m",
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 40,
            "seed": 7,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
            "num_predict": 99,
            "stop": ["END"],
            "num_ctx": 4096,
            "mirostat": 1,
        },
    }
    told = {line.partition(":")[0] for line in reply.adapted}
    assert told == {
        *("reasoning_effort", "reasoning_budget", "logit_bias", "logprobs", "tool_choice", "parallel_tool_calls"),
        *("user", "metadata", "service_tier"),
    }


async def test_a_conversation_with_tools_pictures_and_documents(upstream: Upstream) -> None:
    call = ToolCall(id="c1", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
    files = (
        TextPart("Look."),
        ImagePart(Media(mime="image/png", data=PNG)),
        DocumentPart(Media(mime="text/plain", data=b"a bill", name="bill.txt")),
    )
    messages = (
        Message("user", files),
        Message("assistant", (OpaquePart(backend="x"), ReasoningPart("Hm."), TextPart("So."), ToolCallPart(call))),
        Message("tool", (ToolResultPart(call_id="c1", text="sunny"),)),
    )
    upstream.answers = [
        json_answer(
            answered("", message={"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Bonn"}}}]})
        )
    ]
    seen, reply = await sent(upstream, LlmJob(messages=messages, tools=(WEATHER,)), llama(context_window=4096))
    user, assistant, tool = seen.body["messages"]
    assert user["content"].startswith("Look.\n\n### bill.txt\n\n```\na bill\n```")
    assert len(user["images"]) == 1
    assert assistant == {
        "role": "assistant",
        "content": "So.",
        "thinking": "Hm.",
        "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Ulm"}}}],
    }
    assert tool == {"role": "tool", "tool_name": "weather", "content": "sunny"}
    assert seen.body["tools"][0]["function"]["name"] == "weather"
    assert [(call.name, dict(call.arguments)) for call in reply.tool_calls] == [("weather", {"city": "Bonn"})]
    assert reply.finish_reason == "tool_calls"
    assert reply.adapted == ("what another protocol understands of an earlier turn: left out",)


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_objects_are_asked_for_by_format(upstream: Upstream, method: str) -> None:
    asked = LlmJob(messages=job().messages, schema=INVOICE)
    seen, _ = await sent(upstream, asked, llama(context_window=4096, structure_method=method))
    if method == "json":
        assert seen.body["format"] == "json"
        assert "JSON Schema" in seen.body["messages"][0]["content"]
    else:
        assert seen.body["format"]["title"] == "Invoice"


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(Media(mime="image/png", url="https://a.example/x.png")),
        DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="x.pdf")),
    ],
)
async def test_what_it_cannot_be_sent_is_refused_before(upstream: Upstream, part: ImagePart | DocumentPart) -> None:
    with pytest.raises(CapabilityError, match="Ollama cannot be sent"):
        await sent(upstream, job(part), llama(context_window=4096))
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("asked", "spec", "keys"),
    [
        (job(TextPart("x" * 50_000)), {"context_window": 4096}, {}),
        (job(TextPart("x" * 50_000), extra={"options": {"num_ctx": 4096}}), {}, {}),
        (job(TextPart("x" * 50_000)), {}, {"context_size": 4096}),
    ],
)
async def test_a_prompt_that_surely_does_not_fit_is_refused(
    upstream: Upstream, asked: LlmJob, spec: dict[str, object], keys: dict[str, object]
) -> None:
    with pytest.raises(CapabilityError, match="at least 5000 tokens, and its context window 4096"):
        await sent(upstream, asked, llama(**spec), **keys)
    assert upstream.seen == []


def test_a_calls_own_size_counts_for_the_engine_too() -> None:
    long = job(TextPart("x" * 50_000), extra=freeze({"options": {"num_ctx": 8192}}))
    assert capability_gap(long, llama(context_window=4096).spec) is None
    assert capability_gap(job(TextPart("x" * 50_000)), llama(context_window=4096).spec) is not None
    # Other servers refuse what is too long by themselves.
    assert capability_gap(long, candidate("other", context_window=4096).spec) is None


CUT = [
    ({"context_window": 4096}, 4096, True),
    ({"context_window": 4096}, 4095, False),
    ({"context_window": 5000}, 4096, False),
    ({"context_window": 4096}, 90, True),
    ({}, 4096, True),
    ({}, 4000, False),
    ({}, 90, True),
]


@pytest.mark.parametrize(("spec", "counted", "cut"), CUT)
async def test_a_count_that_looks_cut_is_told(
    upstream: Upstream, spec: dict[str, object], counted: int, cut: bool
) -> None:
    asked = job(TextPart("x" * 1000))
    usage = {"prompt_tokens": counted, "completion_tokens": 1}
    native = answered(prompt_eval_count=counted)
    if spec:
        upstream.answers = [json_answer(native), lines(native)]
    else:
        stream = sse(
            {"id": "1", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
        )
        upstream.answers = [json_answer(completion(usage=usage)), stream]
    worker = OpenAiLlm(at(upstream.url))
    whole = await worker.generate(asked, llama(**spec), LIMITS)
    end = [piece async for piece in worker.stream(asked, llama(**spec), LIMITS)][-1]
    await worker.aclose()
    assert isinstance(end, EndPiece)
    assert end.reply.adapted == whole.adapted
    assert any("probably cut" in line for line in whole.adapted) == cut


async def test_a_missing_count_is_no_cut(upstream: Upstream) -> None:
    upstream.answers = [json_answer(answered(prompt_eval_count=None))]
    _, reply = await sent(upstream, job(TextPart("x" * 1000)), llama(context_window=4096))
    assert reply.adapted == ()
    assert reply.usage is not None
    assert reply.usage.estimated


async def test_a_stream_comes_in_pieces(upstream: Upstream) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Ulm"}}}
    upstream.answers = [
        lines(
            piece(thinking="Hm."), piece(content="H"), piece(content="i"), piece(tool_calls=[call, call]), answered("")
        )
    ]
    worker = OpenAiLlm(at(upstream.url))
    pieces = [one async for one in worker.stream(job(), llama(context_window=4096), LIMITS)]
    await worker.aclose()
    assert upstream.seen[0].body["stream"] is True
    assert pieces[:3] == [ReasoningPiece("Hm."), TextPiece("H"), TextPiece("i")]
    calls = [one.call.id for one in pieces if isinstance(one, ToolCallPiece)]
    assert calls == ["call_0", "call_1"]
    assert isinstance(pieces[-1], EndPiece)
    reply = pieces[-1].reply
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("Hi", "Hm.", "tool_calls")
    assert reply.usage == Usage(input_tokens=12, output_tokens=3)


async def failed(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> CallError:
    upstream.answers = [answer]
    worker = OpenAiLlm(at(upstream.url, api_key=KEY))
    with pytest.raises(CallError) as caught:
        async for _ in worker.stream(job(), llama(context_window=4096), limits):
            pass
    await worker.aclose()
    assert KEY not in str(caught.value)
    return caught.value


async def test_failures_are_translated(upstream: Upstream) -> None:
    missing = json_answer({"error": 'model "llama3.1" not found, try pulling it first'}, status=404)
    error = await failed(upstream, missing)
    assert type(error) is NotFoundError
    assert "ollama pull llama3.1" in str(error)
    gone = Answer(status=404, headers={"content-type": "text/plain"}, body=[b"404 page not found"])
    assert "/api/chat" in str(await failed(upstream, gone))
    assert type(await failed(upstream, json_answer({"error": "boom"}, status=500))) is ServerError
    assert type(await failed(upstream, lines(piece(content="H"), {"error": "the runner stopped"}))) is ServerError
    assert type(await failed(upstream, lines(piece(content="H")))) is UnreachableError
    assert type(await failed(upstream, lines({"choices": []}))) is InvalidResponseError
    small = Limits(timeout=5, first_event=5, between_events=5, max_event_bytes=200)
    assert type(await failed(upstream, lines(piece(content="x" * 300), answered("")), small)) is InvalidResponseError


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def both(sandbox: Sandbox, asked: LlmJob, model: str = "llama3.1", **spec: object) -> LlmReply:
    worker = OpenAiLlm(at(sandbox.url, api_key=sandbox.api_key))
    chosen = candidate(model, **{"variant": "ollama", "context_window": 4096, **spec})
    try:
        whole = await worker.generate(asked, chosen, LIMITS)
        pieces: list[Piece] = [one async for one in worker.stream(asked, chosen, LIMITS)]
    finally:
        await worker.aclose()
    assert isinstance(pieces[-1], EndPiece)
    assert (pieces[-1].reply.text, pieces[-1].reply.usage) == (whole.text, whole.usage)
    return whole


async def test_the_sandbox_speaks_it(sandbox: Sandbox) -> None:
    assert (await both(sandbox, job(system="Be kind."))).text
    thought = await both(sandbox, job(reasoning_effort="low"))
    assert thought.reasoning
    asked = LlmJob(messages=(Message("user", (TextPart("number: 77\ntotal: 12"),)),), schema=INVOICE)
    for method in ("schema", "json"):
        reply = await both(sandbox, asked, structure_method=method)
        assert orjson.loads(reply.text)["number"] == "77"
    picture = await both(sandbox, job(TextPart("Look"), ImagePart(Media(mime="image/png", data=PNG))))
    assert "1x1 PNG" in picture.text
    short = await both(sandbox, job(max_tokens=3))
    assert (short.finish_reason, short.usage and short.usage.output_tokens) == ("length", 3)
    cut = await both(sandbox, job(TextPart("word " * 500)), context_window=300)
    assert (cut.usage and cut.usage.input_tokens, len(cut.adapted)) == (300, 1)


FAULTS = {
    "fault-status-500": ServerError,
    "fault-status-401": CredentialsError,
    "fault-status-429-after-2": RateLimitError,
    "fault-badjson": InvalidResponseError,
    "fault-html": InvalidResponseError,
    "fault-noend": UnreachableError,
    "fault-cut-1": UnreachableError,
    "fault-stall-1": CallTimeoutError,
    "fault-error-1": ServerError,
}


@pytest.mark.parametrize(("model", "kind"), FAULTS.items())
async def test_faults_of_the_sandbox_are_told(sandbox: Sandbox, model: str, kind: type[CallError]) -> None:
    worker = OpenAiLlm(at(sandbox.url, api_key=sandbox.api_key))
    chosen = candidate(model, variant="ollama", context_window=4096)
    with pytest.raises(CallError) as caught:
        async for _ in worker.stream(job(), chosen, Limits(first_event=5, between_events=0.2)):
            pass
    await worker.aclose()
    assert type(caught.value) is kind
