"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, KEY, LIMITS, WEATHER, access, candidate, completion, job
from workers.openai.test_recorded_requests import EVERY_SETTING
from workers.openai_responses.test_recorded_requests import history
from workers.openai_responses.wire import response
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.types import FrozenDict, ImageJob, LlmJob
from pipelex_like.workers.azure_openai.images import AzureImages
from pipelex_like.workers.azure_openai.llm import AzureLlm
from pipelex_like.workers.azure_openai_responses.llm import AzureResponsesLlm
from pipelex_like.workers.base import Access

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"
OLD = "2024-02-01"
OBJECT = LlmJob(messages=job().messages, schema=INVOICE)
TOOLS = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(parallel_tool_calls=False))
MODEL = candidate("mistral-large", variant="model_catalogue")

CHATS: dict[str, tuple[LlmJob, Candidate, str | None]] = {
    "text": (job(system="Be kind."), candidate(), None),
    "settings": (job(**EVERY_SETTING), candidate(), None),
    "history_with_tools": (history(), candidate(), None),
    "object_schema": (OBJECT, candidate(), None),
    "object_of_an_old_version": (OBJECT, candidate(), OLD),
    "tools_of_an_old_version": (TOOLS, candidate(), OLD),
    "tokens_of_an_old_version": (job(max_tokens=9), candidate(thinking_mode="adaptive"), OLD),
    "catalogue": (job(max_tokens=9), MODEL, None),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


def at(url: str, version: str | None, key: str | None = KEY) -> Access:
    given = access(url, key)
    keys = given.keys if version is None else FrozenDict({**given.keys, "api_version": version})
    return Access(backend="acme", sdk="azure_openai", keys=keys, secrets=given.secrets)


@pytest.mark.parametrize("name", CHATS)
async def test_a_chat_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(completion())]
    asked, chosen, version = CHATS[name]
    worker = AzureLlm(at(upstream.url, version))
    await worker.generate(asked, chosen, LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.body == recorded(name)
    assert (seen.headers["api-key"], seen.headers.get("authorization")) == (KEY, None)


async def test_an_old_version_is_not_asked_for_the_usage_of_a_stream(upstream: Upstream) -> None:
    upstream.answers = [sse({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})] * 2
    for version in (OLD, "2024-10-21"):
        worker = AzureLlm(at(upstream.url, version))
        assert [piece async for piece in worker.stream(job(), candidate(), LIMITS)]
        await worker.aclose()
    old, new = (seen.body for seen in upstream.seen)
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    assert ("stream_options" in old, "stream_options" in new) == (False, True)


async def test_what_an_old_version_does_not_know_is_listed(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    worker = AzureLlm(at(upstream.url, OLD))
    reply = await worker.generate(TOOLS, candidate(), LIMITS)
    await worker.aclose()
    assert reply.adapted == ("parallel_tool_calls: left out, the API of version 2024-02-01 does not know it",)


DEPLOYED = "/openai/deployments/your-deployment"


@pytest.mark.parametrize(
    ("end", "version", "path"),
    [
        ("/", OLD, f"{DEPLOYED}/chat/completions?api-version=2024-02-01"),
        ("", "2024-10-21", f"{DEPLOYED}/chat/completions?api-version=2024-10-21"),
        ("/openai", None, f"{DEPLOYED}/chat/completions?api-version=2025-04-01-preview"),
        ("/openai/v1/", None, "/openai/v1/chat/completions?api-version=v1"),
        ("", "preview", "/openai/v1/chat/completions?api-version=preview"),
    ],
)
async def test_the_path_of_a_chat(upstream: Upstream, end: str, version: str | None, path: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = AzureLlm(at(f"{upstream.url}{end}", version))
    await worker.generate(job(), candidate("your-deployment"), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == path


@pytest.mark.parametrize(
    ("host", "catalogue", "url", "authorization"),
    [
        ("your-resource-name.openai.azure.com", False, f"{DEPLOYED}/chat/completions?api-version=2024-02-01", None),
        (
            "your-endpoint.inference.ai.azure.com",
            True,
            "/chat/completions?api-version=2024-05-01-preview",
            f"Bearer {KEY}",
        ),
        ("your.services.ai.azure.com", True, "/models/chat/completions?api-version=2024-05-01-preview", None),
        ("your.services.ai.azure.com", False, f"{DEPLOYED}/chat/completions?api-version=2024-02-01", None),
    ],
)
async def test_hosts_as_they_are_printed_lead_to_their_paths(
    upstream: Upstream, host: str, catalogue: bool, url: str, authorization: str | None
) -> None:
    upstream.answers = [json_answer(completion())]
    keys = FrozenDict(endpoint=f"http://{host}/", api_key=KEY, api_version=OLD)
    worker = AzureLlm(Access(backend="acme", sdk="azure_openai", keys=keys, proxy=upstream.url))
    chosen = candidate("your-deployment", variant="model_catalogue" if catalogue else None)
    await worker.generate(job(), chosen, LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == f"http://{host}{url}"
    assert seen.headers.get("extra-parameters") == ("pass-through" if catalogue else None)
    assert (seen.headers["api-key"], seen.headers.get("authorization")) == (KEY, authorization)


@pytest.mark.parametrize(
    ("end", "version", "path"),
    [
        ("/", None, "/openai/responses?api-version=2025-04-01-preview"),
        ("/", OLD, "/openai/v1/responses?api-version=v1"),
        ("/openai/v1", None, "/openai/v1/responses?api-version=v1"),
    ],
)
async def test_responses_take_the_deployment_as_the_model(
    upstream: Upstream, end: str, version: str | None, path: str
) -> None:
    upstream.answers = [json_answer(response())]
    worker = AzureResponsesLlm(at(f"{upstream.url}{end}", version))
    await worker.generate(job(), candidate("your-deployment"), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == path
    assert seen.body == {"model": "your-deployment", "input": [{"role": "user", "content": "Hello"}], "store": False}
    assert seen.headers["api-key"] == KEY


PICTURES = json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]})


@pytest.mark.parametrize(
    ("end", "path"),
    [
        ("/", f"{DEPLOYED}/images/generations?api-version=2024-02-01"),
        ("/openai/v1", "/openai/v1/images/generations?api-version=v1"),
    ],
)
async def test_drawing_goes_to_the_deployment(upstream: Upstream, end: str, path: str) -> None:
    upstream.answers = [PICTURES]
    worker = AzureImages(at(f"{upstream.url}{end}", OLD))
    chosen = candidate("your-deployment", kind="img_gen", rules=FrozenDict(aspect_ratio="gpt_image"))
    await worker.draw(ImageJob(prompt="a boat", settings=FrozenDict(quality="low")), chosen, LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.path, seen.headers["api-key"]) == (path, KEY)
    assert seen.body == {"model": "your-deployment", "prompt": "a boat", "n": 1, "quality": "low"}


async def test_headers_of_backend_and_spec_go_along_and_nothing_else(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    worker = AzureLlm(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.generate(job(), candidate(headers=FrozenDict({"x-spec": "b"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers.pop("x-team"), headers.pop("x-spec")) == ("a", "b")
    assert set(headers) - {"x-stainless-retry-count"} == {
        "host",
        "connection",
        "api-key",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
    }
