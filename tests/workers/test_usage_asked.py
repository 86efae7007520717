"""Every stream of chat completions asks for its usage, in every row of the kit, unless a rule forbids it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from data.packaged_kit import compiled
from workers.given import INVOICE, LIMITS, WEATHER, access, job
from workers.upstream import Upstream, sse

from pipelex_like.data import KIT
from pipelex_like.deck import Candidate, ModelSpec
from pipelex_like.types import FrozenDict, LlmJob
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from workers.upstream import Answer

CHATS = ("openai", "azure_openai", "cohere", "huggingface")
ENDED: Answer = sse({"choices": [{"delta": {"content": "{}"}, "finish_reason": "stop"}]})


def rows() -> list[ModelSpec]:
    """The first model of each backend, SDK and set of rules: requests differ by nothing else that matters here."""
    found: dict[tuple[object, ...], ModelSpec] = {}
    for specs in compiled(KIT)[0].specs.values():
        for spec in specs.values():
            if spec.kind == "llm" and spec.sdk in CHATS:
                found.setdefault((spec.backend, spec.sdk, spec.variant, spec.rules), spec)
    return list(found.values())


async def options(upstream: Upstream, spec: ModelSpec, asked: LlmJob) -> object:
    upstream.answers = [ENDED]
    model_id = spec.model_id if isinstance(spec.model_id, str) else spec.handle
    chosen = Candidate(
        handle=spec.handle, backend=spec.backend, model_id=model_id, sdk=spec.sdk, spec=replace(spec, headers={})
    )
    worker = Registry().find("llm", spec.sdk)(access(upstream.url))
    assert [piece async for piece in worker.stream(asked, chosen, LIMITS)]  # pyright: ignore
    await worker.aclose()
    body = upstream.seen[-1].body
    assert isinstance(body, dict)
    return body.get("stream_options")


@pytest.mark.parametrize("spec", rows(), ids=lambda spec: f"{spec.backend}-{spec.handle}")
async def test_a_stream_asks_for_its_usage(upstream: Upstream, spec: ModelSpec) -> None:
    told = spec.rules.get("stream_usage") is not False
    wanted = {"include_usage": True} if told else None
    assert await options(upstream, spec, job()) == wanted
    assert await options(upstream, spec, replace(job(), tools=(WEATHER,))) == wanted
    assert await options(upstream, spec, replace(job(), schema=INVOICE)) == wanted
    refusing = replace(spec, rules=FrozenDict({**spec.rules, "stream_usage": False}))
    assert await options(upstream, refusing, job()) is None


def test_the_rows_are_those_of_the_kit() -> None:
    backends = {spec.backend for spec in rows()}
    assert {"openai", "azure_openai", "groq", "deepseek", "xai", "cohere", "huggingface"} <= backends
