"""Usage as the many speakers of this protocol report it."""

from __future__ import annotations

from dataclasses import replace

from pipelex_like.types import Usage, is_table
from pipelex_like.workers.counts import Counts, fitted


def read_usage(value: object) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Counts that are missing, negative or no numbers are made up for where that is possible, and then marked
    `estimated`, as those that contradict each other are.
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
    missing = given is None or answered is None
    given = _difference(total, answered) if given is None else given
    answered = _difference(total, given) if answered is None else answered
    usage = Usage(
        input_tokens=given,
        output_tokens=answered,
        cached_tokens=details_in.first("cached_tokens", "cache_read_input_tokens")
        or top.first("prompt_cache_hit_tokens", "cache_read_input_tokens")
        or 0,
        cache_write_tokens=details_in.first("cache_write_tokens", "cache_creation_input_tokens")
        or top.first("cache_creation_input_tokens")
        or 0,
        reasoning_tokens=details_out.first("reasoning_tokens") or top.first("reasoning_tokens") or 0,
        input_audio_tokens=details_in.first("audio_tokens") or 0,
        output_audio_tokens=details_out.first("audio_tokens") or 0,
        input_image_tokens=details_in.first("image_tokens") or 0,
    )
    odd = missing or top.odd or details_in.odd or details_out.odd
    return fitted(_summed(replace(usage, estimated=odd), total))


def _difference(total: int | None, part: int | None) -> int:
    return max(0, (total or 0) - (part or 0))


def _summed(usage: Usage, total: int | None) -> Usage:
    """Give the usage with a total that says the same.

    Some report reasoning beside the answer, not as a part of it, and Google's endpoint for this protocol in the total
    alone: https://discuss.ai.google.dev/t/question-with-usage-in-openai-compatibility/98760
    """
    beside = (total or usage.total_tokens) - usage.total_tokens
    if beside == 0:
        return usage
    if beside < 0:
        return replace(usage, estimated=True)
    told = beside == usage.reasoning_tokens
    return replace(
        usage,
        output_tokens=usage.output_tokens + beside,
        reasoning_tokens=usage.reasoning_tokens if told else usage.reasoning_tokens + beside,
        estimated=usage.estimated or not told,
    )


def read_image_usage(value: object, images: int) -> Usage:
    """Give the usage of drawing: what was drawn, and tokens where the provider counts them."""
    if not is_table(value):
        return Usage(images=images)
    top = Counts(value)
    given, drawn = top.first("input_tokens", "prompt_tokens"), top.first("output_tokens", "completion_tokens")
    details_in = Counts.inside(value, "input_tokens_details")
    details_out = Counts.inside(value, "output_tokens_details")
    pictures = details_out.first("image_tokens")
    return fitted(
        Usage(
            input_tokens=given or 0,
            output_tokens=drawn or 0,
            cached_tokens=details_in.first("cached_tokens") or 0,
            input_image_tokens=details_in.first("image_tokens") or 0,
            output_image_tokens=(drawn or 0) if pictures is None else pictures,
            images=images,
            estimated=(given is None) != (drawn is None) or top.odd or details_in.odd or details_out.odd,
        )
    )
