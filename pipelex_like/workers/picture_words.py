"""The words for pictures (ratios, sizes, counts), and what came back against what was asked. Pure.

What a model can do of it, by family or by the rules of its spec: picture_rules.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import gcd, log, sqrt
from typing import TYPE_CHECKING

from pipelex_like.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.types import Image, ImageJob

Pair = tuple[int, int]
"""Width and height: in pixels for a size, in parts for a ratio."""

_NAMED = re.compile(r"(landscape|portrait)_(\d{1,3})_(\d{1,3})\Z")
_PARTS = re.compile(r"(\d{1,3}):(\d{1,3})\Z")
_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})\Z")
_SQUARES = ("square", "square_hd")
_MIMES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
_PIXELS = 1024 * 1024
_GRID = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a job wants of its pictures: how many, their size in pixels or else their ratio, their MIME type. None: as
    it comes."""

    n: int = 1
    size: Pair | None = None
    ratio: Pair | None = None
    mime: str | None = None


def asked_of(job: ImageJob, who: str) -> Asked:
    """Read the shape that the job's settings ask for; `auto` asks for none, and a size goes before a ratio.

    Raises BadRequestError, beginning with `who`, for what is no size or ratio in any model's words.
    """
    size, ratio = job.settings.get("size"), job.settings.get("aspect_ratio")
    pixels = parts = None
    if size not in (None, "auto"):
        pixels = size_pair(str(size))
        if pixels is None:
            raise BadRequestError(f'{who}: "{size}" is no size. Write it as 1024x1024.')
    elif ratio not in (None, "auto"):
        parts = ratio_parts(str(ratio))
        if parts is None:
            raise BadRequestError(f'{who}: "{ratio}" is no aspect_ratio. Write square, 16:9 or landscape_16_9.')
    return Asked(n=job.n, size=pixels, ratio=parts, mime=_MIMES.get(str(job.settings.get("output_format"))))


def ratio_parts(text: str) -> Pair | None:
    """Give the ratio of `square`, `square_hd`, `16:9`, `landscape_16_9` or `portrait_16_9` (9:16, as `portrait_9_16`
    is), in smallest parts; None for anything else."""
    if text in _SQUARES:
        return 1, 1
    named = _NAMED.match(text)
    plain = _PARTS.match(text)
    if named is not None:
        short, long = sorted((int(named[2]), int(named[3])))
        pair = (long, short) if named[1] == "landscape" else (short, long)
    elif plain is not None:
        pair = int(plain[1]), int(plain[2])
    else:
        return None
    return lowest(pair) if all(pair) else None


def size_pair(text: str) -> Pair | None:
    """Give width and height of `1024x768`; None for anything else."""
    found = _SIZE.match(text)
    pair = (int(found[1]), int(found[2])) if found else (0, 0)
    return pair if all(pair) else None


def size_text(size: Pair) -> str:
    """Write a size as `1024x768`."""
    return f"{size[0]}x{size[1]}"


def ratio_text(ratio: Pair) -> str:
    """Write a ratio as `16:9`."""
    return f"{ratio[0]}:{ratio[1]}"


def lowest(pair: Pair) -> Pair:
    """Give the ratio of two numbers in smallest parts: 1024x768 is 4:3."""
    divisor = gcd(*pair)
    return pair[0] // divisor, pair[1] // divisor


def same_ratio(one: Pair, other: Pair, tolerance: float = 0.02) -> bool:
    """Whether two shapes have the same ratio, as far as whole blocks of pixels allow."""
    return abs(log(one[0] / one[1]) - log(other[0] / other[1])) <= tolerance


def nearest(shape: Pair, allowed: Sequence[Pair]) -> Pair:
    """Give the allowed size or ratio whose ratio is nearest; among equal ones the first. `allowed` is not empty."""
    wanted = log(shape[0] / shape[1])
    return min(allowed, key=lambda pair: abs(log(pair[0] / pair[1]) - wanted))


def free_size(ratio: Pair, *, pixels: int = _PIXELS, step: int = _GRID) -> Pair:
    """Give a size of that ratio and about that many pixels, both sides in whole steps."""
    wide = ratio[0] / ratio[1]
    height = sqrt(pixels / wide)
    return max(step, round(height * wide / step) * step), max(step, round(height / step) * step)


def mismatch(images: Sequence[Image], asked: Asked) -> tuple[str, ...]:
    """Give a line for each way in which the pictures are not what was asked for; sizes that could not be measured
    are taken as right."""
    lines: list[str] = []
    if len(images) != asked.n:
        lines.append(f"n: asked for {_counted(asked.n)}, got {len(images)}")
    for came in dict.fromkeys((image.width, image.height) for image in images if image.width and image.height):
        if asked.size is not None and came != asked.size:
            lines.append(f"size: asked for {size_text(asked.size)}, got {size_text(came)}")
        elif asked.size is None and asked.ratio is not None and not same_ratio(came, asked.ratio, 0.03):
            lines.append(f"aspect_ratio: asked for {ratio_text(asked.ratio)}, got {size_text(came)}")
    if asked.mime is not None:
        others = dict.fromkeys(image.mime for image in images if image.mime != asked.mime)
        lines += [f"output_format: asked for {_form(asked.mime)}, got {_form(other)}" for other in others]
    return tuple(lines)


def _counted(n: int) -> str:
    return "1 picture" if n == 1 else f"{n} pictures"


def _form(mime: str) -> str:
    return mime.removeprefix("image/")
