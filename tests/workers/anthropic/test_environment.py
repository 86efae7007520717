"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.anthropic.wire import message
from workers.given import KEY, LIMITS, access, candidate, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import UnreachableError
from pipelex_like.types import FrozenDict
from pipelex_like.workers.anthropic.llm import AnthropicLlm
from pipelex_like.workers.base import Access

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CANARY = "canary-from-the-environment"


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / f"{CANARY}.json").write_text('{"base_url": "http://127.0.0.1:1"}')
    async with Upstream() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, server.url)
        for name in (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_PROFILE",
            "ANTHROPIC_WEBHOOK_SIGNING_KEY",
            "ANTHROPIC_IDENTITY_TOKEN",
            "ANTHROPIC_FEDERATION_RULE_ID",
            "ANTHROPIC_ORGANIZATION_ID",
            "ANTHROPIC_SERVICE_ACCOUNT_ID",
            "ANTHROPIC_WORKSPACE_ID",
        ):
            monkeypatch.setenv(name, CANARY)
        monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "true")
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")
        monkeypatch.setenv(
            "ANTHROPIC_CUSTOM_HEADERS",
            f"x-canary: {CANARY}\nAuthorization: Bearer {CANARY}\nanthropic-version: {CANARY}\nx-api-key: {CANARY}",
        )
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield server


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, hostile: Upstream, key: str | None) -> None:
    upstream.answers = [json_answer(message())]
    worker = AnthropicLlm(access(upstream.url, key))
    assert worker._client._tracer is None
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert hostile.connections == 0
    (seen,) = upstream.seen
    assert CANARY not in str(seen.headers)
    assert seen.headers.get("authorization") == (f"Bearer {key}" if key else None)


async def test_without_an_endpoint_it_is_anthropics_own(hostile: Upstream) -> None:
    worker = AnthropicLlm(access(None))
    assert str(worker._client.base_url).rstrip("/") == "https://api.anthropic.com"
    await worker.aclose()
    assert hostile.connections == 0


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream, hostile: Upstream) -> None:
    upstream.answers = [json_answer(message())]
    keys = FrozenDict(endpoint="http://far.invalid", api_key=KEY)
    worker = AnthropicLlm(Access(backend="acme", sdk="anthropic", keys=keys, proxy=upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "http://far.invalid/v1/messages"
    assert hostile.connections == 0


async def test_a_proxy_that_is_down_is_named_as_such() -> None:
    keys = FrozenDict(endpoint="https://far.invalid", api_key=KEY)
    worker = AnthropicLlm(Access(backend="acme", sdk="anthropic", keys=keys, proxy="http://127.0.0.1:1"))
    with pytest.raises(UnreachableError, match="proxy"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
