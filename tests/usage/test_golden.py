"""The same answer costs the same, streamed or not, in every wire format: what was reckoned by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from usage.formats import ALL, NAMES, STREAMED, asked_of, golden, in_events, whole
from workers.upstream import Upstream

from pipelex_like.engine.replies import consumed
from pipelex_like.types import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FORMATS = {
    *("openai_chat", "openai_responses", "azure", "anthropic", "mistral", "bedrock", "google", "cohere", "ollama"),
    *("huggingface", "perplexity", "openai_images", "google_images", "mistral_ocr", "fal"),
}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        yield server


def test_every_format_has_its_golden_reply_with_its_source() -> None:
    assert set(NAMES) >= FORMATS
    for name in NAMES:
        assert golden(name)["source"].startswith("https://")


@pytest.mark.parametrize(("name", "worker"), ALL)
async def test_a_whole_reply_costs_what_was_reckoned(upstream: Upstream, name: str, worker: str) -> None:
    told = golden(name)
    reply = await whole(upstream, name, worker, told["whole"])
    assert consumed(asked_of(name, worker), reply) == (Usage(**told["usage"]), (Decimal(told["cost"]), None))


@pytest.mark.parametrize(("name", "worker"), STREAMED)
async def test_streamed_it_costs_the_same(upstream: Upstream, name: str, worker: str) -> None:
    told = golden(name)
    reply = await in_events(upstream, name, worker, told["events"])
    assert consumed(asked_of(name, worker), reply) == (Usage(**told["usage"]), (Decimal(told["cost"]), None))
    plain = await whole(upstream, name, worker, told["whole"])
    assert (reply.text, reply.reasoning, reply.finish_reason) == (plain.text, plain.reasoning, plain.finish_reason)
