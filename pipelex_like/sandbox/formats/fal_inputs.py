"""What the applications on fal that draw pictures take, from the schemas at https://fal.ai/models/<application>/api.

Stricter than fal in one thing: a field that an application does not know is refused, where fal passes it over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.openai_parts import picture_at
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.checks import Check

    Checks = Mapping[str, Check]

SIZES: Mapping[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_LARGEST = 4096


def _size(value: object, where: str) -> None:
    if is_table(value):
        for side in ("width", "height"):
            if side not in value:
                raise checks.missing(f"{where}.{side}")
            checks.integer(1, _LARGEST)(value[side], f"{where}.{side}")
        return
    checks.one_of("auto", *SIZES)(value, where)


def _list(value: object, where: str) -> None:
    checks.listed(value, where)


def _table(value: object, where: str) -> None:
    checks.table(value, where)


def _picture(value: object, where: str) -> None:
    if not isinstance(value, str):
        raise checks.wrong_type(value, where, "a string")
    picture_at(value, where)


def _pictures(most: int) -> Check:
    def checked(value: object, where: str) -> None:
        for at, item in enumerate(checks.listed(value, where, most=most)):
            _picture(item, f"{where}[{at}]")

    return checked


_RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
_MORE_RATIOS = ("auto", "2:1", "7:5", "5:4", "4:5", "5:7", "1:2")
_BASE: Checks = {"prompt": checks.text, "seed": checks.integer(), "sync_mode": checks.boolean}
_SIZED: Checks = {**_BASE, "image_size": _size, "enable_safety_checker": checks.boolean}
_FORMAT: Checks = {"output_format": checks.one_of("jpeg", "png")}
_COUNTED: Checks = {"num_images": checks.integer(1, 4)}
_TOLERANT: Checks = {"safety_tolerance": checks.one_of("1", "2", "3", "4", "5", "6")}
_TOLERANT_2: Checks = {"safety_tolerance": checks.one_of("1", "2", "3", "4", "5")}
_ACCELERATED: Checks = {"acceleration": checks.one_of("none", "regular", "high")}
_EXPANDED: Checks = {"enable_prompt_expansion": checks.boolean}


def _guided(least: float = 1, most: float = 20) -> Checks:
    return {"guidance_scale": checks.number(least, most)}


def _steps(least: int, most: int) -> Checks:
    return {"num_inference_steps": checks.integer(least, most)}


_FLUX_1: Checks = {**_SIZED, **_FORMAT, **_COUNTED, **_guided(), **_ACCELERATED}
_PRO: Checks = {**_SIZED, **_FORMAT, **_COUNTED, **_TOLERANT, "enhance_prompt": checks.boolean}
_ULTRA: Checks = {
    **{name: check for name, check in _PRO.items() if name != "image_size"},
    "aspect_ratio": checks.one_of(*_RATIOS),
    "raw": checks.boolean,
    "image_url": _picture,
    "image_prompt_strength": checks.number(0, 1),
}
_KONTEXT: Checks = {
    **_BASE,
    **_FORMAT,
    **_COUNTED,
    **_TOLERANT,
    **_guided(),
    "aspect_ratio": checks.one_of(*_RATIOS),
    "enhance_prompt": checks.boolean,
}
_KONTEXT_ONE: Checks = {**_KONTEXT, "image_url": _picture}
_KONTEXT_MULTI: Checks = {**_KONTEXT, "image_urls": _pictures(10)}
_FLUX_2_PRO: Checks = {**_SIZED, **_FORMAT, **_TOLERANT_2}
_FLUX_2_FLEX: Checks = {**_FLUX_2_PRO, **_EXPANDED, **_guided(1.5, 10), **_steps(2, 50)}
_FLUX_2: Checks = {
    **_SIZED,
    **_COUNTED,
    **_ACCELERATED,
    **_EXPANDED,
    **_guided(0),
    **_steps(4, 50),
    "output_format": checks.one_of("jpeg", "png", "webp"),
}
_FLUX_3: Checks = {
    **_TOLERANT_2,
    **_EXPANDED,
    "prompt": checks.text,
    "sync_mode": checks.boolean,
    "aspect_ratio": checks.one_of(*_RATIOS[:-1], *_MORE_RATIOS),
    "resolution": checks.one_of("768sq", "1k", "2k", "4k"),
    "output_format": checks.one_of("jpeg", "png"),
    "version": checks.text,
}
_SDXL: Checks = {
    **_SIZED,
    "num_images": checks.integer(1, 8),
    "format": checks.one_of("jpeg", "png"),
    "expand_prompt": checks.boolean,
    "safety_checker_version": checks.one_of("v1", "v2"),
}
_QWEN: Checks = {
    **_SIZED,
    **_FORMAT,
    **_COUNTED,
    **_ACCELERATED,
    **_guided(0),
    **_steps(2, 250),
    "negative_prompt": checks.text,
}

KNOWN: Mapping[str, Checks] = {
    "blackforestlabs/flux-3/text-to-image": _FLUX_3,
    "blackforestlabs/flux-3/edit-image": {**_FLUX_3, "image_urls": _pictures(10)},
    "fal-ai/flux-2-pro": _FLUX_2_PRO,
    "fal-ai/flux-2-pro/edit": {**_FLUX_2_PRO, "image_urls": _pictures(9)},
    "fal-ai/flux-2-max": _FLUX_2_PRO,
    "fal-ai/flux-2-max/edit": {**_FLUX_2_PRO, "image_urls": _pictures(9)},
    "fal-ai/flux-2-flex": _FLUX_2_FLEX,
    "fal-ai/flux-2-flex/edit": {**_FLUX_2_FLEX, "image_urls": _pictures(9)},
    "fal-ai/flux-2": _FLUX_2,
    "fal-ai/flux-2/edit": {**_FLUX_2, "image_urls": _pictures(4)},
    "fal-ai/flux-pro/v1.1": _PRO,
    "fal-ai/flux-pro/v1.1-ultra": _ULTRA,
    "fal-ai/flux-pro/kontext": _KONTEXT_ONE,
    "fal-ai/flux-pro/kontext/max": _KONTEXT_ONE,
    "fal-ai/flux-pro/kontext/multi": _KONTEXT_MULTI,
    "fal-ai/flux-pro/kontext/max/multi": _KONTEXT_MULTI,
    "fal-ai/flux-pro/kontext/text-to-image": _KONTEXT,
    "fal-ai/flux-pro/kontext/max/text-to-image": _KONTEXT,
    "fal-ai/flux/dev": {**_FLUX_1, **_steps(1, 50)},
    "fal-ai/flux/schnell": {**_FLUX_1, **_steps(1, 12)},
    "fal-ai/fast-lightning-sdxl": {**_SDXL, "num_inference_steps": checks.one_of("1", "2", "4", "8")},
    "fal-ai/fast-sdxl": {**_SDXL, **_guided(0), **_steps(1, 50), "negative_prompt": checks.text},
    "fal-ai/qwen-image": _QWEN,
    "fal-ai/qwen-image-edit": {**_QWEN, "image_url": _picture},
    "fal-ai/qwen-image-edit-plus": {**_QWEN, "image_urls": _pictures(3)},
    "fal-ai/recraft/v3/text-to-image": {
        **{name: check for name, check in _SIZED.items() if name not in ("seed", "sync_mode")},
        "style": checks.text,
        "style_id": checks.text,
        "colors": _list,
    },
    "fal-ai/ideogram/v3": {
        **{name: check for name, check in _SIZED.items() if name != "enable_safety_checker"},
        "num_images": checks.integer(1, 8),
        "negative_prompt": checks.text,
        "rendering_speed": checks.one_of("TURBO", "BALANCED", "QUALITY"),
        "style": checks.one_of("AUTO", "GENERAL", "REALISTIC", "DESIGN"),
        "style_codes": _list,
        "expand_prompt": checks.boolean,
        "color_palette": _table,
        "image_urls": _pictures(3),
    },
}
"""Checks by application."""

_WITHOUT_PICTURES_TOO = ("-ultra", "ideogram/v3")
# An application that is not known above may have fields of its own.
_SHARED: Checks = {**_BASE, "image_size": _size, "num_images": checks.integer(1, 16)}


def check_input(application: str, body: Mapping[str, object]) -> None:
    """Raise Refusal for an order that the application does not take."""
    known = KNOWN.get(application)
    if not checks.string(body, "prompt", ""):
        raise Refusal("String should have at least 1 character", param="prompt", code="string_too_short")
    unknown = [] if known is None else sorted(body.keys() - known.keys())
    if unknown:
        raise Refusal("Extra inputs are not permitted", param=unknown[0], code="extra_forbidden")
    checks.check(body, _SHARED if known is None else known)
    needed = {"image_url", "image_urls"} & (known or {}).keys()
    for name in () if application.endswith(_WITHOUT_PICTURES_TOO) else needed - body.keys():
        raise checks.missing(name)
