"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.hostile import CANARY, hostile
from workers.bedrock.asked import CLAUDE
from workers.bedrock.aws import SECRET, access, answer, bearer
from workers.given import KEY, LIMITS, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import UnreachableError
from pipelex_like.workers.bedrock.client import Client
from pipelex_like.workers.bedrock.llm import BedrockLlm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MORE = ("AWS_DATA_PATH", "AWS_ENDPOINT_URL_STS", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_SIGV4A_SIGNING_REGION_SET")
NAMES = ("AWS_ROLE_ARN", "AWS_SDK_UA_APP_ID", "AWS_EXECUTION_ENV", "AWS_AUTH_SCHEME_PREFERENCE", "AWS_DEFAULTS_MODE")


@pytest.fixture
async def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        for name, value in hostile(server.url, str(tmp_path / "missing")).items():
            monkeypatch.setenv(name, value)
        for name in MORE:
            monkeypatch.setenv(name, server.url)
        for name in NAMES:
            monkeypatch.setenv(name, CANARY)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield server


@pytest.mark.parametrize("way", [access, bearer], ids=["keys", "token"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, elsewhere: Upstream, way: object) -> None:
    upstream.answers = [json_answer(answer())]
    worker = BedrockLlm(way(upstream.url))  # pyright: ignore
    await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
    assert elsewhere.connections == 0
    (seen,) = upstream.seen
    assert CANARY not in f"{seen.headers} {seen.path} {seen.body}"
    assert KEY in seen.headers["authorization"]
    assert SECRET not in str(seen.headers)


async def test_without_an_endpoint_it_is_that_of_the_region(elsewhere: Upstream) -> None:
    client = Client(access(None))
    assert client.url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    await client.aclose()
    assert elsewhere.connections == 0


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream, elsewhere: Upstream) -> None:
    upstream.answers = [json_answer(answer())]
    worker = BedrockLlm(access("http://far.invalid", proxy=upstream.url))
    await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path.startswith("http://far.invalid/model/")
    assert elsewhere.connections == 0


async def test_a_proxy_that_is_down_is_named_as_such() -> None:
    worker = BedrockLlm(access(None, proxy="http://127.0.0.1:1"))
    with pytest.raises(UnreachableError, match="proxy"):
        await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
