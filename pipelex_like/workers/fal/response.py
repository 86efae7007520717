"""What came of a job, as a reply of ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.errors import ContentPolicyError
from pipelex_like.types import ImageReply, Usage, is_list, is_table
from pipelex_like.workers.picture_words import mismatch
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Image
    from pipelex_like.workers.fal.request import Order
    from pipelex_like.workers.translate import Called


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where the pictures are, a line for each of them that the provider blacked out, and the seed."""

    urls: tuple[str, ...]
    flagged: tuple[str, ...] = ()
    seed: int | None = None


def found_in(answer: Mapping[str, object], called: Called) -> Found:
    """Find the pictures. Raises ContentPolicyError if all are blacked out, InvalidResponseError if there are none."""
    listed = answer.get("images")
    items = listed if is_list(listed) else [answer.get("image")]
    urls = [item.get("url") if is_table(item) else item for item in items]
    found = tuple(url for url in urls if isinstance(url, str) and url)
    if not found or len(found) != len(urls):
        raise unfit(
            called, "the answer has no pictures" if not found else "the answer has a picture without its address"
        )
    marks = answer.get("has_nsfw_concepts")
    flags = [place for place, mark in enumerate(marks, start=1) if mark is True] if is_list(marks) else []
    if len(flags) >= len(found):
        way_out = "Change the prompt or choose another model."
        text = "the safety checker blacked out every picture, and they may be charged all the same"
        raise ContentPolicyError(called.says(text, way_out), status=200)
    seed = answer.get("seed")
    return Found(
        urls=found,
        flagged=tuple(f"picture {place}: blacked out by the safety checker" for place in flags),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
    )


def reply_of(images: tuple[Image, ...], found: Found, order: Order | None, job_id: str | None) -> ImageReply:
    """Make the reply; pictures other than asked for are told in `adapted`. A job taken up again has no `order`."""
    told = () if order is None else (*order.adapted, *mismatch(images, order.asked))
    return ImageReply(
        images=images,
        usage=Usage(images=len(images)),
        provider_request_id=job_id,
        adapted=(*told, *found.flagged),
        seed=found.seed,
    )
