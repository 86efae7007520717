"""What Azure says no with, and what its users are told to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import KEY, LIMITS, candidate, job
from workers.openai.test_failures import BY_BODY, BY_STATUS
from workers.upstream import Answer, Upstream, json_answer

from pipelex_like.errors import CallError, ContentPolicyError, CredentialsError, NotFoundError, UnreachableError
from pipelex_like.types import FrozenDict, ImageJob
from pipelex_like.workers.azure_openai.images import AzureImages
from pipelex_like.workers.azure_openai.llm import AzureLlm
from pipelex_like.workers.azure_openai_responses.llm import AzureResponsesLlm
from pipelex_like.workers.base import Access

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SHOWN = FrozenDict({"api_key": "${AZURE_API_KEY}", "endpoint": "https://your-resource-name.openai.azure.com"})
GONE = {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}
DENIED = {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}
FILTERED = {
    "error": {
        "inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
        "code": "content_filter",
        "message": "The response was filtered.",
        "param": "prompt",
        "status": 400,
    }
}


def at(host: str, proxy: str) -> Access:
    keys = FrozenDict(endpoint=f"http://{host}/", api_key=KEY, api_version="2024-02-01")
    return Access(
        backend="azure_openai",
        sdk="azure_openai",
        keys=keys,
        proxy=proxy,
        secrets=frozenset({KEY}),
        shown=SHOWN,
    )


async def llm(given: Access, catalogue: bool = False) -> None:
    worker = AzureLlm(given)
    try:
        chosen = candidate("your-gpt-4o-deployment", variant="model_catalogue" if catalogue else None)
        await worker.generate(job(), chosen, LIMITS)
    finally:
        await worker.aclose()


async def stream(given: Access) -> None:
    worker = AzureLlm(given)
    try:
        async for _ in worker.stream(job(), candidate(), LIMITS):
            pass
    finally:
        await worker.aclose()


async def responses(given: Access) -> None:
    worker = AzureResponsesLlm(given)
    try:
        await worker.generate(job(), candidate(), LIMITS)
    finally:
        await worker.aclose()


async def images(given: Access) -> None:
    worker = AzureImages(given)
    try:
        await worker.draw(ImageJob(prompt="a boat"), candidate(kind="img_gen"), LIMITS)
    finally:
        await worker.aclose()


async def failed(upstream: Upstream, answer: Answer, call: Callable[[Access], Awaitable[None]] = llm) -> CallError:
    upstream.answers = [answer]
    with pytest.raises(CallError) as caught:
        await call(at("your-resource-name.openai.azure.com", upstream.url))
    assert len(upstream.seen) == 1
    assert KEY not in f"{caught.value} {caught.value!r}"
    return caught.value


@pytest.mark.parametrize("call", [llm, stream, responses, images])
async def test_a_deployment_that_is_not_there(upstream: Upstream, call: Callable[[Access], Awaitable[None]]) -> None:
    error = await failed(upstream, json_answer(GONE, 404), call)
    assert type(error) is NotFoundError
    assert "azure/<deployment>" in str(error)
    assert "backends/azure_openai.toml" in str(error)
    assert "your-resource-name" in str(error)


async def test_a_version_that_is_not_there_is_named(upstream: Upstream) -> None:
    error = await failed(upstream, json_answer({"error": {"code": "404", "message": "Resource not found"}}, 404))
    assert "`api_version` (2024-02-01)" in str(error)


@pytest.mark.parametrize("call", [llm, stream, responses, images])
async def test_a_key_that_is_refused(upstream: Upstream, call: Callable[[Access], Awaitable[None]]) -> None:
    error = await failed(upstream, json_answer(DENIED, 401), call)
    assert type(error) is CredentialsError
    assert "${AZURE_API_KEY}" in str(error)
    assert "endpoint" in str(error)


async def test_what_the_content_filter_stopped(upstream: Upstream) -> None:
    error = await failed(upstream, json_answer(FILTERED, 400))
    assert type(error) is ContentPolicyError
    assert not error.retryable


async def test_the_host_of_the_catalogue_is_no_place_for_deployments(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"error": {"code": "404", "message": "Resource not found"}}, 404)]
    with pytest.raises(NotFoundError, match="azure_ai/<model>"):
        await llm(at("your-endpoint.inference.ai.azure.com", upstream.url))


async def test_the_host_of_deployments_is_no_place_for_the_catalogue(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"error": {"code": "404", "message": "Resource not found"}}, 404)]
    with pytest.raises(NotFoundError, match="azure/<deployment>"):
        await llm(at("your-resource-name.openai.azure.com", upstream.url), catalogue=True)


async def test_a_host_that_does_not_answer(upstream: Upstream) -> None:
    keys = FrozenDict(endpoint="http://127.0.0.1:1/", api_key=KEY)
    with pytest.raises(UnreachableError, match=r"`endpoint` .*your-resource-name"):
        await llm(Access(backend="azure_openai", sdk="azure_openai", keys=keys, shown=SHOWN))


@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int) -> None:
    error = await failed(upstream, json_answer({"error": {"message": f"No luck with {KEY}."}}, status))
    kind, retryable = BY_STATUS[status]
    assert (type(error), error.status, error.retryable) == (kind, status, retryable)


@pytest.mark.parametrize(("status", "error", "kind"), BY_BODY)
async def test_the_body_refines_the_status(
    upstream: Upstream, status: int, error: dict[str, str], kind: type[CallError]
) -> None:
    assert type(await failed(upstream, json_answer({"error": error}, status))) is kind
