"""Gemini on Vertex AI: the token comes from our own keeper, the SDK only carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import LIMITS, WEATHER, candidate, job
from workers.google.test_environment import TOKEN, vertex
from workers.google.wire import content, error
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import AccessDeniedError, CallError, CredentialsError, NotFoundError
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import EndPiece, FrozenDict, ImageJob, LlmJob
from pipelex_like.workers.registry import Registry
from pipelex_like.workers.vertex_google.images import VertexGoogleImages
from pipelex_like.workers.vertex_google.llm import VertexGoogleLlm
from pipelex_like.workers.vertex_google.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def failed(upstream: Upstream, status: int, code: str, model: str = "gpt-test") -> CallError:
    upstream.answers = [json_answer(error(status, code), status)]
    worker = VertexGoogleLlm(vertex(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(model), LIMITS)
    await worker.aclose()
    assert len(upstream.seen) == 1
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind", "part"),
    [
        (401, "UNAUTHENTICATED", CredentialsError, "`gcp_access_token` of [acme]"),
        (403, "PERMISSION_DENIED", AccessDeniedError, "`gcp_location`"),
        (404, "NOT_FOUND", NotFoundError, 'project "my-project" has the model at `gcp_location` "europe-west1"'),
    ],
)
async def test_the_way_out_names_the_keys_of_vertex(
    upstream: Upstream, status: int, code: str, kind: type[CallError], part: str
) -> None:
    caught = await failed(upstream, status, code)
    assert type(caught) is kind
    assert part in str(caught)
    assert "`api_key`" not in str(caught)


@pytest.mark.parametrize(
    ("model", "sdk"), [("claude-next@20270101", "vertex_anthropic"), ("codestral-3", "vertex_mistral")]
)
async def test_a_model_of_another_maker_is_told_how_it_is_reached(upstream: Upstream, model: str, sdk: str) -> None:
    caught = await failed(upstream, 404, "NOT_FOUND", model)
    assert f'a table with sdk = "{sdk}"' in str(caught)


async def test_the_token_is_in_no_message(upstream: Upstream) -> None:
    upstream.answers = [json_answer(error(400, "INVALID_ARGUMENT", f"bad {TOKEN}"), 400)]
    worker = VertexGoogleLlm(vertex(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("model_id", "path"),
    [
        ("publishers/google/models/gemini-x", "publishers/google/models/gemini-x"),
        ("endpoints/123", "endpoints/123"),
    ],
)
async def test_a_models_whole_name_is_taken(upstream: Upstream, model_id: str, path: str) -> None:
    upstream.answers = [json_answer(content())]
    worker = VertexGoogleLlm(vertex(upstream.url))
    await worker.generate(job(), candidate(model_id), LIMITS)
    await worker.aclose()
    place = "/v1beta1/projects/my-project/locations/europe-west1"
    assert upstream.seen[0].path == f"{place}/{path}:generateContent"


async def test_against_the_simulated_provider_streamed_and_not(sandbox: Sandbox) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather"))
    worker = VertexGoogleLlm(vertex(sandbox.url, gcp_access_token=sandbox.api_key))
    sandbox.reset()
    reply = await worker.generate(asked, candidate(), LIMITS)
    sandbox.reset()
    pieces = [piece async for piece in worker.stream(asked, candidate(), LIMITS)]
    await worker.aclose()
    assert pieces[-1] == EndPiece(reply)
    assert [call.name for call in reply.tool_calls] == ["weather"]


async def test_a_picture_of_the_simulated_provider(sandbox: Sandbox) -> None:
    worker = VertexGoogleImages(vertex(sandbox.url, gcp_access_token=sandbox.api_key))
    asked = ImageJob(prompt="A boat", settings=FrozenDict(aspect_ratio="16:9", output_format="png"))
    reply = await worker.draw(asked, candidate("gemini-nano-banana-2.1", kind="img_gen"), LIMITS)
    await worker.aclose()
    assert reply.adapted == ()
    assert reply.images[0].width > reply.images[0].height


def test_the_registry_finds_its_workers() -> None:
    assert Registry().find("llm", "vertex_google") is VertexGoogleLlm
    assert Registry().find("img_gen", "vertex_google") is VertexGoogleImages
    assert dict(SETTINGS.simulated)["gcp_access_token"] == "{key}"
