from __future__ import annotations

from base64 import b64encode

import pytest
from workers.given import LIMITS, PNG, access, candidate
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import BadRequestError, CallError, CapabilityError, ContentPolicyError, InvalidResponseError
from pipelex_like.types import FrozenDict, ImageJob, ImageReply, Media, Usage
from pipelex_like.workers.openai.image_request import GPT_IMAGE, OTHER, family_of, image_body, nearest_size, ratio_of
from pipelex_like.workers.openai.images import OpenAiImages

ENCODED = b64encode(PNG).decode()


async def drawn(upstream: Upstream, answer: object, status: int = 200, **settings: object) -> ImageReply:
    upstream.answers = [json_answer(answer, status, {"x-request-id": "req-9"})]
    worker = OpenAiImages(access(upstream.url))
    try:
        asked = ImageJob(prompt="a boat", settings=FrozenDict(settings))
        return await worker.draw(asked, candidate("sandbox-image", kind="img_gen"), LIMITS)
    finally:
        await worker.aclose()


async def test_pictures_are_measured_counted_and_named(upstream: Upstream) -> None:
    answer = {"data": [{"b64_json": ENCODED, "revised_prompt": "A boat."}, {"url": f"data:image/png;base64,{ENCODED}"}]}
    reply = await drawn(upstream, answer)
    first, second = reply.images
    assert (first.data, first.mime, first.width, first.height, first.caption) == (PNG, "image/png", 1, 1, "A boat.")
    assert second.data == PNG
    assert (reply.usage, reply.provider_request_id, reply.adapted) == (Usage(images=2), "req-9", ())


async def test_tokens_of_drawing_are_kept_apart(upstream: Upstream) -> None:
    told = {"input_tokens": 50, "output_tokens": 4160, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}
    reply = await drawn(upstream, {"data": [{"b64_json": ENCODED}], "usage": told})
    assert reply.usage == Usage(
        input_tokens=50, output_tokens=4160, input_image_tokens=40, output_image_tokens=4160, images=1
    )


async def test_another_size_than_asked_for_is_told(upstream: Upstream) -> None:
    reply = await drawn(upstream, {"data": [{"b64_json": ENCODED}]}, size="512x512")
    assert reply.adapted == ("size 512x512: the picture came as 1x1",)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ({}, "no pictures"),
        ({"data": []}, "no pictures"),
        ({"data": [{"url": "https://example.org/a.png"}]}, "response_format"),
        ({"data": [{"b64_json": "not base64!"}]}, "broken base64"),
        ({"data": [{"b64_json": "aGVsbG8="}]}, "none of PNG"),
    ],
)
async def test_answers_without_a_picture_are_errors(upstream: Upstream, answer: object, part: str) -> None:
    with pytest.raises(InvalidResponseError, match=part):
        await drawn(upstream, answer)


async def test_a_refused_prompt_is_an_error_of_its_own(upstream: Upstream) -> None:
    answer = {"error": {"code": "moderation_blocked", "message": "Your request was rejected by the safety system."}}
    with pytest.raises(ContentPolicyError):
        await drawn(upstream, answer, 400)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("square", 1),
        ("landscape_16_9", 16 / 9),
        ("portrait_2_3", 2 / 3),
        ("21:9", 21 / 9),
        ("0:1", None),
        ("1:0", None),
        ("wide", None),
        ("16:9x", None),
    ],
)
def test_ratios(text: str, ratio: float | None) -> None:
    assert ratio_of(text) == ratio


def test_free_sizes_keep_ratio_and_about_a_million_pixels() -> None:
    for ratio in (1, 16 / 9, 9 / 16, 21 / 9):
        width, height = nearest_size(ratio, OTHER)
        assert width % 16 == height % 16 == 0
        assert abs(width / height - ratio) < 0.05 * ratio
        assert abs(width * height - 1024 * 1024) < 0.05 * 1024 * 1024


def test_a_ratio_between_two_sizes_takes_the_nearest_and_says_so() -> None:
    assert nearest_size(16 / 9, GPT_IMAGE) == (1536, 1024)
    chosen = candidate("gpt-image-1", kind="img_gen")
    body, adapted = image_body(ImageJob(prompt="x", settings=FrozenDict(aspect_ratio="16:9")), chosen)
    assert body["size"] == "1536x1024"
    assert adapted == ("aspect_ratio 16:9: drawn as 1536x1024, the nearest size of this model",)


@pytest.mark.parametrize(
    ("model_id", "asked", "kind"),
    [
        ("dall-e-3", ImageJob(prompt="x", n=2), CapabilityError),
        ("gpt-image-1", ImageJob(prompt="x", images=(Media(mime="image/png", data=PNG),)), CapabilityError),
        ("gpt-image-1", ImageJob(prompt="x", settings=FrozenDict(size="512x512")), BadRequestError),
        ("any", ImageJob(prompt="x", settings=FrozenDict(size="big")), BadRequestError),
        ("any", ImageJob(prompt="x", settings=FrozenDict(aspect_ratio="wide")), BadRequestError),
    ],
)
def test_the_impossible_is_refused_before_it_costs(model_id: str, asked: ImageJob, kind: type[CallError]) -> None:
    with pytest.raises(kind, match=f"acme \\({model_id}\\)"):
        image_body(asked, candidate(model_id, kind="img_gen"))


def test_rules_name_the_family_and_what_is_unavailable() -> None:
    chosen = candidate(
        "my-deployment", kind="img_gen", rules=FrozenDict(aspect_ratio="gpt_image", background="unavailable")
    )
    assert family_of(chosen.spec, "my-deployment") is GPT_IMAGE
    asked = ImageJob(prompt="x", settings=FrozenDict(background="opaque", size="auto"))
    body, adapted = image_body(asked, chosen)
    assert body == {"model": "my-deployment", "prompt": "x", "n": 1, "size": "auto"}
    assert adapted == ("background: left out, the model does not take it",)
