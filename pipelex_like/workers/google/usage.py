"""Usage as Google counts it: https://ai.google.dev/api/generate-content#UsageMetadata"""

from __future__ import annotations

from dataclasses import replace

from pipelex_like.types import Usage, is_table
from pipelex_like.workers.counts import Counts, fitted


def read_usage(value: object, *, images: int = 0) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Google counts thoughts beside the answer and the results of its own tools beside the prompt; here output and input
    include them. What was read from the cache is counted there alone, of whatever sort it is. A count of zero is not
    written by Google.
    """
    if not is_table(value):
        return None
    top = Counts(value)
    prompt, answered = top.first("promptTokenCount"), top.first("candidatesTokenCount")
    thought, used = top.first("thoughtsTokenCount"), top.first("toolUsePromptTokenCount")
    if prompt is None and answered is None and thought is None:
        return None
    usage = Usage(
        input_tokens=(prompt or 0) + (used or 0),
        output_tokens=(answered or 0) + (thought or 0),
        cached_tokens=top.first("cachedContentTokenCount") or 0,
        reasoning_tokens=thought or 0,
        input_audio_tokens=_fresh(top, "AUDIO"),
        output_audio_tokens=_of(top, "candidatesTokensDetails", "AUDIO"),
        input_image_tokens=_fresh(top, "IMAGE"),
        output_image_tokens=_of(top, "candidatesTokensDetails", "IMAGE"),
        images=images,
    )
    return fitted(replace(usage, estimated=top.odd))


def _fresh(top: Counts, modality: str) -> int:
    """The tokens of one sort in the prompt that did not come from the cache."""
    return max(0, _of(top, "promptTokensDetails", modality) - _of(top, "cacheTokensDetails", modality))


def _of(top: Counts, details: str, modality: str) -> int:
    return top.summed(details, "tokenCount", where="modality", equals=modality)
