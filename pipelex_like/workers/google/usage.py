"""Usage as Google counts it: https://ai.google.dev/api/generate-content#UsageMetadata"""

from __future__ import annotations

from pipelex_like.types import Usage, is_list, is_table
from pipelex_like.workers.counts import Counts


def read_usage(value: object, *, images: int = 0) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Google counts thoughts beside the answer and the results of its own tools beside the prompt; here output and input
    include them. A count of zero is not written by Google.
    """
    if not is_table(value):
        return None
    top = Counts(value)
    prompt, answered = top.first("promptTokenCount"), top.first("candidatesTokenCount")
    thought, used = top.first("thoughtsTokenCount"), top.first("toolUsePromptTokenCount")
    if prompt is None and answered is None and thought is None:
        return None
    given, said = (prompt or 0) + (used or 0), (answered or 0) + (thought or 0)
    return Usage(
        input_tokens=given,
        output_tokens=said,
        cached_tokens=min(top.first("cachedContentTokenCount") or 0, given),
        reasoning_tokens=thought or 0,
        input_audio_tokens=min(_of("AUDIO", value.get("promptTokensDetails")), given),
        output_audio_tokens=min(_of("AUDIO", value.get("candidatesTokensDetails")), said),
        input_image_tokens=min(_of("IMAGE", value.get("promptTokensDetails")), given),
        output_image_tokens=min(_of("IMAGE", value.get("candidatesTokensDetails")), said),
        images=images,
        estimated=top.odd,
    )


def _of(modality: str, details: object) -> int:
    """The tokens of one sort in a list of counts by modality."""
    tables = [Counts(one) for one in details if is_table(one)] if is_list(details) else []
    return sum(one.first("tokenCount") or 0 for one in tables if one.table.get("modality") == modality)
