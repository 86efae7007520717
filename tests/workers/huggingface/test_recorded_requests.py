"""What the SDK's helpers write for each provider, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import KEY, LIMITS, access
from workers.huggingface.given_there import INLINE, MODEL, PICTURE, card, drawing, painter
from workers.upstream import Upstream, json_answer

from pipelex_like.types import FrozenDict
from pipelex_like.workers.huggingface.images import HuggingFaceImages

if TYPE_CHECKING:
    from workers.upstream import Answer

RECORDED = Path(__file__).parent / "recorded"
SETTINGS = {
    "size": "1024x768",
    "nb_steps": 20,
    "guidance_scale": 3.5,
    "seed": 7,
    "negative_prompt": "people",
    "is_moderated": True,
    "output_format": "png",
    "extra": FrozenDict(scheduler="ddim"),
}
# provider -> what the hub says it calls the model, the path, what it answers
WAYS: dict[str, tuple[str, str, Answer]] = {
    "hf-inference": ("", f"/hf-inference/models/{MODEL}", PICTURE),
    "fal-ai": ("fal-ai/fast-sdxl", "/fal-ai/fal-ai/fast-sdxl", json_answer({"images": [{"url": INLINE}]})),
    "replicate": (
        "stability-ai/sdxl:7762fd07",
        "/replicate/v1/predictions",
        json_answer({"status": "succeeded", "output": [INLINE]}),
    ),
    "together": (MODEL, "/together/v1/images/generations", json_answer({"data": [{"b64_json": INLINE[22:]}]})),
    "nscale": (MODEL, "/nscale/v1/images/generations", json_answer({"data": [{"b64_json": INLINE[22:]}]})),
}


@pytest.mark.parametrize("provider", WAYS)
async def test_each_provider_is_sent_the_recorded_body(upstream: Upstream, provider: str) -> None:
    name, path, answer = WAYS[provider]
    upstream.answers = [*([card(provider, name)] if name else []), answer]
    worker = HuggingFaceImages(access(f"{upstream.url}/v1/"))
    reply = await worker.draw(drawing(**SETTINGS), painter(provider), LIMITS)
    await worker.aclose()
    *before, seen = upstream.seen
    assert [one.path for one in before] == ([f"/api/models/{MODEL}?expand=inferenceProviderMapping"] if name else [])
    assert (seen.method, seen.path) == ("POST", path)
    told = {"headers": {"prefer": seen.headers.get("prefer")}, "body": seen.body, "adapted": list(reply.adapted)}
    assert told == orjson.loads((RECORDED / f"{provider}.json").read_bytes())


async def test_a_model_without_a_provider_goes_to_hugging_faces_own(upstream: Upstream) -> None:
    upstream.answers = [PICTURE]
    worker = HuggingFaceImages(access(upstream.url))
    reply = await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == f"/hf-inference/models/{MODEL}"
    assert seen.body == {"inputs": "a boat", "parameters": {}}
    assert (reply.provider_request_id, reply.adapted) == ("req-7", ())


async def test_the_variant_of_a_spec_names_the_provider(upstream: Upstream) -> None:
    upstream.answers = [card("fal-ai", "fal-ai/x"), json_answer({"images": [{"url": INLINE}]})]
    worker = HuggingFaceImages(access(upstream.url))
    await worker.draw(drawing(), painter(variant="fal-ai"), LIMITS)
    await worker.aclose()
    assert upstream.seen[-1].path == "/fal-ai/fal-ai/x"


async def test_the_hub_is_asked_once_for_a_model(upstream: Upstream) -> None:
    answer = json_answer({"images": [{"url": INLINE}]})
    upstream.answers = [card("fal-ai", "fal-ai/x"), answer, answer]
    worker = HuggingFaceImages(access(upstream.url))
    for _ in range(2):
        await worker.draw(drawing(), painter("fal-ai"), LIMITS)
    await worker.aclose()
    assert [seen.method for seen in upstream.seen] == ["GET", "POST", "POST"]


async def test_only_our_headers_go_along(upstream: Upstream) -> None:
    upstream.answers = [PICTURE]
    worker = HuggingFaceImages(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.draw(drawing(), painter(headers=FrozenDict({"x-hf-bill-to": "org"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers["authorization"], headers["user-agent"]) == (f"Bearer {KEY}", "pipelex-like")
    assert (headers["x-team"], headers["x-hf-bill-to"], headers["accept"]) == ("a", "org", "image/png")
    assert len(headers) == 10


async def test_a_picture_known_by_address_is_fetched_without_the_key(upstream: Upstream) -> None:
    linked = json_answer({"images": [{"url": f"{upstream.url}/files/a.png"}]})
    upstream.answers = [card("fal-ai", "fal-ai/x"), linked, PICTURE]
    worker = HuggingFaceImages(access(upstream.url))
    reply = await worker.draw(drawing(), painter("fal-ai"), LIMITS)
    await worker.aclose()
    assert upstream.seen[-1].path == "/files/a.png"
    assert "authorization" not in upstream.seen[-1].headers
    assert reply.images[0].width == 1
