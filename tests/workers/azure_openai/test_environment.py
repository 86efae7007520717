"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

import pytest
from openai import AsyncAzureOpenAI
from workers.given import KEY, LIMITS, access, candidate, completion, job
from workers.openai.test_environment import CANARY, hostile
from workers.openai_responses.wire import response
from workers.upstream import Upstream, json_answer

from pipelex_like.types import ImageJob
from pipelex_like.workers.azure_openai.images import AzureImages
from pipelex_like.workers.azure_openai.llm import AzureLlm
from pipelex_like.workers.azure_openai_responses.llm import AzureResponsesLlm

__all__ = ["hostile"]


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(
    upstream: Upstream, hostile: Upstream, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_VERSION", "1999-01-01")
    upstream.answers = [
        json_answer(completion()),
        json_answer(response()),
        json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]}),
    ]
    given = access(upstream.url, key)
    llm, responses, images = AzureLlm(given), AzureResponsesLlm(given), AzureImages(given)
    await llm.generate(job(), candidate(), LIMITS)
    await responses.generate(job(), candidate(), LIMITS)
    await images.draw(ImageJob(prompt="a boat"), candidate("gpt-image-2", kind="img_gen"), LIMITS)
    for worker in (llm, responses, images):
        await worker.aclose()
    assert hostile.connections == 0
    assert len(upstream.seen) == 3
    for seen in upstream.seen:
        assert CANARY not in f"{seen.headers} {seen.path}"
        assert seen.path.endswith("?api-version=2025-04-01-preview")
        assert (seen.headers.get("api-key"), seen.headers.get("authorization")) == (key, None)


def test_the_official_client_authenticates() -> None:
    assert isinstance(AzureLlm(access("http://127.0.0.1:1"))._client, AsyncAzureOpenAI)
