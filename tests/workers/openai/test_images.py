from __future__ import annotations

from base64 import b64encode

import pytest
from workers.given import LIMITS, PNG, access, candidate
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import BadRequestError, CallError, CapabilityError, ContentPolicyError, InvalidResponseError
from pipelex_like.types import FrozenDict, ImageJob, ImageReply, Media, Usage
from pipelex_like.workers.openai.image_request import drawing_of
from pipelex_like.workers.openai.images import OpenAiImages

ENCODED = b64encode(PNG).decode()
PICTURE = Media(mime="image/png", data=PNG, name="boat.png")
LINKED = Media(mime="image/png", url="https://example.org/a.png")


async def drawn(upstream: Upstream, answer: object, status: int = 200, **settings: object) -> ImageReply:
    upstream.answers = [json_answer(answer, status, {"x-request-id": "req-9"})]
    worker = OpenAiImages(access(upstream.url))
    try:
        asked = ImageJob(prompt="a boat", settings=FrozenDict(settings))
        return await worker.draw(asked, candidate("sandbox-image", kind="img_gen"), LIMITS)
    finally:
        await worker.aclose()


def body_of(model_id: str, rules: dict[str, object] | None = None, **settings: object) -> tuple[object, ...]:
    chosen = candidate(model_id, kind="img_gen", rules=FrozenDict(rules or {}))
    drawing = drawing_of(ImageJob(prompt="x", settings=FrozenDict(settings)), chosen)
    return drawing.body, drawing.adapted


async def test_pictures_are_measured_counted_and_named(upstream: Upstream) -> None:
    picture = {"b64_json": ENCODED, "revised_prompt": "A boat."}
    reply = await drawn(upstream, {"data": [picture]})
    (image,) = reply.images
    assert (image.data, image.mime, image.width, image.height, image.caption) == (PNG, "image/png", 1, 1, "A boat.")
    assert (reply.usage, reply.provider_request_id, reply.adapted) == (Usage(images=1), "req-9", ())


async def test_tokens_of_drawing_are_kept_apart(upstream: Upstream) -> None:
    told = {"input_tokens": 50, "output_tokens": 4160, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}
    reply = await drawn(upstream, {"data": [{"b64_json": ENCODED}], "usage": told})
    assert reply.usage == Usage(
        input_tokens=50, output_tokens=4160, input_image_tokens=40, output_image_tokens=4160, images=1
    )


async def test_what_came_otherwise_than_asked_for_is_told(upstream: Upstream) -> None:
    two = [{"b64_json": ENCODED}, {"url": f"data:image/png;base64,{ENCODED}"}]
    reply = await drawn(upstream, {"data": two}, size="512x512", output_format="webp")
    assert reply.adapted == (
        "n: asked for 1 picture, got 2",
        "size: asked for 512x512, got 1x1",
        "output_format: asked for webp, got png",
    )


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


SETTINGS = {
    "transparent": FrozenDict(background="transparent"),
    "transparent jpeg": FrozenDict(background="transparent", output_format="jpg"),
    "small": FrozenDict(size="512x512"),
    "odd": FrozenDict(size="1000x1001"),
    "huge": FrozenDict(size="4096x4096"),
    "long": FrozenDict(aspect_ratio="8:1"),
    "wide": FrozenDict(aspect_ratio="16:9"),
    "no size": FrozenDict(size="big"),
    "no ratio": FrozenDict(aspect_ratio="wide"),
}


@pytest.mark.parametrize(
    ("model_id", "asked", "kind", "part"),
    [
        ("dall-e-3", ImageJob(prompt="x", n=2), CapabilityError, "one picture at most, not 2"),
        ("dall-e-3", ImageJob(prompt="x", images=(PICTURE,)), CapabilityError, "reference pictures it takes none"),
        ("gpt-image-1.5", ImageJob(prompt="x", images=(PICTURE,) * 17), CapabilityError, "16 at most, not 17"),
        ("gpt-image-1.5", ImageJob(prompt="x", settings=SETTINGS["small"]), CapabilityError, "1024x1024, 1536x1024"),
        ("gpt-image-1.5", ImageJob(prompt="x", settings=SETTINGS["wide"]), CapabilityError, "the ratio 16:9"),
        ("gpt-image-2.5-flare", ImageJob(prompt="x", settings=SETTINGS["odd"]), CapabilityError, "steps of 16"),
        ("gpt-image-2.5-flare", ImageJob(prompt="x", settings=SETTINGS["huge"]), CapabilityError, "16 to 3840"),
        ("gpt-image-2.5-flare", ImageJob(prompt="x", settings=SETTINGS["long"]), CapabilityError, "up to 3:1"),
        ("gpt-image-2", ImageJob(prompt="x", settings=SETTINGS["transparent"]), CapabilityError, "transparent"),
        ("any", ImageJob(prompt="x", settings=SETTINGS["transparent jpeg"]), BadRequestError, "png or webp"),
        ("any", ImageJob(prompt="x", settings=SETTINGS["no size"]), BadRequestError, "1024x1024"),
        ("any", ImageJob(prompt="x", settings=SETTINGS["no ratio"]), BadRequestError, "landscape_16_9"),
    ],
)
def test_the_impossible_is_refused_before_it_costs(
    model_id: str, asked: ImageJob, kind: type[CallError], part: str
) -> None:
    with pytest.raises(kind, match=part) as caught:
        drawing_of(asked, candidate(model_id, kind="img_gen"))
    assert str(caught.value).startswith(f"acme ({model_id}): ")


def test_a_model_that_no_spec_lists_is_refused_nothing() -> None:
    settings = FrozenDict(aspect_ratio="16:9", background="transparent")
    asked = ImageJob(prompt="x", n=3, images=(PICTURE,) * 20, settings=settings)
    body = drawing_of(asked, candidate("gpt-image-1.5", kind="img_gen", listed=False)).body
    assert (body["n"], body["size"], body["background"]) == (3, "1536x1024", "transparent")


def test_rules_name_the_family_and_what_is_unavailable() -> None:
    rules: dict[str, object] = {"aspect_ratio": "gpt_image", "background": "unavailable"}
    body, adapted = body_of("my-deployment", rules, background="opaque", size="auto")
    assert body == {"model": "my-deployment", "prompt": "x", "n": 1, "size": "auto"}
    assert adapted == ("background: left out, the model has no word for it",)


def test_preferences_without_a_word_are_left_out_and_told() -> None:
    given = {"nb_steps": 4, "guidance_scale": 7.5, "seed": 3, "safety_tolerance": 2, "output_compression": 50}
    body, adapted = body_of("gpt-image-2.5-flare", **given, input_fidelity="high", quality="auto")
    assert body == {"model": "gpt-image-2.5-flare", "prompt": "x", "n": 1, "quality": "auto"}
    assert {line.partition(":")[0] for line in adapted} == {*given, "input_fidelity"}


TOGETHER = {
    "size_fields": "width_height",
    "size_step": 16,
    "num_images": 4,
    "inference": "available",
    "fields": FrozenDict(
        nb_steps="steps",
        guidance_scale="guidance_scale",
        seed="seed",
        negative_prompt="negative_prompt",
        is_moderated="disable_safety_checker",
    ),
    "steps": FrozenDict(low=4, medium=12, high=28),
    "output_format": ("jpeg", "png"),
}


def test_a_vendor_of_ones_own_is_described_by_rules_alone() -> None:
    body, adapted = body_of("acme/flux", TOGETHER, aspect_ratio="16:9", quality="high", seed=7, is_moderated=True)
    assert body == {
        "model": "acme/flux",
        "prompt": "x",
        "n": 1,
        "width": 1360,
        "height": 768,
        "steps": 28,
        "seed": 7,
        "disable_safety_checker": False,
        "response_format": "b64_json",
    }
    assert adapted == ("quality high: sent as 28 steps",)
    body, adapted = body_of("acme/flux", TOGETHER, nb_steps=2, output_format="webp", background="auto")
    assert isinstance(body, dict)
    assert (body["steps"], "output_format" in body, "background" in body) == (2, False, False)
    assert adapted == (
        "output_format webp: left out, the model writes jpeg, png",
        "background: left out, the model has no word for it",
    )


def test_ratios_are_sent_as_such_where_the_wire_wants_them() -> None:
    rules: dict[str, object] = {"size_fields": "aspect_ratio", "aspect_ratios": ("1:1", "16:9")}
    body, _ = body_of("ratio-only", rules, aspect_ratio="landscape_16_9")
    assert isinstance(body, dict)
    assert body["aspect_ratio"] == "16:9"
    with pytest.raises(CapabilityError, match="1:1, 16:9"):
        body_of("ratio-only", rules, aspect_ratio="2:3")


def test_reference_pictures_stand_where_the_rules_say() -> None:
    asked = ImageJob(prompt="x", images=(PICTURE, LINKED))
    many = candidate("flux-2", kind="img_gen", rules=FrozenDict(input_images_field="reference_images"))
    drawing = drawing_of(asked, many)
    assert drawing.path == "/images/generations"
    assert drawing.body["reference_images"] == [f"data:image/png;base64,{ENCODED}", "https://example.org/a.png"]
    one = candidate("flux-kontext", kind="img_gen", rules=FrozenDict(input_images_field="image_url"))
    with pytest.raises(CapabilityError, match="it takes one, not 2"):
        drawing_of(asked, one)
    single = drawing_of(ImageJob(prompt="x", images=(LINKED,)), one)
    assert single.body["image_url"] == "https://example.org/a.png"
