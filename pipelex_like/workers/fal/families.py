"""What the applications on fal that draw pictures take. Pure facts.

From the pages of the models at https://fal.ai/models (`/api` of each); an application that is not here is asked in the
words that most of them share, or as the rules of its spec say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict
from pipelex_like.workers.picture_families import ANY, Ability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelSpec

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`fields` maps our settings to fal's, `bounds` tells the least and most of those that have them, `counts` the
    only numbers of steps (sent as texts). `pictures` is the field of reference pictures, a list where it ends in s;
    `edits` says that it draws nothing without one."""

    ability: Ability = ANY
    fields: FrozenDict[str, str] = field(default_factory=FrozenDict[str, str])
    bounds: FrozenDict[str, Bounds] = field(default_factory=FrozenDict[str, Bounds])
    counts: tuple[int, ...] = ()
    pictures: str = "image_urls"
    edits: bool = False


def _fields(*names: str, **others: str) -> FrozenDict[str, str]:
    return FrozenDict({**{name: _FIELDS[name] for name in names}, **others})


_FIELDS: Mapping[str, str] = {
    "nb_steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
    "is_moderated": "enable_safety_checker",
    "safety_tolerance": "safety_tolerance",
    "negative_prompt": "negative_prompt",
    "is_raw": "raw",
    "seed": "seed",
    "output_format": "output_format",
}
_DRAWN = ("is_moderated", "seed", "output_format")
_DIFFUSED = (*_DRAWN, "nb_steps", "guidance_scale")

_PLAIN = Ability(most=4, references=0, opaque=True, formats=("jpeg", "png"))
_WIDE = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16), (21, 9), (9, 21))
_STEPS = FrozenDict({"low": 14, "medium": 28, "high": 50})
_GUIDED = (1.0, 20.0)

FLUX_PRO = Family(
    ability=_PLAIN,
    fields=_fields(*_DRAWN, "safety_tolerance"),
    bounds=FrozenDict({"safety_tolerance": (1.0, 6.0)}),
)
FLUX_ULTRA = replace(
    FLUX_PRO,
    ability=replace(_PLAIN, ratios=_WIDE, references=1),
    fields=_fields(*_DRAWN, "safety_tolerance", "is_raw"),
    pictures="image_url",
)
FLUX_DEV = Family(
    ability=replace(_PLAIN, steps=_STEPS),
    fields=_fields(*_DIFFUSED),
    bounds=FrozenDict({"nb_steps": (1.0, 50.0), "guidance_scale": _GUIDED}),
)
FLUX_SCHNELL = replace(
    FLUX_DEV,
    ability=replace(_PLAIN, steps=FrozenDict({"low": 2, "medium": 4, "high": 8})),
    bounds=FrozenDict({"nb_steps": (1.0, 12.0), "guidance_scale": _GUIDED}),
)
KONTEXT_TEXT = Family(
    ability=replace(_PLAIN, ratios=_WIDE),
    fields=_fields("seed", "output_format", "safety_tolerance", "guidance_scale"),
    bounds=FrozenDict({"safety_tolerance": (1.0, 6.0), "guidance_scale": _GUIDED}),
)
KONTEXT = replace(KONTEXT_TEXT, ability=replace(KONTEXT_TEXT.ability, references=1), pictures="image_url", edits=True)
KONTEXT_MULTI = replace(KONTEXT, ability=replace(KONTEXT.ability, references=4), pictures="image_urls")
FLUX_2_PRO = Family(
    ability=replace(_PLAIN, most=1),
    fields=_fields(*_DRAWN, "safety_tolerance"),
    bounds=FrozenDict({"safety_tolerance": (1.0, 5.0)}),
)
FLUX_2_PRO_EDIT = replace(FLUX_2_PRO, ability=replace(FLUX_2_PRO.ability, references=8), edits=True)
FLUX_2_FLEX = Family(
    ability=replace(_PLAIN, most=1, steps=_STEPS),
    fields=_fields(*_DIFFUSED, "safety_tolerance"),
    bounds=FrozenDict({"safety_tolerance": (1.0, 5.0), "nb_steps": (2.0, 50.0), "guidance_scale": (1.5, 10.0)}),
)
FLUX_2_FLEX_EDIT = replace(FLUX_2_FLEX, ability=replace(FLUX_2_FLEX.ability, references=8), edits=True)
FLUX_2_DEV = Family(
    ability=replace(_PLAIN, formats=("jpeg", "png", "webp"), steps=_STEPS),
    fields=_fields(*_DIFFUSED),
    bounds=FrozenDict({"nb_steps": (4.0, 50.0), "guidance_scale": (0.0, 20.0)}),
)
FLUX_2_DEV_EDIT = replace(FLUX_2_DEV, ability=replace(FLUX_2_DEV.ability, references=4), edits=True)
FLUX_3 = Family(
    ability=replace(
        _PLAIN,
        most=1,
        ratios=(*_WIDE[:-1], (2, 1), (1, 2), (7, 5), (5, 7), (5, 4), (4, 5)),
    ),
    fields=_fields("output_format", "safety_tolerance"),
    bounds=FrozenDict({"safety_tolerance": (1.0, 5.0)}),
)
FLUX_3_EDIT = replace(FLUX_3, ability=replace(FLUX_3.ability, references=10), edits=True)
LIGHTNING = Family(
    ability=replace(_PLAIN, most=8, steps=FrozenDict({"low": 2, "medium": 4, "high": 8})),
    fields=_fields("is_moderated", "seed", "nb_steps", output_format="format"),
    counts=(1, 2, 4, 8),
)
SDXL = Family(
    ability=replace(_PLAIN, most=8, steps=FrozenDict({"low": 15, "medium": 25, "high": 50})),
    fields=_fields("is_moderated", "seed", "nb_steps", "guidance_scale", "negative_prompt", output_format="format"),
    bounds=FrozenDict({"nb_steps": (1.0, 50.0), "guidance_scale": (0.0, 20.0)}),
)
QWEN = Family(
    ability=replace(_PLAIN, steps=FrozenDict({"low": 15, "medium": 30, "high": 50})),
    fields=_fields(*_DIFFUSED, "negative_prompt"),
    bounds=FrozenDict({"nb_steps": (2.0, 250.0), "guidance_scale": (0.0, 20.0)}),
)
QWEN_EDIT = replace(QWEN, ability=replace(QWEN.ability, references=1), pictures="image_url", edits=True)
QWEN_EDIT_PLUS = replace(QWEN, ability=replace(QWEN.ability, references=3), edits=True)
RECRAFT = Family(ability=replace(_PLAIN, most=1), fields=_fields("is_moderated"))
# Its reference pictures are examples of a style.
IDEOGRAM = Family(
    ability=replace(
        _PLAIN,
        most=8,
        references=3,
        qualities=FrozenDict({"low": "TURBO", "medium": "BALANCED", "high": "QUALITY"}),
    ),
    fields=_fields("seed", "negative_prompt", quality="rendering_speed"),
)
OTHER = Family(fields=FrozenDict({**_FIELDS, "background": "background"}))

_BY_APPLICATION: Mapping[str, Family] = {
    "blackforestlabs/flux-3/text-to-image": FLUX_3,
    "blackforestlabs/flux-3/edit-image": FLUX_3_EDIT,
    "fal-ai/flux-2-pro": FLUX_2_PRO,
    "fal-ai/flux-2-pro/edit": FLUX_2_PRO_EDIT,
    "fal-ai/flux-2-max": FLUX_2_PRO,
    "fal-ai/flux-2-max/edit": FLUX_2_PRO_EDIT,
    "fal-ai/flux-2-flex": FLUX_2_FLEX,
    "fal-ai/flux-2-flex/edit": FLUX_2_FLEX_EDIT,
    "fal-ai/flux-2": FLUX_2_DEV,
    "fal-ai/flux-2/edit": FLUX_2_DEV_EDIT,
    "fal-ai/flux-pro/v1.1": FLUX_PRO,
    "fal-ai/flux-pro/v1.1-ultra": FLUX_ULTRA,
    "fal-ai/flux-pro/kontext": KONTEXT,
    "fal-ai/flux-pro/kontext/max": KONTEXT,
    "fal-ai/flux-pro/kontext/multi": KONTEXT_MULTI,
    "fal-ai/flux-pro/kontext/max/multi": KONTEXT_MULTI,
    "fal-ai/flux-pro/kontext/text-to-image": KONTEXT_TEXT,
    "fal-ai/flux-pro/kontext/max/text-to-image": KONTEXT_TEXT,
    "fal-ai/flux/dev": FLUX_DEV,
    "fal-ai/flux/schnell": FLUX_SCHNELL,
    "fal-ai/fast-lightning-sdxl": LIGHTNING,
    "fal-ai/fast-sdxl": SDXL,
    "fal-ai/qwen-image": QWEN,
    "fal-ai/qwen-image-edit": QWEN_EDIT,
    "fal-ai/qwen-image-edit-plus": QWEN_EDIT_PLUS,
    "fal-ai/recraft/v3/text-to-image": RECRAFT,
    "fal-ai/ideogram/v3": IDEOGRAM,
}
_BY_RULE: Mapping[str, Family] = {
    "flux": FLUX_DEV,
    "flux_1": FLUX_DEV,
    "flux_2": FLUX_2_DEV,
    "flux_11_ultra": FLUX_ULTRA,
    "sdxl": SDXL,
    "sdxl_lightning": LIGHTNING,
    "qwen_image": QWEN,
}
_TELLING = ("inference", "aspect_ratio", "output_format")


def family_of(spec: ModelSpec, application: str) -> Family:
    """Give what the application takes: as known by its name, else by the family that the spec's rules name."""
    known = _BY_APPLICATION.get(application)
    if known is not None:
        return known
    words = (spec.rules.get(rule) for rule in _TELLING)
    return next((_BY_RULE[word] for word in words if isinstance(word, str) and word in _BY_RULE), OTHER)
