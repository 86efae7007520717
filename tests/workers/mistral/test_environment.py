"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import KEY, LIMITS, access, candidate, completion, job
from workers.mistral.asked import PDF, ocr, page, read, reading
from workers.upstream import Upstream, json_answer

from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.mistral.llm import MistralLlm
from pipelex_like.workers.mistral.ocr import MistralOcr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CANARY = "canary-from-the-environment"


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        token, netrc = tmp_path / "token", tmp_path / "netrc"
        token.write_text(CANARY)
        netrc.write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "MISTRAL_OTLP_TRACES_ENDPOINT"):
            monkeypatch.setenv(name, server.url)
        # No client could be made of this one.
        for name in ("ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "gopher://127.0.0.1:1")
        monkeypatch.setenv("MISTRAL_API_KEY", CANARY)
        monkeypatch.setenv("MISTRAL_SA_TOKEN_PATH", str(token))
        monkeypatch.setenv("MISTRAL_SDK_TELEMETRY", "dedicated")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield server


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, hostile: Upstream, key: str | None) -> None:
    upstream.answers = [json_answer(completion()), json_answer(read(page(0)))]
    given = access(upstream.url, key)
    llm, reader = MistralLlm(given), MistralOcr(given)
    await llm.generate(job(), candidate(), LIMITS)
    await reader.extract(reading(PDF), ocr(), LIMITS)
    await llm.aclose()
    await reader.aclose()
    assert hostile.connections == 0
    for seen in upstream.seen:
        assert CANARY not in str(seen.headers)
        assert seen.headers.get("authorization") == (f"Bearer {key}" if key else None)
        assert "traceparent" not in seen.headers


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    keys = FrozenDict(endpoint="http://far.invalid/v1", api_key=KEY)
    worker = MistralLlm(Access(backend="acme", sdk="mistral", keys=keys, proxy=upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "http://far.invalid/v1/chat/completions"
