"""What is sent, byte for byte of meaning: bodies compared with recorded ones, headers and addresses."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job
from workers.google.test_environment import vertex
from workers.google.wire import content, events
from workers.upstream import Upstream, json_answer

from pipelex_like.deck import Candidate
from pipelex_like.deck.models import Constraints
from pipelex_like.errors import CapabilityError
from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    freeze,
)
from pipelex_like.workers.google.llm import GoogleLlm
from pipelex_like.workers.vertex_google.llm import VertexGoogleLlm

RECORDED = Path(__file__).parent / "recorded"


def gemini(**spec: object) -> Candidate:
    return candidate("gemini-test", **spec)


GEMINI = gemini(thinking_mode="adaptive")
CALL = ToolCall(id="abc1", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
OTHER = ToolCall(id="call_1", name="weather", arguments=FrozenDict(city="Bonn"), raw='{"city":"Bonn"}')
SIGNED = freeze(
    [
        {"functionCall": {"id": "abc1", "name": "weather", "args": {"city": "Ulm"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "weather", "args": {"city": "Bonn"}}},
    ]
)
HISTORY = LlmJob(
    messages=(
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Weather in Ulm and Bonn?"),)),
        Message(
            "assistant",
            (
                OpaquePart(backend="acme", data=FrozenDict(model="gemini-test", parts=SIGNED)),
                ToolCallPart(CALL),
                ToolCallPart(OTHER),
            ),
        ),
        Message("tool", (ToolResultPart(call_id="abc1", text="12 degrees"),)),
        Message("tool", (ToolResultPart(call_id="call_1", text="no such city", is_error=True),)),
        Message("user", (TextPart("Thanks."),)),
    ),
    tools=(WEATHER,),
    settings=FrozenDict(tool_choice="auto", parallel_tool_calls=False),
)
EVERY_SETTING = {
    "temperature": 1.5,
    "top_p": 0.9,
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
    "service_tier": "flex",
    "tool_choice": "required",
    "extra": {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}, "cachedContent": "cachedContents/1"},
}
PICTURE = ImagePart(Media(mime="image/png", data=PNG), "low")
LINKED = ImagePart(Media(mime="image/png", url="https://example.org/a.png"))
PDF = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf"))
PDF_LINKED = DocumentPart(Media(mime="application/pdf", url="https://example.org/a.pdf"))
NOTE = DocumentPart(Media(mime="text/markdown", data=b"# Note <b>", name="note.md"))
OBJECT = LlmJob(messages=job(system="Short.").messages, schema=INVOICE)
OBJECT_AND_TOOL = LlmJob(messages=job().messages, schema=INVOICE, tools=(WEATHER,))
OLD = gemini(thinking_mode="manual", constraints=Constraints(max_thinking_budget=24576))

CASES: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), GEMINI),
    "settings": (job(**EVERY_SETTING), GEMINI),
    "history_with_tools": (HISTORY, GEMINI),
    "images": (job(TextPart("What is it?"), PICTURE, LINKED), GEMINI),
    "documents": (job(TextPart("Sum up."), PDF, PDF_LINKED, NOTE), GEMINI),
    "tool": (LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather")), GEMINI),
    "object_schema": (OBJECT, GEMINI),
    "object_tools": (OBJECT, gemini(structure_method="tools")),
    "object_json": (OBJECT, gemini(structure_method="json")),
    "object_with_tools": (OBJECT_AND_TOOL, GEMINI),
    "object_with_tools_before_gemini_3": (OBJECT_AND_TOOL, OLD),
    "thinking_budget": (job(reasoning_effort="max"), OLD),
    "thinking_level": (job(reasoning_effort="high"), GEMINI),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", CASES)
async def test_a_request_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url))
    await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1beta/models/gemini-test:generateContent")
    assert seen.body == recorded(name)


async def test_a_stream_sends_the_same_to_its_own_address(upstream: Upstream) -> None:
    upstream.answers = [events(content())]
    worker = GoogleLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*CASES["text"], LIMITS)]
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == "/v1beta/models/gemini-test:streamGenerateContent?alt=sse"
    assert seen.body == recorded("text")


async def test_vertex_keeps_labels(upstream: Upstream) -> None:
    upstream.answers = [json_answer(content())]
    worker = VertexGoogleLlm(vertex(upstream.url))
    reply = await worker.generate(job(metadata={"team": "a"}), GEMINI, LIMITS)
    await worker.aclose()
    assert upstream.seen[0].body["labels"] == {"team": "a"}  # pyright: ignore
    assert reply.adapted == ()


NO_TOOLS = "tool_choice: left out, there are no tools"
ADAPTED = {
    "settings": [
        NO_TOOLS,
        "metadata: left out, the Gemini API keeps no labels",
        "logit_bias: left out, Google has no word for it",
        "user: left out, Google has no word for it",
    ],
    "images": ["detail of pictures: left out, this protocol has no word for it"],
    "history_with_tools": ["parallel_tool_calls: left out, Google has no word for it"],
    "thinking_level": [],
    "thinking_budget": [],
}


@pytest.mark.parametrize("name", ADAPTED)
async def test_what_was_changed_is_told(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url))
    reply = await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    assert list(reply.adapted) == ADAPTED[name]


async def test_headers_of_backend_and_spec_go_along_and_nothing_else(upstream: Upstream) -> None:
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url, headers=FrozenDict({"X-Team": "a"})))
    await worker.generate(job(), gemini(headers=FrozenDict({"x-more": "b"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers["x-team"], headers["x-more"]) == ("a", "b")
    assert set(headers) - {"x-team", "x-more"} == {
        "host",
        "connection",
        "x-goog-api-key",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
    }
    assert headers["user-agent"] == "pipelex-like"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1beta", "/v1beta/"])
async def test_every_spelling_of_an_endpoint_reaches_the_same_path(upstream: Upstream, path: str) -> None:
    upstream.answers = [json_answer(content()), json_answer(content())]
    for prefix in ("", "/gateway/google"):
        worker = GoogleLlm(access(f"{upstream.url}{prefix}{path}"))
        await worker.generate(job(), GEMINI, LIMITS)
        await worker.aclose()
    method = "/v1beta/models/gemini-test:generateContent"
    assert [seen.path for seen in upstream.seen] == [method, f"/gateway/google{method}"]


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1beta1/"])
async def test_every_spelling_of_an_endpoint_of_vertex_too(upstream: Upstream, path: str) -> None:
    upstream.answers = [json_answer(content())]
    worker = VertexGoogleLlm(vertex(f"{upstream.url}{path}"))
    await worker.generate(job(), GEMINI, LIMITS)
    await worker.aclose()
    place = "/v1beta1/projects/my-project/locations/europe-west1/publishers/google/models"
    assert upstream.seen[0].path == f"{place}/gemini-test:generateContent"


@pytest.mark.parametrize(
    ("model_id", "path"),
    [
        ("tunedModels/mine-1", "/v1beta/tunedModels/mine-1:generateContent"),
        ("models/gemini-x", "/v1beta/models/gemini-x:generateContent"),
        ("a b?c", "/v1beta/models/a%20b%3Fc:generateContent"),
    ],
)
async def test_a_models_whole_name_is_taken(upstream: Upstream, model_id: str, path: str) -> None:
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url))
    await worker.generate(job(), candidate(model_id), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == path


@pytest.mark.parametrize("path", ["/v1beta/openai", "/v1beta/openai/"])
def test_the_address_of_openais_protocol_is_refused_with_the_way_out(path: str) -> None:
    with pytest.raises(CapabilityError, match='sdk = "openai"'):
        GoogleLlm(access(f"https://generativelanguage.googleapis.com{path}"))


def test_so_it_is_on_vertex() -> None:
    url = "https://aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi"
    with pytest.raises(CapabilityError, match='sdk = "openai"'):
        VertexGoogleLlm(vertex(url))
