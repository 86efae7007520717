"""Usage that cannot be believed: the answer stays, and its cost is marked as an estimate or None with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from usage.formats import ALL, STREAMED, Golden, asked_of, golden, in_events, whole
from workers.upstream import Upstream

from pipelex_like.engine.replies import consumed
from pipelex_like.types import Usage
from pipelex_like.workers.counts import Counts, fitted
from pipelex_like.workers.openai.counts import read_usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_HOLDERS = ("usage", "usageMetadata", "usage_info", "metadata")
_AT_TOP = ("prompt_eval_count", "eval_count")
_COUNTS = [case for case in ALL if case[1] != "fal"]

ODD: dict[str, Callable[[int], object]] = {
    "negative": lambda count: -1 - count,
    "text": str,
    "words": lambda _: "many",
    "half": lambda count: count + 0.5,
    "huge": lambda count: 10**15 + count,
    "far too long": lambda _: "9" * 5000,
    "true": lambda _: True,
    "list": lambda count: [count],
}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        yield server


def spoilt(value: Any, odd: Callable[[int], object] | None, *, inside: bool = False) -> Any:
    """The same reply with every count in it made odd; without `odd`, with no usage at all."""
    if isinstance(value, dict):
        names = [name for name in value if odd is not None or not (name in _HOLDERS[:3] or name in _AT_TOP)]
        return {name: spoilt(value[name], odd, inside=inside or name in _HOLDERS or name in _AT_TOP) for name in names}
    if isinstance(value, list):
        return [spoilt(item, odd, inside=inside) for item in value]
    return odd(value) if inside and odd is not None and type(value) is int else value


def check(name: str, worker: str, reply: Any) -> None:
    usage, (cost, note) = consumed(asked_of(name, worker), reply)
    assert note is not None
    assert cost is None or usage.estimated
    assert all(count >= 0 for count in usage.to_dict().values())
    assert usage.total_tokens < 10**8


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("name", "worker"), _COUNTS)
async def test_odd_counts_keep_the_answer(upstream: Upstream, name: str, worker: str, odd: str) -> None:
    told = golden(name)
    check(name, worker, await whole(upstream, name, worker, spoilt(told["whole"], ODD[odd])))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("name", "worker"), STREAMED)
async def test_in_a_stream_too(upstream: Upstream, name: str, worker: str, odd: str) -> None:
    told = golden(name)
    reply = await in_events(upstream, name, worker, spoilt(told["events"], ODD[odd]))
    plain = await whole(upstream, name, worker, told["whole"])
    assert reply.text == plain.text
    check(name, worker, reply)


@pytest.mark.parametrize(("name", "worker"), [case for case in ALL if case[0] not in ("fal", "mistral_ocr")])
async def test_no_usage_at_all_is_no_cost_and_no_zero(upstream: Upstream, name: str, worker: str) -> None:
    told = golden(name)
    replies = [await whole(upstream, name, worker, spoilt(told["whole"], None))]
    if "events" in told:
        replies.append(await in_events(upstream, name, worker, spoilt(told["events"], None)))
    for reply in replies:
        _, (cost, note) = consumed(asked_of(name, worker), reply)
        assert cost is None
        assert note


CONTRADICTIONS: dict[str, Golden] = {
    "openai_chat": {"prompt_tokens_details": {"cached_tokens": 2001}},
    "azure": {"total_tokens": 7},
    "xai": {"completion_tokens_details": {"reasoning_tokens": 301}},
    "deepseek": {"prompt_cache_hit_tokens": 1001},
    "openai_responses": {"input_tokens_details": {"cached_tokens": 2048, "cache_write_tokens": 953}},
    "perplexity": {"input_tokens_details": {"cache_read_input_tokens": 1801}},
    "anthropic": {"output_tokens_details": {"thinking_tokens": 504}},
    "mistral": {"prompt_tokens_details": {"cached_tokens": 1501}},
    "bedrock": {"cacheDetails": [{"ttl": "1h", "inputTokens": 501}]},
    "google": {"cachedContentTokenCount": 4051},
    "openai_images": {"input_tokens_details": {"image_tokens": 331}},
    "google_images": {"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1391}]},
    "mistral_ocr": {"pages_processed": 2},
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
async def test_counts_that_contradict_each_other_are_marked(upstream: Upstream, name: str) -> None:
    told = golden(name)
    (worker, *_), reply = told["workers"], told["whole"]
    holder = next(key for key in _HOLDERS if key in reply)
    reply[holder] |= CONTRADICTIONS[name]
    usage, (cost, note) = consumed(asked_of(name, worker), await whole(upstream, name, worker, reply))
    assert usage.estimated
    assert cost is not None
    assert note is not None
    parts_in = usage.cached_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    assert parts_in + usage.input_audio_tokens + usage.input_image_tokens <= usage.input_tokens
    assert usage.reasoning_tokens + usage.output_audio_tokens + usage.output_image_tokens <= usage.output_tokens


def test_thoughts_that_only_the_total_counts_are_an_estimate() -> None:
    told = {"prompt_tokens": 758, "completion_tokens": 102, "total_tokens": 1725}
    expected = Usage(input_tokens=758, output_tokens=967, reasoning_tokens=865, estimated=True)
    assert read_usage(told) == expected


def test_a_total_of_zero_says_nothing() -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 0}
    assert read_usage(told) == Usage(input_tokens=3, output_tokens=2)


def test_details_that_are_none_are_odd() -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": "many"}
    assert read_usage(told) == Usage(input_tokens=3, output_tokens=2, estimated=True)


@pytest.mark.parametrize(
    ("value", "count", "odd"),
    [
        *((7, 7, False), (7.0, 7, False), (7.2, 8, True), (" 7 ", 7, True), ("7.5", None, True), ("", None, True)),
        *((float("nan"), None, True), (float("inf"), None, True), (-1, None, True), (False, None, True)),
        *((10**9, 10**9, False), (10**9 + 1, None, True), (1e300, None, True), ([], None, True), (None, None, False)),
    ],
)
def test_one_count(value: object, count: int | None, odd: bool) -> None:
    counts = Counts({"n": value})
    assert (counts.first("n"), counts.odd) == (count, odd)


def test_parts_are_cut_in_their_order() -> None:
    usage = Usage(input_tokens=10, cached_tokens=6, cache_write_tokens=3, input_audio_tokens=5, input_image_tokens=1)
    cut = Usage(input_tokens=10, cached_tokens=6, cache_write_tokens=3, input_audio_tokens=1, estimated=True)
    assert fitted(usage) == cut
    fine = Usage(input_tokens=10, cached_tokens=6, input_image_tokens=4, output_tokens=2, reasoning_tokens=2)
    assert fitted(fine) is fine
