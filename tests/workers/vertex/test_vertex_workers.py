"""Claude and Mistral on Vertex AI: what the real SDKs send, what comes of refusals, nothing from the environment."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from workers.anthropic.wire import events, message, said, started, stopped
from workers.given import INVOICE, LIMITS, PNG, WEATHER, candidate, chunk, completion, job
from workers.upstream import Answer, Upstream, json_answer, sse

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CapabilityError,
    CredentialsError,
    NotFoundError,
    RateLimitError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import FrozenDict, ImagePart, LlmJob, Media, Message, TextPart
from pipelex_like.workers.base import Access
from pipelex_like.workers.vertex import base_url
from pipelex_like.workers.vertex_anthropic.llm import VertexAnthropicLlm
from pipelex_like.workers.vertex_mistral.llm import VertexMistralLlm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipelex_like.types import LlmReply

RECORDED = Path(__file__).parent / "recorded"
CANARY = "canary-from-the-environment"
TOKEN = "ya29.token-of-the-test"
CLAUDE, MISTRAL = VertexAnthropicLlm, VertexMistralLlm
MODELS = {CLAUDE: "claude-haiku-4-5@20251001", MISTRAL: "mistral-medium-3"}
PUBLISHERS = {CLAUDE: "anthropic", MISTRAL: "mistralai"}
BOTH = pytest.mark.parametrize("kind", [CLAUDE, MISTRAL], ids=["claude", "mistral"])
Kind = type[VertexAnthropicLlm] | type[VertexMistralLlm]


def access(url: str | None, **more: Any) -> Access:
    keys = {"gcp_project_id": "acme-prod", "gcp_location": "europe-west4", "gcp_access_token": TOKEN, "endpoint": url}
    keys |= more.pop("keys", {})
    given = FrozenDict({name: value for name, value in keys.items() if value is not None})
    return Access(backend="vertexai", sdk="vertex", keys=given, secrets=frozenset({TOKEN}), **more)


def answer(kind: Kind) -> Answer:
    return json_answer(message() if kind is CLAUDE else completion())


def streamed(kind: Kind) -> Answer:
    if kind is CLAUDE:
        return events(started(), *said(0, "H", "i"), *stopped())
    return sse(chunk({"content": "H"}), chunk({"content": "i"}), chunk(reason="stop"))


def path_of(kind: Kind, verb: str, location: str = "europe-west4") -> str:
    place = f"/v1/projects/acme-prod/locations/{location}/publishers/{PUBLISHERS[kind]}"
    return f"{place}/models/{MODELS[kind]}:{verb}"


async def ask(kind: Kind, given: Access, asked: LlmJob | None = None, model: str | None = None) -> LlmReply:
    worker = kind(given)
    try:
        return await worker.generate(asked or job(), candidate(model or MODELS[kind]), LIMITS)
    finally:
        await worker.aclose()


async def refused(kind: Kind, given: Access, error: type[CallError]) -> str:
    with pytest.raises(error) as caught:
        await ask(kind, given)
    assert type(caught.value) is error
    return str(caught.value)


JOBS = {
    "text": job(system="Be kind.", temperature=0.5, max_tokens=50, stop=["END"]),
    "picture": job(TextPart("What is it?"), ImagePart(Media(mime="image/png", data=PNG))),
    "tools": LlmJob(messages=(Message("user", (TextPart("Weather?"),)),), tools=(WEATHER,)),
    "object": LlmJob(messages=(Message("user", (TextPart("An invoice."),)),), schema=INVOICE),
    "extra": job(extra={"anthropic_version": "2026-10-21", "safe_prompt": True}),
}


@BOTH
@pytest.mark.parametrize("name", JOBS)
async def test_the_body_is_the_recorded_one(kind: Kind, name: str, upstream: Upstream) -> None:
    upstream.answers = [answer(kind)]
    given = candidate(MODELS[kind], structure_method="tools" if kind is CLAUDE else "schema")
    worker = kind(access(upstream.url))
    try:
        await worker.generate(JOBS[name], given, LIMITS)
    except CallError as error:
        assert name == "object", error  # the written answer is none
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", path_of(kind, "rawPredict"))
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    recorded = RECORDED / f"{PUBLISHERS[kind]}-{name}.json"
    assert seen.body == json.loads(recorded.read_text())


@BOTH
async def test_a_stream_has_its_own_verb_and_the_same_end(kind: Kind, upstream: Upstream) -> None:
    upstream.answers = [streamed(kind)]
    worker = kind(access(upstream.url))
    pieces = [piece async for piece in worker.stream(job(), candidate(MODELS[kind]), LIMITS)]
    await worker.aclose()
    assert pieces[-1].reply.text == "Hi"  # pyright: ignore
    (seen,) = upstream.seen
    assert seen.path == path_of(kind, "streamRawPredict")
    assert seen.body["stream"] is True  # pyright: ignore


@BOTH
async def test_a_models_own_headers_and_those_of_the_backend_go_along(kind: Kind, upstream: Upstream) -> None:
    upstream.answers = [answer(kind)]
    worker = kind(access(upstream.url, headers=FrozenDict({"x-team": "red"})))
    await worker.generate(job(), candidate(MODELS[kind], headers=FrozenDict({"x-model": "yes"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers["x-team"], headers["x-model"]) == ("red", "yes")
    assert not {"x-stainless-os", "x-stainless-runtime-version", "x-stainless-arch"} & headers.keys()


@pytest.mark.parametrize(
    ("location", "endpoint", "url"),
    [
        ("us-central1", None, "https://us-central1-aiplatform.googleapis.com"),
        ("global", None, "https://aiplatform.googleapis.com"),
        ("eu", None, "https://aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "https://vertex.acme.example/", "https://vertex.acme.example"),
        ("us-central1", "https://vertex.acme.example/v1", "https://vertex.acme.example"),
    ],
)
def test_the_address_follows_the_location(location: str, endpoint: str | None, url: str) -> None:
    assert base_url(access(endpoint, keys={"gcp_location": location})) == url


@BOTH
@pytest.mark.parametrize("key", ["gcp_project_id", "gcp_location"])
async def test_without_project_or_location_the_keys_are_named(kind: Kind, key: str) -> None:
    told = await refused(kind, access("http://127.0.0.1:1", keys={key: None}), CapabilityError)
    assert f"`{key}`" in told
    assert "VERTEXAI_PROJECT" in told


GOOGLES: list[tuple[int, str, type[CallError], str]] = [
    (401, "UNAUTHENTICATED", CredentialsError, "`gcp_credentials_file_path`"),
    (403, "PERMISSION_DENIED", AccessDeniedError, "roles/aiplatform.user"),
    (404, "NOT_FOUND", NotFoundError, "`gcp_location`"),
    (429, "RESOURCE_EXHAUSTED", RateLimitError, "higher limit"),
    (400, "INVALID_ARGUMENT", BadRequestError, "went wrong"),
]


@BOTH
@pytest.mark.parametrize(("status", "word", "error", "way_out"), GOOGLES)
async def test_googles_refusals_carry_the_way_out(
    kind: Kind, upstream: Upstream, status: int, word: str, error: type[CallError], way_out: str
) -> None:
    said = f"It went wrong for Bearer {TOKEN} and {TOKEN}."
    upstream.answers = [json_answer({"error": {"code": status, "message": said, "status": word}}, status)]
    told = await refused(kind, access(upstream.url), error)
    assert f"vertexai ({MODELS[kind]}): It went wrong" in told
    assert way_out in told
    assert TOKEN not in told
    assert len(upstream.seen) == 1


@BOTH
async def test_a_token_that_was_refused_is_asked_for_anew(kind: Kind, tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        file = str(sandbox.service_account(tmp_path))
        worker = kind(access(sandbox.url, keys={"gcp_access_token": None, "gcp_credentials_file_path": file}))
        with pytest.raises(CredentialsError):
            await worker.generate(job(), candidate("fault-status-401+times-1"), LIMITS)
        assert (await worker.generate(job(), candidate(MODELS[kind]), LIMITS)).text
        assert (await worker.generate(job(), candidate(MODELS[kind]), LIMITS)).text
        await worker.aclose()
        assert [request.path for request in sandbox.requests].count("/token") == 2


@BOTH
async def test_a_key_file_that_is_not_there_is_named_before_anything_is_sent(kind: Kind, upstream: Upstream) -> None:
    keys = {"gcp_access_token": None, "gcp_credentials_file_path": "/nowhere/key.json"}
    told = await refused(kind, access(upstream.url, keys=keys), CredentialsError)
    assert "/nowhere/key.json" in told
    assert not upstream.seen


@BOTH
async def test_over_https_with_an_authority_of_ones_own(kind: Kind, tmp_path: Path) -> None:
    with Sandbox(tls=True) as sandbox:
        keys = {"gcp_access_token": None, "gcp_credentials_file_path": str(sandbox.service_account(tmp_path))}
        trusting = access(sandbox.url, keys=keys, ca_file=str(sandbox.ca_file))
        assert (await ask(kind, trusting)).text.startswith("Simulated")
        worker = kind(trusting)
        pieces = [piece async for piece in worker.stream(job(), candidate(MODELS[kind]), LIMITS)]
        await worker.aclose()
        assert pieces[-1].reply.usage == (await ask(kind, trusting)).usage  # pyright: ignore


@BOTH
async def test_a_call_that_is_cancelled_closes_its_connection(kind: Kind) -> None:
    with Sandbox() as sandbox:
        worker = kind(access(sandbox.url, keys={"gcp_access_token": sandbox.api_key}))
        call = asyncio.create_task(worker.generate(job(), candidate("fault-stall-1"), LIMITS))
        while not sandbox.requests:
            await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(5):
            while sandbox.open_connections:
                await asyncio.sleep(0.005)
        await worker.aclose()


# --- the environment ---


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        for name in (
            *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
            *("ANTHROPIC_VERTEX_BASE_URL", "ANTHROPIC_BASE_URL", "MISTRAL_SERVER_URL", "GOOGLE_VERTEX_BASE_URL"),
            *("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"),
        ):
            monkeypatch.setenv(name, server.url)
        for name in (
            *("CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"),
            *("ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "GOOGLE_CLOUD_QUOTA_PROJECT"),
        ):
            monkeypatch.setenv(name, CANARY)
        monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", f"x-canary: {CANARY}\nAuthorization: Bearer {CANARY}")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / CANARY))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        monkeypatch.setenv("MISTRAL_DEBUG", "1")
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "true")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


@BOTH
async def test_nothing_of_the_environment_is_sent(
    kind: Kind, upstream: Upstream, hostile: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    import google.auth

    def never(*_: object, **__: object) -> None:
        raise AssertionError("google.auth.default() was called")

    monkeypatch.setattr(google.auth, "default", never)
    upstream.answers = [answer(kind), streamed(kind)]
    worker = kind(access(upstream.url))
    await worker.generate(job(), candidate(MODELS[kind]), LIMITS)
    assert [piece async for piece in worker.stream(job(), candidate(MODELS[kind]), LIMITS)]
    await worker.aclose()
    assert hostile.connections == 0
    assert CANARY not in str(upstream.seen)


@BOTH
async def test_the_proxy_is_that_of_the_backend(kind: Kind, upstream: Upstream, hostile: Upstream) -> None:
    upstream.answers = [answer(kind)]
    await ask(kind, access("http://far.invalid", proxy=upstream.url))
    assert upstream.seen[0].path == "http://far.invalid" + path_of(kind, "rawPredict")
    assert hostile.connections == 0


# --- what of the SDKs is relied on ---


async def test_the_anthropic_client_still_takes_a_token_that_is_put_in_and_looks_for_no_other() -> None:
    from anthropic.lib.vertex import AsyncAnthropicVertex

    client = AsyncAnthropicVertex(project_id="p", region="r", access_token="")
    assert await client._ensure_access_token() == ""
    client.access_token = TOKEN
    assert await client._ensure_access_token() == TOKEN
    await client.close()
    assert isinstance(AsyncAnthropicVertex.default_headers, property)


async def test_the_path_is_the_one_that_anthropics_own_method_would_use() -> None:
    from anthropic._models import FinalRequestOptions
    from anthropic.lib.vertex._client import _prepare_options

    from pipelex_like.workers.vertex_anthropic.client import open_client, path_of

    client = open_client(access("http://127.0.0.1:1"))
    for stream in (True, False):
        body = {"model": MODELS[CLAUDE], "stream": stream}
        options = FinalRequestOptions(method="post", url="/v1/messages", json_data=body)
        theirs = _prepare_options(options, project_id=client.project_id, region=client.region)
        assert path_of(client, MODELS[CLAUDE], stream=stream) == theirs.url
    await client.close()


async def test_a_fixed_token_keeps_the_mistral_client_from_looking_for_others() -> None:
    import inspect

    from mistralai.gcp.client import MistralGCP

    source = inspect.getsource(MistralGCP.__init__)
    assert source.index("if access_token is None:") < source.index("google.auth.default(")
