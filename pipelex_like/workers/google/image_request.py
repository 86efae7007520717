"""A job of drawing as the body of a request. Pure.

What each model draws: https://ai.google.dev/gemini-api/docs/image-generation
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError
from pipelex_like.types import is_table, thaw
from pipelex_like.workers.google.contents import Body, media_part
from pipelex_like.workers.google.request import deeper
from pipelex_like.workers.picture_families import ANY, GEMINI_2_5, GEMINI_3_FLASH, GEMINI_3_PRO
from pipelex_like.workers.picture_rules import checked, format_for, left_out, named, quality_for, ratio_for
from pipelex_like.workers.picture_words import ratio_text, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob
    from pipelex_like.workers.picture_families import Ability
    from pipelex_like.workers.picture_words import Asked, Pair

# The side of a square of each size that a model draws.
_SIDES: Mapping[str, int] = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_LARGE = ("1K", "2K", "4K")
# By the beginning of the model's name: what it draws, and its sizes (none: it draws one).
_MODELS: tuple[tuple[str, Ability, tuple[str, ...]], ...] = (
    ("gemini-2.5-flash-image", GEMINI_2_5, ()),
    ("gemini-3-pro-image", GEMINI_3_PRO, _LARGE),
    ("gemini-3.1-flash-image", GEMINI_3_FLASH, ("512", *_LARGE)),
    ("gemini-3.1-flash-lite-image", GEMINI_3_FLASH, ("1K",)),
    ("gemini-nano-banana", GEMINI_3_FLASH, _LARGE),
)
_READ = frozenset({"size", "aspect_ratio", "quality", "output_format", "extra"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The body, what its pictures shall be like, and a line for each setting that was changed or left out."""

    body: Body
    asked: Asked
    adapted: tuple[str, ...] = ()


def drawing_body(job: ImageJob, candidate: Candidate, *, formats: bool = False) -> Drawing:
    """Give the body. `formats`: the service takes a wish for a file format, as Vertex AI does.

    Raises CapabilityError or BadRequestError for what the model cannot do, before anything is spent.
    """
    name = candidate.model_id.rpartition("/")[2]
    _refuse(name, job, candidate)
    base, sizes = next(((able, sizes) for start, able, sizes in _MODELS if name.startswith(start)), (ANY, _LARGE))
    asked, ability = checked(job, candidate, base=base)
    settings = {key: value for key, value in job.settings.items() if value is not None}
    config: Body = {}
    ratio = ratio_for(asked, ability, candidate)
    if ratio is not None:
        config["aspectRatio"] = ratio_text(ratio)
    adapted = _left_out(settings)
    adapted += quality_for(settings, ability)[2]
    if asked.size is not None and sizes:
        config["imageSize"] = _nearest(asked.size, sizes)
        adapted.append(f"size {size_text(asked.size)}: sent as {config['imageSize']} and a ratio, as this model has it")
    form, lines = format_for(settings, ability)
    adapted += lines
    if form is not None and formats:
        config["imageOutputOptions"] = {"mimeType": f"image/{form}"}
    elif form is not None:
        adapted.append("output_format: left out, the Gemini API has no word for it")
    generation: Body = {"responseModalities": ["IMAGE"], **({"imageConfig": config} if config else {})}
    parts = [{"text": job.prompt}, *(media_part(picture) for picture in job.images)]
    body: Body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": generation}
    extra = thaw(settings.get("extra"))
    return Drawing(body=deeper(body, extra) if is_table(extra) else body, asked=asked, adapted=tuple(adapted))


def _refuse(name: str, job: ImageJob, candidate: Candidate) -> None:
    if name.startswith("imagen"):
        text = "Google shut its Imagen models down on 2026-08-17. Choose gemini-nano-banana-2.1 or gemini-3-pro-image."
        raise CapabilityError(f"{named(candidate)}: {text}")
    if job.n > 1:
        raise CapabilityError(
            f"{named(candidate)}: a request to Google draws one picture, not {job.n}. Call it {job.n} times."
        )


def _left_out(settings: Mapping[str, object]) -> list[str]:
    plain = {"background": ("auto", "opaque")}
    return [
        left_out(name) for name, value in settings.items() if name not in _READ and value not in plain.get(name, ())
    ]


def _nearest(size: Pair, sizes: tuple[str, ...]) -> str:
    wanted = log(size[0] * size[1]) / 2
    return min(sizes, key=lambda name: abs(log(_SIDES[name]) - wanted))
