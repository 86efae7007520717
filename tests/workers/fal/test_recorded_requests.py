"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.fal.asked import APP, JOB, LINKED, PICTURE, drawing, painter, steps, whole_way
from workers.given import KEY, LIMITS, access
from workers.upstream import Upstream

from pipelex_like.types import FrozenDict, ImageJob
from pipelex_like.workers.fal.images import FalImages

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"
EVERY_SETTING: dict[str, object] = {
    "quality": "high",
    "guidance_scale": 7.5,
    "is_moderated": True,
    "safety_tolerance": 3,
    "aspect_ratio": "landscape_16_9",
    "background": "opaque",
    "output_format": "jpg",
    "output_compression": 80,
    "input_fidelity": "high",
    "negative_prompt": "people",
    "is_raw": True,
    "seed": 42,
}
JOBS: dict[str, tuple[ImageJob, Candidate]] = {
    "plain": (drawing(), painter()),
    "dev": (drawing(n=3, **EVERY_SETTING), painter()),
    "schnell": (drawing(nb_steps=3, aspect_ratio="3:2"), painter("fal-ai/flux/schnell")),
    "pro": (drawing(n=2, **EVERY_SETTING), painter("fal-ai/flux-pro/v1.1")),
    "ultra": (drawing(PICTURE, **EVERY_SETTING), painter("fal-ai/flux-pro/v1.1-ultra")),
    "kontext": (drawing(LINKED, **EVERY_SETTING), painter("fal-ai/flux-pro/kontext")),
    "flux_2_pro": (drawing(**{**EVERY_SETTING, "safety_tolerance": 6}), painter("fal-ai/flux-2-pro")),
    "flux_2_pro_edit": (drawing(PICTURE, LINKED, size="1536x1024"), painter("fal-ai/flux-2-pro/edit")),
    "flux_2_flex": (drawing(**{**EVERY_SETTING, "guidance_scale": 15}), painter("fal-ai/flux-2-flex")),
    "flux_2_dev": (drawing(output_format="webp", nb_steps=30), painter("fal-ai/flux-2")),
    "flux_3": (
        drawing(aspect_ratio="landscape_21_9", extra={"resolution": "2k"}),
        painter("blackforestlabs/flux-3/text-to-image"),
    ),
    "lightning": (drawing(n=2, **EVERY_SETTING), painter("fal-ai/fast-lightning-sdxl")),
    "lightning_steps": (drawing(nb_steps=5), painter("fal-ai/fast-lightning-sdxl")),
    "sdxl": (drawing(**EVERY_SETTING), painter("fal-ai/fast-sdxl")),
    "qwen": (drawing(**EVERY_SETTING), painter("fal-ai/qwen-image")),
    "recraft": (drawing(**EVERY_SETTING), painter("fal-ai/recraft/v3/text-to-image")),
    "ideogram": (drawing(LINKED, n=4, **EVERY_SETTING), painter("fal-ai/ideogram/v3")),
    "unknown": (drawing(PICTURE, n=2, nb_steps=9, negative_prompt="people"), painter("someone/their-model/v2")),
    "by_rules": (
        drawing(aspect_ratio="16:9", is_raw=True),
        painter("someone/ultra", rules=FrozenDict(aspect_ratio="flux_11_ultra", inference="flux_11_ultra")),
    ),
    "extra": (drawing(extra={"acceleration": "high", "image_size": "square"}, size="512x512"), painter()),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", JOBS)
async def test_an_order_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = whole_way(upstream)
    worker = FalImages(access(upstream.url))
    job, candidate = JOBS[name]
    reply = await worker.draw(job, candidate, LIMITS)
    await worker.aclose()
    assert (upstream.seen[0].method, upstream.seen[0].path) == ("POST", f"/{candidate.model_id}")
    assert {"body": upstream.seen[0].body, "adapted": list(reply.adapted)} == recorded(name)


@pytest.mark.parametrize("end", ["", "/"])
async def test_the_address_may_end_with_a_slash(upstream: Upstream, end: str) -> None:
    upstream.answers = whole_way(upstream)
    worker = FalImages(access(f"{upstream.url}{end}"))
    await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    assert steps(upstream) == ["submit", "status", "result", "/files/a.png"]
    assert [seen.method for seen in upstream.seen] == ["POST", "GET", "GET", "GET"]
    assert upstream.seen[1].path.endswith(f"{JOB}/status?logs=false")


async def test_headers_of_backend_and_spec_go_to_the_queue_and_none_to_the_pictures(upstream: Upstream) -> None:
    upstream.answers = whole_way(upstream)
    worker = FalImages(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.draw(drawing(), painter(headers=FrozenDict({"X-Other": "b"})), LIMITS)
    await worker.aclose()
    *queue, picture = upstream.seen
    for seen in queue:
        assert (seen.headers["x-team"], seen.headers["x-other"]) == ("a", "b")
        assert seen.headers["authorization"] == f"Key {KEY}"
        assert seen.headers["user-agent"] == "pipelex-like"
    assert set(picture.headers) == {"host", "connection", "user-agent", "accept", "accept-encoding"}


async def test_an_address_of_direct_calls_means_its_queue() -> None:
    assert FalImages(access("https://fal.run/"))._client.base == "https://queue.fal.run"
    assert FalImages(access(None))._client.base == "https://queue.fal.run"
    assert APP in JOBS["plain"][1].model_id
