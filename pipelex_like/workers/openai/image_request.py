"""A job as the body of an image generation. Pure.

What each family of models takes: https://platform.openai.com/docs/api-reference/images/create
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.types import is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate, ModelSpec
    from pipelex_like.types import ImageJob

Body = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What a family of image models understands; `sizes` empty = any size of pixels."""

    sizes: tuple[tuple[int, int], ...] = ()
    qualities: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    asks_for_base64: bool = True
    most: int = 10


_GPT_WORDS = ("background", "output_format", "output_compression", "is_moderated")
_GPT_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
_GPT_QUALITIES = (("low", "low"), ("medium", "medium"), ("high", "high"), ("auto", "auto"))

GPT_IMAGE = Family(sizes=_GPT_SIZES, qualities=_GPT_QUALITIES, words=_GPT_WORDS, asks_for_base64=False)
GPT_IMAGE_2 = Family(qualities=_GPT_QUALITIES, words=_GPT_WORDS, asks_for_base64=False)
DALL_E_3 = Family(
    sizes=((1024, 1024), (1792, 1024), (1024, 1792)),
    qualities=(("low", "standard"), ("medium", "standard"), ("high", "hd")),
    most=1,
)
DALL_E_2 = Family(sizes=((1024, 1024), (512, 512), (256, 256)))
OTHER = Family(qualities=_GPT_QUALITIES, words=("background", "output_format", "output_compression"))

_BY_RULE: Mapping[str, Family] = {
    "gpt": GPT_IMAGE,
    "gpt_image": GPT_IMAGE,
    "gpt_image_legacy": GPT_IMAGE,
    "gpt_image_2": GPT_IMAGE_2,
}
_BY_NAME: tuple[tuple[str, Family], ...] = (
    ("gpt-image-2", GPT_IMAGE_2),
    ("gpt-image", GPT_IMAGE),
    ("chatgpt-image", GPT_IMAGE),
    ("dall-e-3", DALL_E_3),
    ("dall-e-2", DALL_E_2),
)
_NO_WORD = (
    "nb_steps",
    "guidance_scale",
    "safety_tolerance",
    "input_fidelity",
    "negative_prompt",
    "is_raw",
    "seed",
)
_RATIO = re.compile(r"(?:square|(?:landscape|portrait)_(\d+)_(\d+)|(\d+):(\d+))\Z")
_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})\Z")
_PIXELS = 1024 * 1024
_GRID = 16


def family_of(spec: ModelSpec, model_id: str) -> Family:
    """Give the family that the spec's rules name, else that of the model's name."""
    said = (spec.rules.get(key) for key in ("aspect_ratio", "output_format", "background", "num_images"))
    by_rule = next((_BY_RULE[word] for word in said if isinstance(word, str) and word in _BY_RULE), None)
    if by_rule is not None:
        return by_rule
    name = model_id.rpartition("/")[2]
    return next((family for start, family in _BY_NAME if name.startswith(start)), OTHER)


def image_body(job: ImageJob, candidate: Candidate) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each setting that was changed or left out.

    Raises CapabilityError or BadRequestError for what the model cannot do, before anything is spent.
    """
    family = family_of(candidate.spec, candidate.model_id)
    settings = {key: value for key, value in job.settings.items() if value is not None}
    _check(job, family, candidate)
    adapted = [f"{name}: left out, image generations have no word for it" for name in _NO_WORD if name in settings]
    for name in [name for name in settings if candidate.spec.rules.get(name) == "unavailable"]:
        del settings[name]
        adapted.append(f"{name}: left out, the model does not take it")
    body: Body = {"model": candidate.model_id, "prompt": job.prompt, "n": job.n}
    for part, lines in (_size(settings, family, candidate), _quality(settings, family), _words(settings, family)):
        body.update(part)
        adapted += lines
    if family.asks_for_base64:
        body["response_format"] = "b64_json"
    extra = thaw(settings.get("extra", {}))
    return {**body, **extra} if is_table(extra) else body, tuple(adapted)


def _check(job: ImageJob, family: Family, candidate: Candidate) -> None:
    who = f"{candidate.backend} ({candidate.model_id})"
    if job.images:
        raise CapabilityError(f"{who}: drawing from reference pictures is not offered through this sdk")
    if job.n > family.most:
        raise CapabilityError(f"{who}: draws {family.most} picture(s) a request at most, not {job.n}; ask for fewer")


def _size(settings: Mapping[str, object], family: Family, candidate: Candidate) -> tuple[Body, list[str]]:
    size, ratio = settings.get("size"), settings.get("aspect_ratio")
    if size is not None:
        return {"size": _checked_size(str(size), family, candidate)}, []
    if ratio is None:
        return {}, []
    if ratio == "auto":
        return {"size": "auto"}, []
    wanted = ratio_of(str(ratio))
    if wanted is None:
        text = f'{candidate.backend} ({candidate.model_id}): "{ratio}" is no aspect_ratio. Write square, 16:9 or'
        raise BadRequestError(f"{text} landscape_16_9.")
    width, height = nearest_size(wanted, family)
    exact = abs(width / height - wanted) < 0.02 * wanted
    lines = [] if exact else [f"aspect_ratio {ratio}: drawn as {width}x{height}, the nearest size of this model"]
    return {"size": f"{width}x{height}"}, lines


def _checked_size(size: str, family: Family, candidate: Candidate) -> str:
    found = _SIZE.match(size)
    allowed = [f"{width}x{height}" for width, height in family.sizes]
    if size == "auto" or (found and (not allowed or size in allowed)):
        return size
    known = f"It draws {', '.join(allowed)}." if allowed else "Write it as 1024x1024."
    raise BadRequestError(f'{candidate.backend} ({candidate.model_id}): it cannot draw the size "{size}". {known}')


def ratio_of(text: str) -> float | None:
    """Give width over height of `square`, `landscape_16_9`, `portrait_2_3` or `16:9`; None for anything else."""
    found = _RATIO.match(text)
    if found is None:
        return None
    numbers = [int(number) for number in found.groups() if number]
    if not numbers:
        return 1.0
    return numbers[0] / numbers[1] if all(numbers) else None


def nearest_size(ratio: float, family: Family) -> tuple[int, int]:
    """Give the family's size nearest to that ratio, or one of about a million pixels where any will do."""
    if family.sizes:
        return min(family.sizes, key=lambda size: abs(log(size[0] / size[1]) - log(ratio)))
    height = sqrt(_PIXELS / ratio)
    return max(_GRID, round(height * ratio / _GRID) * _GRID), max(_GRID, round(height / _GRID) * _GRID)


def _quality(settings: Mapping[str, object], family: Family) -> tuple[Body, list[str]]:
    quality = settings.get("quality")
    if quality is None:
        return {}, []
    said = dict(family.qualities).get(str(quality))
    if said is None:
        return {}, [f"quality {quality}: left out, the model has no such choice"]
    return {"quality": said}, [] if said == quality else [f"quality {quality}: sent as {said}"]


def _words(settings: Mapping[str, object], family: Family) -> tuple[Body, list[str]]:
    body: Body = {}
    lines: list[str] = []
    for name in _GPT_WORDS:
        if name not in settings:
            continue
        if name not in family.words:
            lines.append(f"{name}: left out, the model has no word for it")
        elif name == "is_moderated":
            body["moderation"] = "auto" if settings[name] else "low"
        else:
            body[name] = "jpeg" if settings[name] == "jpg" else settings[name]
    return body, lines
