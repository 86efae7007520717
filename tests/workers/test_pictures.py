"""The words for pictures, and what models can do of it."""

from __future__ import annotations

import pytest
from workers.given import PNG, candidate

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.types import FrozenDict, Image, ImageJob, Media
from pipelex_like.workers.picture_families import ANY, FAMILIES, GPT_IMAGE, Ability
from pipelex_like.workers.picture_fields import worded
from pipelex_like.workers.picture_rules import ability_of, checked, quality_for, ratio_for, size_for
from pipelex_like.workers.picture_words import (
    Asked,
    Pair,
    asked_of,
    free_size,
    mismatch,
    nearest,
    ratio_parts,
    same_ratio,
    size_pair,
)


def picture(width: int, height: int, mime: str = "image/png") -> Image:
    return Image(data=b"", mime=mime, width=width, height=height)


def of(rules: dict[str, object]) -> Ability:
    return ability_of(candidate(kind="img_gen", rules=FrozenDict(rules)).spec)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("square", (1, 1)),
        ("square_hd", (1, 1)),
        ("landscape_16_9", (16, 9)),
        ("portrait_16_9", (9, 16)),
        ("portrait_9_16", (9, 16)),
        ("portrait_2_3", (2, 3)),
        ("21:9", (7, 3)),
        ("0:1", None),
        ("1:0", None),
        ("landscape_0_1", None),
        ("wide", None),
        ("16:9x", None),
    ],
)
def test_ratios(text: str, ratio: Pair | None) -> None:
    assert ratio_parts(text) == ratio


def test_sizes() -> None:
    assert [size_pair(text) for text in ("1024x768", "1x1", "1024X768", "00x64", "big")] == [
        (1024, 768),
        None,
        None,
        None,
        None,
    ]


def test_free_sizes_keep_ratio_and_about_a_million_pixels() -> None:
    for ratio in ((1, 1), (16, 9), (9, 16), (21, 9)):
        width, height = free_size(ratio)
        assert width % 16 == height % 16 == 0
        assert same_ratio((width, height), ratio, 0.05)
        assert abs(width * height - 1024 * 1024) < 0.05 * 1024 * 1024
    assert free_size((1, 1), pixels=512 * 512, step=64) == (512, 512)


def test_the_nearest_is_that_of_the_nearest_ratio() -> None:
    assert nearest((16, 9), GPT_IMAGE.sizes) == (1536, 1024)
    assert nearest((9, 16), GPT_IMAGE.sizes) == (1024, 1536)
    assert nearest((1, 1), ((512, 512), (1024, 1024))) == (512, 512)


def test_what_is_asked_for_is_read_once() -> None:
    settings = FrozenDict(size="1024x768", aspect_ratio="wide", output_format="jpg")
    assert asked_of(ImageJob(prompt="x", n=2, settings=settings), "me") == Asked(
        n=2, size=(1024, 768), mime="image/jpeg"
    )
    auto = FrozenDict(size="auto", aspect_ratio="2:3")
    assert asked_of(ImageJob(prompt="x", settings=auto), "me") == Asked(ratio=(2, 3))
    with pytest.raises(BadRequestError, match=r'^me: "12x" is no size'):
        asked_of(ImageJob(prompt="x", settings=FrozenDict(size="12x")), "me")


@pytest.mark.parametrize(
    ("images", "asked", "lines"),
    [
        ([picture(1024, 1024)], Asked(size=(1024, 1536)), ("size: asked for 1024x1536, got 1024x1024",)),
        ([picture(1024, 1024)] * 2, Asked(n=2, ratio=(16, 9)), ("aspect_ratio: asked for 16:9, got 1024x1024",)),
        ([picture(1344, 768)], Asked(ratio=(16, 9)), ()),
        ([picture(0, 0)], Asked(size=(8, 8)), ()),
        ([], Asked(n=1), ("n: asked for 1 picture, got 0",)),
        ([picture(8, 8)], Asked(n=3), ("n: asked for 3 pictures, got 1",)),
        ([picture(8, 8)], Asked(mime="image/webp"), ("output_format: asked for webp, got png",)),
    ],
)
def test_what_came_otherwise_is_told(images: list[Image], asked: Asked, lines: tuple[str, ...]) -> None:
    assert mismatch(images, asked) == lines


def test_rules_overlay_what_is_known_topic_by_topic() -> None:
    mixed = of({"num_images": "gpt_image", "aspect_ratio": "qwen_image", "output_format": "flux_1", "prompt": "x"})
    assert (mixed.most, mixed.sizes, mixed.formats) == (10, FAMILIES["qwen_image"].sizes, ("jpeg", "png"))
    assert of({"aspect_ratio": "fal", "specific": "nobody"}) == ANY


def test_rules_say_what_is_not_there() -> None:
    none = of(
        {
            "prompt": "positive_only",
            "num_images": "unavailable",
            "input_images": "unavailable",
            "background": "unavailable",
            "inference": "unavailable",
            "seed": "unavailable",
        }
    )
    assert (none.most, none.references, none.opaque) == (1, 0, True)
    assert none.lacks == {"negative_prompt", "background", "quality", "nb_steps", "guidance_scale", "seed"}
    assert ability_of(candidate(rules=FrozenDict(prompt="with_negative")).spec, FAMILIES["flux_1"]).lacks == (
        FAMILIES["flux_1"].lacks - {"negative_prompt"}
    )


def test_rules_in_plain_words_need_no_family() -> None:
    plain = of(
        {
            "sizes": ("1024x768", "768x1024"),
            "aspect_ratios": ("4:3", "square"),
            "num_images": 4,
            "input_images": 0,
            "output_format": ("png",),
            "qualities": ("low", "high"),
            "size_step": 8,
            "sides": (64, 2048),
        }
    )
    assert (plain.sizes, plain.ratios) == (((1024, 768), (768, 1024)), ((4, 3), (1, 1)))
    assert (plain.most, plain.references, plain.formats) == (4, 0, ("png",))
    assert (plain.qualities, plain.step, plain.sides) == ({"low": "low", "high": "high"}, 8, (64, 2048))
    assert of({"sizes": ("big",), "sides": (1, 2, 3), "num_images": True}) == ANY


@pytest.mark.parametrize(
    ("rules", "settings", "part"),
    [
        ({"sizes": ("64x64",)}, {"size": "64x32"}, "It draws 64x64"),
        ({"sizes": ("64x64",)}, {"aspect_ratio": "2:1"}, "the ratio 2:1. It draws 64x64"),
        ({"aspect_ratios": ("1:1", "2:1")}, {"size": "64x48"}, "It draws 1:1, 2:1"),
        ({"aspect_ratios": ("1:1",)}, {"aspect_ratio": "2:1"}, "It draws 1:1"),
        ({"size_step": 32}, {"size": "64x48"}, "steps of 32"),
        ({"sides": (64, 1024)}, {"size": "32x64"}, "64 to 1024"),
        ({"aspect_ratio": "gpt_image_2"}, {"aspect_ratio": "4:1"}, "up to 3:1"),
    ],
)
def test_sizes_that_a_model_cannot_draw_are_refused(
    rules: dict[str, object], settings: dict[str, object], part: str
) -> None:
    job = ImageJob(prompt="x", settings=FrozenDict(settings))
    chosen = candidate(kind="img_gen", rules=FrozenDict(rules))
    with pytest.raises(CapabilityError, match=part):
        size_for(*checked(job, chosen), chosen)
    unlisted = candidate(kind="img_gen", rules=FrozenDict(rules), listed=False)
    assert size_for(*checked(job, unlisted), unlisted) is not None


def test_ratios_for_models_that_take_no_pixels() -> None:
    chosen = candidate(kind="img_gen")
    gemini = FAMILIES["gemini_2_5"]
    assert ratio_for(Asked(size=(1920, 1080)), gemini, chosen) == (16, 9)
    assert ratio_for(Asked(), gemini, chosen) is None
    assert ratio_for(Asked(ratio=(5, 7)), ANY, chosen) == (5, 7)
    with pytest.raises(CapabilityError, match="the ratio 3:1"):
        ratio_for(Asked(ratio=(3, 1)), gemini, chosen)


def test_a_ratio_stays_within_the_sides_of_a_model() -> None:
    small = Ability(step=16, sides=(64, 512))
    assert size_for(Asked(ratio=(2, 1)), small, candidate(kind="img_gen")) == (512, 256)


def test_reference_pictures_and_numbers_have_limits() -> None:
    chosen = candidate(kind="img_gen", rules=FrozenDict(input_images=1, num_images=2))
    two = (Media(mime="image/png", data=PNG),) * 2
    with pytest.raises(CapabilityError, match="it takes 1 at most, not 2"):
        checked(ImageJob(prompt="x", images=two), chosen)
    with pytest.raises(CapabilityError, match="2 pictures at most, not 3"):
        checked(ImageJob(prompt="x", n=3), chosen)


def test_quality_is_a_word_or_steps() -> None:
    steps = of({"steps": FrozenDict(low=4)})
    assert quality_for({"quality": "low"}, steps) == (None, 4, ["quality low: sent as 4 steps"])
    assert quality_for({"quality": "high"}, steps)[2] == ["quality high: left out, the model has no such choice"]
    assert quality_for({"quality": "auto"}, steps) == (None, None, [])
    assert quality_for({"quality": "medium"}, FAMILIES["dall_e_3"])[::2] == (
        "standard",
        ["quality medium: sent as standard"],
    )


def test_steps_go_before_quality_where_a_wire_has_them() -> None:
    given = {"quality": "low", "nb_steps": 9}
    assert worded(given, ANY, {"nb_steps": "steps"}) == ({"steps": 9}, [])
    assert worded(given, GPT_IMAGE, {"quality": "quality"}) == (
        {"quality": "low"},
        ["nb_steps: left out, the model has no word for it"],
    )
    assert worded({"is_moderated": True}, ANY, {"is_moderated": "disable_safety_checker"})[0] == {
        "disable_safety_checker": False
    }


def test_every_family_is_whole() -> None:
    for name, family in FAMILIES.items():
        assert all(width and height for width, height in (*family.sizes, *family.ratios)), name
        assert not set(family.fields) & family.lacks
