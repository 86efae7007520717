"""What families of picture models can draw, by the names that `[handle.rules]` uses for them. Pure facts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.picture_words import Pair

SizeFields = Literal["size", "width_height", "aspect_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What a model can draw. Whatever is empty or None is not known, and refuses nothing.

    `sizes` and `ratios` are the only ones it draws; without sizes both sides come in steps of `step` pixels, between
    the two `sides`, neither more than `stretch` times the other. `most` pictures come of one request, which takes
    `references` pictures to go by. `qualities` maps ours to the model's, `steps` ours to steps of diffusion. `lacks`
    are the settings that it has no word for, `opaque` says that it leaves no background out. How a wire names things,
    where a spec tells it: `fields` maps settings to names, `size_fields` says what carries the size,
    `references_field` the field of the reference pictures.
    """

    sizes: tuple[Pair, ...] = ()
    ratios: tuple[Pair, ...] = ()
    step: int = 1
    sides: Pair | None = None
    stretch: float | None = None
    most: int | None = None
    references: int | None = None
    opaque: bool = False
    formats: tuple[str, ...] = ()
    qualities: FrozenDict[str, str] = field(default_factory=FrozenDict[str, str])
    steps: FrozenDict[str, int] = field(default_factory=FrozenDict[str, int])
    lacks: frozenset[str] = frozenset()
    fields: FrozenDict[str, str] = field(default_factory=FrozenDict[str, str])
    size_fields: SizeFields = "size"
    references_field: str | None = None


ANY = Ability()
"""Nothing is known of the model."""

_DIFFUSION = frozenset({"nb_steps", "guidance_scale", "negative_prompt", "seed", "is_raw", "safety_tolerance"})
_SAME = FrozenDict({word: word for word in ("low", "medium", "high", "auto")})
_WIDE = ((1, 1), (3, 2), (2, 3), (4, 3), (3, 4), (16, 9), (9, 16), (21, 9), (9, 21))
_GEMINI_RATIOS = ((1, 1), (3, 2), (2, 3), (4, 3), (3, 4), (5, 4), (4, 5), (16, 9), (9, 16), (21, 9))
_LONG_RATIOS = ((1, 4), (4, 1), (1, 8), (8, 1))
_GEMINI_LACKS = _DIFFUSION | {"quality", "is_moderated", "background", "output_compression", "input_fidelity"}
_FLUX_LACKS = frozenset({"quality", "background", "output_compression", "input_fidelity", "is_raw"})

# https://developers.openai.com/api/docs/guides/image-generation
GPT_IMAGE = Ability(
    sizes=((1024, 1024), (1536, 1024), (1024, 1536)),
    most=10,
    references=16,
    formats=("png", "jpeg", "webp"),
    qualities=_SAME,
    lacks=_DIFFUSION,
)
GPT_IMAGE_MINI = replace(GPT_IMAGE, lacks=_DIFFUSION | {"input_fidelity"})
# Its references are always followed closely. Sizes in steps of 16 pixels, from 1:3 to 3:1.
GPT_IMAGE_2_5 = replace(GPT_IMAGE_MINI, sizes=(), step=16, sides=(16, 3840), stretch=3)
# The preview of transparent backgrounds ended on 2026-09-30.
GPT_IMAGE_2 = replace(GPT_IMAGE_2_5, opaque=True)
_DALL_E_LACKS = _DIFFUSION | {
    "background",
    "output_format",
    "output_compression",
    "is_moderated",
    "input_fidelity",
}
DALL_E_3 = Ability(
    sizes=((1024, 1024), (1792, 1024), (1024, 1792)),
    qualities=FrozenDict({"low": "standard", "medium": "standard", "high": "hd"}),
    most=1,
    references=0,
    opaque=True,
    lacks=_DALL_E_LACKS,
)
DALL_E_2 = Ability(
    sizes=((1024, 1024), (512, 512), (256, 256)),
    most=10,
    references=1,
    opaque=True,
    lacks=_DALL_E_LACKS | {"quality"},
)

# Pages of the models on https://fal.ai/models and https://docs.bfl.ai
FLUX_1 = Ability(most=4, references=0, opaque=True, formats=("jpeg", "png"), lacks=_FLUX_LACKS | {"negative_prompt"})
FLUX_2 = replace(FLUX_1, references=8, step=16)
FLUX_11_ULTRA = replace(
    FLUX_1,
    ratios=_WIDE,
    references=1,
    lacks=(FLUX_1.lacks | {"nb_steps", "guidance_scale"}) - {"is_raw"},
)
SDXL = Ability(most=4, references=0, opaque=True, formats=("jpeg", "png"), lacks=_FLUX_LACKS)
# Distilled for 1, 2, 4 or 8 steps; without guidance, so that a negative prompt has no effect.
SDXL_LIGHTNING = replace(
    SDXL,
    steps=FrozenDict({"low": 2, "medium": 4, "high": 8}),
    lacks=(_FLUX_LACKS | {"guidance_scale", "negative_prompt"}) - {"quality"},
)
# https://huggingface.co/Qwen/Qwen-Image
QWEN_IMAGE = Ability(
    sizes=((1328, 1328), (1664, 928), (928, 1664), (1472, 1104), (1104, 1472), (1584, 1056), (1056, 1584)),
    references=0,
    opaque=True,
    steps=FrozenDict({"low": 20, "medium": 30, "high": 50}),
    lacks=_FLUX_LACKS - {"quality"},
)

# https://ai.google.dev/gemini-api/docs/image-generation
GEMINI_2_5 = Ability(ratios=_GEMINI_RATIOS, most=1, references=3, opaque=True, lacks=_GEMINI_LACKS)
GEMINI_3_PRO = replace(GEMINI_2_5, references=14)
GEMINI_3_FLASH = replace(GEMINI_3_PRO, ratios=_GEMINI_RATIOS + _LONG_RATIOS)

FAMILIES: Mapping[str, Ability] = {
    "gpt": GPT_IMAGE,
    "gpt_image": GPT_IMAGE,
    "gpt_image_legacy": GPT_IMAGE,
    "gpt_image_mini": GPT_IMAGE_MINI,
    "gpt_image_2": GPT_IMAGE_2,
    "gpt_image_2_5": GPT_IMAGE_2_5,
    "dall_e_3": DALL_E_3,
    "dall_e_2": DALL_E_2,
    "flux": FLUX_1,
    "flux_1": FLUX_1,
    "flux_2": FLUX_2,
    "flux_11_ultra": FLUX_11_ULTRA,
    "sdxl": SDXL,
    "sdxl_lightning": SDXL_LIGHTNING,
    "qwen_image": QWEN_IMAGE,
    "gemini_2_5": GEMINI_2_5,
    "gemini_3_pro": GEMINI_3_PRO,
    "gemini_3_flash": GEMINI_3_FLASH,
    "gemini_3_flash_lite": GEMINI_3_FLASH,
}
"""By the word that a rule names; `fal` names no family, and tells nothing but the wire."""
