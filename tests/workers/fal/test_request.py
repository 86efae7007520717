"""What is refused before it costs, and what is adapted."""

from __future__ import annotations

import pytest
from workers.fal.asked import LINKED, PICTURE, drawing, painter
from workers.given import LIMITS, access
from workers.upstream import Upstream

from pipelex_like.errors import BadRequestError, CallError, CapabilityError, NotFoundError
from pipelex_like.types import FrozenDict
from pipelex_like.workers.fal.images import FalImages
from pipelex_like.workers.fal.request import order_of


@pytest.mark.parametrize(
    ("application", "job", "kind", "said"),
    [
        ("fal-ai/flux/dev", drawing(n=5), CapabilityError, "4 pictures at most"),
        ("fal-ai/flux-2-pro", drawing(n=2), CapabilityError, "one picture at most"),
        ("fal-ai/flux/dev", drawing(PICTURE), CapabilityError, "reference pictures it takes none"),
        ("fal-ai/flux-pro/kontext", drawing(PICTURE, LINKED), CapabilityError, "1 at most"),
        ("fal-ai/flux-pro/kontext", drawing(), CapabilityError, "it changes pictures, and got none"),
        ("fal-ai/flux/dev", drawing(background="transparent"), CapabilityError, "no transparent background"),
        ("fal-ai/flux-pro/v1.1-ultra", drawing(size="1024x1024"), CapabilityError, "aspect_ratio in place of a size"),
        ("fal-ai/flux-pro/v1.1-ultra", drawing(aspect_ratio="5:1"), CapabilityError, "cannot draw the ratio 5:1"),
        ("fal-ai/flux/dev", drawing(aspect_ratio="tall"), BadRequestError, '"tall" is no aspect_ratio'),
        ("fal-ai/flux/dev", drawing(size="big"), BadRequestError, '"big" is no size'),
        ("flux-dev", drawing(), NotFoundError, 'model_id = "fal-ai/flux/dev"'),
        ("fal-ai/../evil", drawing(), NotFoundError, "no path of an application"),
        ("fal-ai/flux/dev", drawing(resume="../../x"), BadRequestError, "no id of a job"),
    ],
)
async def test_nothing_is_sent(
    upstream: Upstream, application: str, job: object, kind: type[CallError], said: str
) -> None:
    worker = FalImages(access(upstream.url))
    with pytest.raises(kind) as refused:
        await worker.draw(job, painter(application), LIMITS)  # pyright: ignore[reportArgumentType]
    await worker.aclose()
    assert said in str(refused.value)
    assert str(refused.value).startswith("acme (")
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("square", "square_hd"),
        ("1:1", "square_hd"),
        ("landscape_4_3", "landscape_4_3"),
        ("portrait_3_4", "portrait_4_3"),
        ("9:16", "portrait_16_9"),
        ("portrait_9_16", "portrait_16_9"),
        ("landscape_21_9", {"width": 1568, "height": 672}),
        ("2:3", {"width": 832, "height": 1248}),
    ],
)
def test_ratios_become_the_sizes_that_fal_names(ratio: str, size: object) -> None:
    assert order_of(drawing(aspect_ratio=ratio), painter()).body["image_size"] == size


def test_auto_says_nothing_and_a_size_goes_before_a_ratio() -> None:
    assert "image_size" not in order_of(drawing(aspect_ratio="auto"), painter()).body
    order = order_of(drawing(size="640x480", aspect_ratio="square"), painter())
    assert order.body["image_size"] == {"width": 640, "height": 480}


@pytest.mark.parametrize(
    ("application", "settings", "field", "sent", "line"),
    [
        ("fal-ai/flux/dev", {"nb_steps": 80}, "num_inference_steps", 50, "nb_steps 80: sent as 50"),
        ("fal-ai/flux/dev", {"guidance_scale": 0.5}, "guidance_scale", 1.0, "guidance_scale 0.5: sent as 1.0"),
        ("fal-ai/fast-lightning-sdxl", {"nb_steps": 7}, "num_inference_steps", "8", "nb_steps 7: sent as 8"),
        ("fal-ai/fast-lightning-sdxl", {"nb_steps": 4}, "num_inference_steps", "4", None),
        ("fal-ai/flux-2-pro", {"safety_tolerance": 6}, "safety_tolerance", "5", "safety_tolerance 6: sent as 5"),
        ("fal-ai/flux-pro/v1.1", {"safety_tolerance": 6}, "safety_tolerance", "6", None),
        ("fal-ai/flux/dev", {"is_moderated": False}, "enable_safety_checker", False, None),
        ("fal-ai/flux/dev", {"quality": "low"}, "num_inference_steps", 14, "quality low: sent as 14 steps"),
        (
            "fal-ai/fast-lightning-sdxl",
            {"quality": "high"},
            "num_inference_steps",
            "8",
            "quality high: sent as 8 steps",
        ),
        ("fal-ai/ideogram/v3", {"quality": "low"}, "rendering_speed", "TURBO", "quality low: sent as TURBO"),
        ("fal-ai/fast-lightning-sdxl", {"output_format": "png"}, "format", "png", None),
    ],
)
def test_values_are_fitted(
    application: str, settings: dict[str, object], field: str, sent: object, line: str | None
) -> None:
    order = order_of(drawing(**settings), painter(application))
    assert order.body[field] == sent
    assert [told for told in order.adapted if line and told.startswith(line)] == list(order.adapted)
    assert len(order.adapted) == (0 if line is None else 1)


def test_steps_go_before_quality() -> None:
    order = order_of(drawing(nb_steps=20, quality="high"), painter())
    assert order.body["num_inference_steps"] == 20
    assert order.adapted == ("quality high: left out, nb_steps says more",)


def test_the_spec_narrows_what_an_application_takes() -> None:
    rules = FrozenDict(safety_checker="unavailable", num_images=2, output_format=("png",), steps=FrozenDict(low=9))
    candidate = painter(rules=rules)
    order = order_of(drawing(n=2, is_moderated=True, output_format="jpeg", quality="low"), candidate)
    assert order.body == {"prompt": "a lighthouse", "num_images": 2, "num_inference_steps": 9}
    assert order.adapted == (
        "output_format jpeg: left out, the model writes png",
        "quality low: sent as 9 steps",
        "is_moderated: left out, the model has no word for it",
    )
    with pytest.raises(CapabilityError):
        order_of(drawing(n=3), candidate)


def test_a_spec_may_tell_the_fields_of_an_application() -> None:
    rules = FrozenDict(fields=FrozenDict(nb_steps="steps"), input_images_field="reference_urls")
    order = order_of(drawing(PICTURE, nb_steps=3), painter("someone/new", rules=rules))
    assert order.body["steps"] == 3
    assert order.body["reference_urls"] == ["data:image/png;base64," + order.body["reference_urls"][0].split(",")[1]]  # pyright: ignore


def test_a_model_that_no_spec_lists_is_asked_for_what_was_said() -> None:
    order = order_of(drawing(n=9), painter(listed=False))
    assert order.body["num_images"] == 9
