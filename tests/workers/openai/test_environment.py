"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import KEY, LIMITS, access, candidate, completion, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import UnreachableError
from pipelex_like.types import FrozenDict, ImageJob
from pipelex_like.workers.base import Access
from pipelex_like.workers.openai.images import OpenAiImages
from pipelex_like.workers.openai.llm import OpenAiLlm

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-from-the-environment"


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Upstream:
    server = Upstream()
    await server.__aenter__()
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "AZURE_OPENAI_ENDPOINT", "AWS_BEDROCK_BASE_URL"):
        monkeypatch.setenv(name, f"{server.url}/v1")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, server.url)
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_ADMIN_KEY",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
        "OPENAI_WEBHOOK_SECRET",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_AD_TOKEN",
    ):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"x-canary: {CANARY}\nAuthorization: Bearer {CANARY}")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    yield server
    await server.__aexit__()


def of_environment(text: str) -> bool:
    return CANARY in text


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, hostile: Upstream, key: str | None) -> None:
    upstream.answers = [json_answer(completion()), json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]})]
    given = access(upstream.url, key)
    llm, images = OpenAiLlm(given), OpenAiImages(given)
    await llm.generate(job(), candidate(), LIMITS)
    await images.draw(ImageJob(prompt="a boat"), candidate("sandbox-image", kind="img_gen"), LIMITS)
    await llm.aclose()
    await images.aclose()
    assert hostile.connections == 0
    for seen in upstream.seen:
        assert not of_environment(str(seen.headers))
        assert seen.headers.get("authorization") == (f"Bearer {key}" if key else None)
        assert not {"openai-organization", "openai-project"} & set(seen.headers)


async def test_without_an_endpoint_it_is_openais_own(hostile: Upstream) -> None:
    worker = OpenAiLlm(access(None))
    assert str(worker._client.base_url) == "https://api.openai.com/v1/"
    await worker.aclose()
    assert hostile.connections == 0


async def test_organization_project_and_proxy_are_those_of_the_backend(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    keys = FrozenDict(endpoint="http://far.invalid/v1", api_key=KEY, organization="org-1", project="proj-1")
    worker = OpenAiLlm(Access(backend="acme", sdk="openai", keys=keys, proxy=upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == "http://far.invalid/v1/chat/completions"
    assert (seen.headers["openai-organization"], seen.headers["openai-project"]) == ("org-1", "proj-1")


async def test_a_proxy_that_is_down_is_named_as_such() -> None:
    keys = FrozenDict(endpoint="https://far.invalid/v1", api_key=KEY)
    worker = OpenAiLlm(Access(backend="acme", sdk="openai", keys=keys, proxy="http://127.0.0.1:1"))
    with pytest.raises(UnreachableError, match="proxy"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
