"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

import pytest
from workers.given import KEY, LIMITS, access, candidate, job
from workers.openai.test_environment import CANARY, hostile
from workers.openai_responses.wire import response
from workers.upstream import Upstream, json_answer

from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

__all__ = ["hostile"]


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, hostile: Upstream, key: str | None) -> None:
    upstream.answers = [json_answer(response())]
    worker = ResponsesLlm(access(upstream.url, key))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert hostile.connections == 0
    (seen,) = upstream.seen
    assert CANARY not in str(seen.headers)
    assert seen.headers.get("authorization") == (f"Bearer {key}" if key else None)
    assert not {"openai-organization", "openai-project"} & set(seen.headers)


async def test_without_an_endpoint_it_is_openais_own(hostile: Upstream) -> None:
    worker = ResponsesLlm(access(None))
    assert str(worker._client.base_url) == "https://api.openai.com/v1/"
    await worker.aclose()
    assert hostile.connections == 0


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream, hostile: Upstream) -> None:
    upstream.answers = [json_answer(response())]
    keys = FrozenDict(endpoint="http://far.invalid/v1", api_key=KEY)
    worker = ResponsesLlm(Access(backend="acme", sdk="openai_responses", keys=keys, proxy=upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "http://far.invalid/v1/responses"
    assert hostile.connections == 0
