"""Pictures out of generateContent: https://ai.google.dev/gemini-api/docs/image-generation"""

from __future__ import annotations

import base64
from math import sqrt
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.google_fields import checked_fields
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.model.tokens import count
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Question

_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1")
_SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_TOKENS = {"512": 747, "1K": 1120, "2K": 1120, "4K": 2000}
_STEP = 16
_FIELDS: Mapping[str, Check | None] = {"aspectRatio": checks.one_of(*_RATIOS), "imageSize": checks.one_of(*_SIDES)}
_ON_VERTEX: Mapping[str, Check | None] = {**_FIELDS, "imageOutputOptions": None, "personGeneration": checks.text}


def wants_picture(config: Mapping[str, object]) -> bool:
    """Whether the answer is to be a picture."""
    modalities = config.get("responseModalities")
    return is_list(modalities) and "IMAGE" in modalities


def drawn(
    question: Question, config: Mapping[str, object], *, on_vertex: bool
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Give the parts of an answer with a picture of the prompt, and what it counts."""
    if config.get("candidateCount") not in (None, 1):
        raise Refusal("Multiple candidates is not enabled for this model.", param="generation_config.candidate_count")
    fields = checked_fields(
        config.get("imageConfig", {}), "generation_config.image_config", _ON_VERTEX if on_vertex else _FIELDS
    )
    options = fields.get("imageOutputOptions", {})
    if is_table(options) and options.get("mimeType") not in (None, "image/png"):
        raise Refusal("The simulated provider draws only 'image/png'.", param="generation_config.image_config")
    size = str(fields.get("imageSize", "1K"))
    prompt = "\n".join(turn.text for turn in question.turns)
    picture = draw(prompt, _pixels(str(fields.get("aspectRatio", "1:1")), _SIDES[size]))
    asked = count(prompt) + sum(given.tokens for given in question.pictures)
    said = _TOKENS[size]
    usage: dict[str, object] = {
        "promptTokenCount": asked,
        "candidatesTokenCount": said,
        "totalTokenCount": asked + said,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": said}],
    }
    data = {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}
    return [{"inlineData": data}], usage


def _pixels(ratio: str, side: int) -> tuple[int, int]:
    wide, high = (int(number) for number in ratio.split(":"))
    height = side / sqrt(wide / high)
    return round(height * wide / high / _STEP) * _STEP, round(height / _STEP) * _STEP
