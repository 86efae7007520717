"""What an example call would cost at a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.routing.explanation import Example
from pipelex_like.types import ExtractJob, ImageJob, Media, Usage
from pipelex_like.usage.cost import cost_of
from pipelex_like.usage.estimate import estimate

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The size of the call: tokens for language models, pages for readers, pictures for those that draw."""

    input_tokens: int = 1000
    output_tokens: int = 500
    pages: int = 1
    images: int = 1


def example_at(candidate: Candidate, kind: Kind, sample: Sample) -> Example:
    """Give what a call of that size costs there by the spec's prices, without repeats and fallbacks."""
    match kind:
        case "llm":
            return _of_llm(candidate, sample)
        case "extract":
            document = Media(mime="application/pdf", url="https://example.com/a.pdf")
            job = ExtractJob(document=document, settings=candidate.settings)
            told = estimate(job, candidate.spec, candidate.settings, pages=sample.pages)
            size = _count(sample.pages, "page")
        case "img_gen":
            drawing = ImageJob(prompt="", n=sample.images, settings=candidate.settings)
            told = estimate(drawing, candidate.spec, candidate.settings)
            size = _count(sample.images, "picture")
    # Tokens of pages and pictures, and a price that depends on size and quality, are known only afterwards.
    costs = candidate.spec.costs
    guessed = bool(costs.tokens) or len(costs.per_image) > 1
    return Example(size=size, cost=told.cost, note=told.note, at_most=guessed and bool(told.cost))


def _of_llm(candidate: Candidate, sample: Sample) -> Example:
    most = candidate.settings.get("max_tokens")
    capped = isinstance(most, int) and most < sample.output_tokens
    output = most if isinstance(most, int) and capped else sample.output_tokens
    usage = Usage(input_tokens=sample.input_tokens, output_tokens=output)
    cost, note = cost_of(usage, candidate.spec)
    size = f"{sample.input_tokens:,} tokens in and {output:,} out{', which is its max_tokens' if capped else ''}"
    return Example(size=size, cost=cost, note=note)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
