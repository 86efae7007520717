"""Usage as the many speakers of this protocol report it."""

from __future__ import annotations

from pipelex_like.types import Usage, is_table
from pipelex_like.workers.counts import Counts


def read_usage(value: object) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Counts that are missing, negative or no numbers are made up for where that is possible, and then marked
    `estimated`; cached tokens never exceed the input, nor reasoning the output.
    """
    if not is_table(value):
        return None
    top = Counts(value)
    details_in = Counts.inside(value, "prompt_tokens_details", "input_tokens_details")
    details_out = Counts.inside(value, "completion_tokens_details", "output_tokens_details")
    given, answered = top.first("prompt_tokens", "input_tokens"), top.first("completion_tokens", "output_tokens")
    total = top.first("total_tokens")
    if given is None and answered is None:
        return None
    reasoning = details_out.first("reasoning_tokens") or top.first("reasoning_tokens") or 0
    missing = given is None or answered is None
    given = _difference(total, answered) if given is None else given
    answered = _difference(total, given) if answered is None else answered
    if reasoning and total == given + answered + reasoning:
        answered += reasoning  # some report reasoning beside the answer, not as a part of it
    cached = details_in.first("cached_tokens") or top.first("prompt_cache_hit_tokens", "cache_read_input_tokens") or 0
    wrote = details_in.first("cache_write_tokens") or top.first("cache_creation_input_tokens") or 0
    return Usage(
        input_tokens=given,
        output_tokens=answered,
        cached_tokens=min(cached, given),
        cache_write_tokens=min(wrote, given),
        reasoning_tokens=min(reasoning, answered),
        input_audio_tokens=min(details_in.first("audio_tokens") or 0, given),
        output_audio_tokens=min(details_out.first("audio_tokens") or 0, answered),
        estimated=missing or top.odd or details_in.odd or details_out.odd,
    )


def _difference(total: int | None, part: int | None) -> int:
    return max(0, (total or 0) - (part or 0))


def read_image_usage(value: object, images: int) -> Usage:
    """Give the usage of drawing: what was drawn, and tokens where the provider counts them."""
    if not is_table(value):
        return Usage(images=images)
    top = Counts(value)
    given, drawn = top.first("input_tokens", "prompt_tokens") or 0, top.first("output_tokens", "completion_tokens") or 0
    details_in = Counts.inside(value, "input_tokens_details")
    details_out = Counts.inside(value, "output_tokens_details")
    pictures = details_out.first("image_tokens")
    return Usage(
        input_tokens=given,
        output_tokens=drawn,
        cached_tokens=min(details_in.first("cached_tokens") or 0, given),
        input_image_tokens=min(details_in.first("image_tokens") or 0, given),
        output_image_tokens=drawn if pictures is None else min(pictures, drawn),
        images=images,
        estimated=top.odd or details_in.odd or details_out.odd,
    )
