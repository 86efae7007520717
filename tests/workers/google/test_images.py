"""Pictures that Gemini draws: what is sent, what is refused before it costs, what comes back."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from workers.given import KEY, LIMITS, PNG, access, candidate
from workers.google.test_environment import vertex
from workers.google.wire import content, error, text
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CapabilityError,
    ContentPolicyError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import FrozenDict, ImageJob, ImageReply, Media, Usage
from pipelex_like.workers.base import Limits
from pipelex_like.workers.google.images import GoogleImages
from pipelex_like.workers.vertex_google.images import VertexGoogleImages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"
BANANA = "gemini-nano-banana-2.1"
INLINE = {"inlineData": {"mimeType": "image/png", "data": b64encode(PNG).decode()}}
USAGE = {
    "promptTokenCount": 4,
    "candidatesTokenCount": 1120,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
}


def drawing(model_id: str = BANANA, **spec: object) -> Candidate:
    return candidate(model_id, kind="img_gen", **spec)


def picture_of(prompt: str = "A boat", *, n: int = 1, images: tuple[Media, ...] = (), **settings: object) -> ImageJob:
    return ImageJob(prompt=prompt, n=n, images=images, settings=FrozenDict(settings))


async def drawn(
    upstream: Upstream, asked: ImageJob, chosen: Candidate, answer: object = None
) -> tuple[Any, ImageReply]:
    upstream.answers = [json_answer(answer or content(INLINE, usageMetadata=USAGE))]
    worker = GoogleImages(access(upstream.url))
    try:
        reply = await worker.draw(asked, chosen, LIMITS)
    finally:
        await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == f"/v1beta/models/{chosen.model_id}:generateContent"
    return seen.body, reply


CASES = {
    "picture": picture_of(),
    "picture_of_ratio": picture_of(aspect_ratio="landscape_16_9", extra={"safetySettings": []}),
    "picture_of_size": picture_of(size="2048x1536"),
    "picture_with_references": picture_of(
        images=(Media(mime="image/png", data=PNG), Media(mime="image/png", url="https://example.org/a.png"))
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_drawing_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    body, _ = await drawn(upstream, CASES[name], drawing())
    assert body == orjson.loads((RECORDED / f"{name}.json").read_bytes())


async def test_a_picture_is_measured_and_counted(upstream: Upstream) -> None:
    _, reply = await drawn(upstream, picture_of(), drawing())
    (image,) = reply.images
    assert (image.data, image.mime, image.width, image.height) == (PNG, "image/png", 1, 1)
    assert reply.usage == Usage(input_tokens=4, output_tokens=1120, output_image_tokens=1120, images=1)
    assert (reply.provider_request_id, reply.adapted) == ("r-1", ())


async def test_what_came_is_held_against_what_was_asked(upstream: Upstream) -> None:
    _, reply = await drawn(upstream, picture_of(aspect_ratio="16:9"), drawing())
    assert reply.adapted == ("aspect_ratio: asked for 16:9, got 1x1",)


async def test_what_the_model_has_no_word_for_is_told(upstream: Upstream) -> None:
    asked = picture_of(seed=1, negative_prompt="rain", quality="high", background="opaque", output_format="jpg")
    _, reply = await drawn(upstream, asked, drawing())
    assert [line.partition(":")[0] for line in reply.adapted] == [
        "seed",
        "negative_prompt",
        "quality high",
        "output_format",
        "output_format",
    ]


@pytest.mark.parametrize(
    ("model_id", "size", "sent"),
    [
        (BANANA, "1024x1024", "1K"),
        (BANANA, "3840x2160", "2K"),
        (BANANA, "4096x4096", "4K"),
        (BANANA, "512x512", "1K"),
        ("gemini-3.1-flash-image", "512x512", "512"),
        ("gemini-2.5-flash-image", "1024x1024", None),
    ],
)
async def test_a_size_becomes_the_nearest_that_the_model_has(
    upstream: Upstream, model_id: str, size: str, sent: str | None
) -> None:
    body, _ = await drawn(upstream, picture_of(size=size), drawing(model_id))
    assert body["generationConfig"]["imageConfig"].get("imageSize") == sent


@pytest.mark.parametrize(
    ("asked", "chosen", "kind", "part"),
    [
        (picture_of(n=2), drawing(), CapabilityError, "one picture"),
        (picture_of(n=2), drawing("some-model", listed=False), CapabilityError, "one picture"),
        (picture_of(), drawing("imagen-4.0-generate-001"), CapabilityError, "gemini-nano-banana-2.1"),
        (picture_of(aspect_ratio="5:1"), drawing(), CapabilityError, "16:9"),
        (picture_of(aspect_ratio="wide"), drawing(), BadRequestError, "landscape_16_9"),
        (picture_of(background="transparent"), drawing(), CapabilityError, "transparent"),
        (
            picture_of(images=(Media(mime="image/png", data=PNG),) * 4),
            drawing("gemini-2.5-flash-image"),
            CapabilityError,
            "3 at most",
        ),
    ],
)
async def test_what_cannot_be_drawn_is_refused_before_it_costs(
    upstream: Upstream, asked: ImageJob, chosen: Candidate, kind: type[CallError], part: str
) -> None:
    worker = GoogleImages(access(upstream.url))
    with pytest.raises(kind, match=part):
        await worker.draw(asked, chosen, LIMITS)
    await worker.aclose()
    assert not upstream.seen


@pytest.mark.parametrize(
    ("answer", "kind", "part"),
    [
        (content(text("I cannot."), reason="NO_IMAGE"), InvalidResponseError, r"\(NO_IMAGE\): I cannot"),
        (content(text(""), reason="IMAGE_SAFETY", told="Blocked."), ContentPolicyError, "Blocked"),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, ContentPolicyError, "SAFETY"),
        ({"responseId": "r"}, InvalidResponseError, "no candidate"),
        (content({"inlineData": {"data": "no base64!"}}), InvalidResponseError, "broken base64"),
        (content({"inlineData": {"data": "aGVsbG8="}}), InvalidResponseError, "none of PNG"),
        (content({**INLINE, "thought": True}), InvalidResponseError, "no picture was drawn"),
        (error(500, "INTERNAL"), ServerError, "No luck"),
    ],
)
async def test_an_answer_without_a_picture_is_an_error(
    upstream: Upstream, answer: object, kind: type[CallError], part: str
) -> None:
    with pytest.raises(kind, match=part):
        await drawn(upstream, picture_of(), drawing(), answer)


async def test_vertex_takes_a_wish_for_the_format(upstream: Upstream) -> None:
    upstream.answers = [json_answer(content(INLINE))]
    worker = VertexGoogleImages(vertex(upstream.url))
    reply = await worker.draw(picture_of(output_format="png"), drawing(), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    place = "/v1beta1/projects/my-project/locations/europe-west1/publishers/google/models"
    assert seen.path == f"{place}/{BANANA}:generateContent"
    config = seen.body["generationConfig"]["imageConfig"]  # pyright: ignore
    assert config == {"imageOutputOptions": {"mimeType": "image/png"}}
    assert reply.adapted == ()
    assert reply.usage is not None


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize("ratio", ["1:1", "16:9", "3:4", "21:9", "1:8"])
async def test_the_simulated_provider_draws_the_ratio(sandbox: Sandbox, ratio: str) -> None:
    worker = GoogleImages(access(sandbox.url, sandbox.api_key))
    reply = await worker.draw(picture_of(aspect_ratio=ratio), drawing(), LIMITS)
    await worker.aclose()
    assert reply.adapted == ()
    assert reply.usage
    assert reply.usage.output_image_tokens > 0


async def test_a_limit_of_the_simulated_provider(sandbox: Sandbox) -> None:
    worker = GoogleImages(access(sandbox.url, sandbox.api_key))
    with pytest.raises(RateLimitError) as caught:
        await worker.draw(picture_of(), drawing("fault-status-429-after-2"), LIMITS)
    assert caught.value.retry_after == 2
    with pytest.raises(InvalidResponseError):
        await worker.draw(picture_of(), drawing(), Limits(timeout=5, max_response_bytes=1000))
    await worker.aclose()
    assert KEY not in str(sandbox.requests)
