"""What a job may come to, reckoned before it is sent: for reservations, and for what can never fit. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

import orjson

from pipelex_like.types import (
    DocumentPart,
    ExtractJob,
    ImageJob,
    ImagePart,
    LlmJob,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from pipelex_like.usage.cost import cost_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelSpec
    from pipelex_like.types import Job, Media, Part, Tool

RESERVED_OUTPUT_TOKENS = 4096
"""Tokens of answer that are put by where neither caller nor spec says fewer."""
TOKENS_PER_IMAGE = 1600
"""Tokens of a large picture that is looked at, where the spec says nothing of it."""
TOKENS_PER_PAGE = 3000
"""Tokens of a document's page, its text and its picture together, where the spec says nothing of it."""
TOKENS_PER_DRAWING = 6300
"""Tokens of a large picture that is drawn with care, by a model that is priced per token only."""
PAGES_UNSEEN = 20
"""Pages of a document that only the provider fetches."""
BYTES_PER_PAGE = 20_000
"""Bytes of a page in a document that does not show its pages."""

_BYTES_PER_TOKEN = 3
# No tokenizer packs running text this densely: a text beyond it is too long without any doubt.
_MOST_BYTES_PER_TOKEN = 8
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml", "application/toml"})
_PAGE_MARKS = (b"/Type /Page", b"/Type/Page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A job measured, for whichever model. `text` is UTF-8 bytes that any model is sent, `aside` those that only some
    are (earlier reasoning). `papers` are documents that are sent as pages; `kept`: the prompt is to be kept."""

    text: int = 0
    aside: int = 0
    pictures: int = 0
    papers: tuple[Media, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a request may consume. `cost` is in US dollars, or None with the reason in `note`."""

    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    note: str | None = None

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


def estimate(
    job: Job,
    spec: ModelSpec,
    settings: Mapping[str, object],
    *,
    reserve_output_tokens: int = RESERVED_OUTPUT_TOKENS,
    pages: int | None = None,
    size: Size | None = None,
) -> Estimate:
    """Give what a request for this job may consume and cost at that model, if nothing of it was kept before.

    `settings` are those that will be sent; `pages` is the number of all pages of its documents, where it is known;
    `size` is what `measure` gave for the job, for callers that ask about several models.
    """
    size = size or measure(job)
    answer = _least(settings.get("max_tokens"), spec.max_tokens, reserve_output_tokens)
    match job:
        case LlmJob():
            return _of_llm(size, spec, answer, pages=_pages(size) if pages is None else pages)
        case ExtractJob():
            count = len(job.pages) or (_pages(size) if pages is None else pages)
            return _of_extract(spec, answer, pages=count)
        case ImageJob():
            return _of_image(job, size, spec, settings)
        case _:
            assert_never(job)


def surely_too_long(job: Job, spec: ModelSpec, *, size: Size | None = None) -> str | None:
    """Say why the job cannot fit into the model's context window, or None where it may; only text is counted."""
    window = spec.context_window
    if not isinstance(window, int):
        return None
    text = _text_of(job) if size is None else size.text
    if text <= window * _MOST_BYTES_PER_TOKEN:
        return None
    tokens = -(-text // _MOST_BYTES_PER_TOKEN)
    return f"its {text:,} bytes of text are {tokens:,} tokens at the very least, and context_window is {window:,}"


def measure(job: Job) -> Size:
    """Measure what a job sends. It looks at each text once, and at no file's bytes."""
    match job:
        case LlmJob():
            return _llm_size(job)
        case ExtractJob():
            return Size(papers=(job.document,))
        case ImageJob():
            return Size(text=_text_of(job), pictures=len(job.images))
        case _:
            assert_never(job)


def _text_of(job: Job) -> int:
    match job:
        case LlmJob():
            text = sum(_told(part) for message in job.messages for part in message.parts)
            schema = 0 if job.schema is None else _json_bytes(job.schema.schema)
            return text + sum(map(_tool_bytes, job.tools)) + schema
        case ExtractJob():
            return 0
        case ImageJob():
            return _bytes(job.prompt)
        case _:
            assert_never(job)


def _llm_size(job: LlmJob) -> Size:
    parts = [part for message in job.messages for part in message.parts]
    return Size(
        text=_text_of(job),
        aside=sum(map(_aside, parts)),
        pictures=sum(isinstance(part, ImagePart) for part in parts),
        papers=tuple(part.media for part in parts if isinstance(part, DocumentPart) and not _is_text(part.media)),
        kept=any(isinstance(part, TextPart | ImagePart | DocumentPart) and part.cache for part in parts),
    )


def _told(part: Part) -> int:
    match part:
        case TextPart() | ToolResultPart():
            return _bytes(part.text)
        case ToolCallPart(call=call):
            return _bytes(call.name) + _bytes(call.raw)
        case DocumentPart(media=media):
            return len(media.data or b"") if _is_text(media) else 0
        case ImagePart() | ReasoningPart() | OpaquePart():
            return 0
        case _:
            assert_never(part)


def _aside(part: Part) -> int:
    if isinstance(part, ReasoningPart):
        return _bytes(part.text)
    return _json_bytes(part.data) if isinstance(part, OpaquePart) else 0


def _tool_bytes(tool: Tool) -> int:
    return _bytes(tool.name) + _bytes(tool.description) + _json_bytes(tool.parameters)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _json_bytes(value: object) -> int:
    try:
        return len(orjson.dumps(value, default=str))
    except TypeError:
        # Numbers beyond 64 bits and lone surrogates, which orjson refuses; a worker may still send them.
        return _bytes(repr(value))


def _is_text(media: Media) -> bool:
    return media.data is not None and (media.mime.startswith("text/") or media.mime in _TEXTS)


def _pages(size: Size) -> int:
    return sum(_pages_of(media) for media in size.papers)


def _pages_of(media: Media) -> int:
    if media.mime.startswith("image/"):
        return 1
    data = media.data
    if data is None:
        return PAGES_UNSEEN
    shown = sum(data.count(mark) - data.count(mark + b"s") for mark in _PAGE_MARKS)
    return shown if shown > 0 else -(-len(data) // BYTES_PER_PAGE)


def _least(*limits: object) -> int:
    return min(limit for limit in limits if isinstance(limit, int) and not isinstance(limit, bool))


def _of_llm(size: Size, spec: ModelSpec, output: int, *, pages: int) -> Estimate:
    seen = size.pictures * _per_image(spec)
    words = -(-(size.text + size.aside) // _BYTES_PER_TOKEN) + pages * _per_page(spec)
    prices = spec.costs.tokens
    keeping = spec.rules.get("prompt_cache")
    hour = keeping == "1h" and "cache_write_1h" in prices
    kept = words if (size.kept or keeping) and _dearer(prices, "cache_write_1h" if hour else "cache_write") else 0
    usage = Usage(
        input_tokens=words + seen,
        output_tokens=output,
        cache_write_tokens=0 if hour else kept,
        cache_write_1h_tokens=kept if hour else 0,
        reasoning_tokens=output if _dearer(prices, "reasoning", than="output") else 0,
        input_image_tokens=seen if _dearer(prices, "input_image") else 0,
        pages=pages,
    )
    return _priced(usage, spec)


def _of_extract(spec: ModelSpec, output: int, *, pages: int) -> Estimate:
    # A reader of pages counts tokens only where it is a language model, which its prices or its spec tell.
    counts = bool(spec.costs.tokens) or spec.tokens_per_page is not None
    usage = Usage(
        input_tokens=pages * _per_page(spec) if counts else 0, output_tokens=output if counts else 0, pages=pages
    )
    return _priced(usage, spec)


def _of_image(job: ImageJob, size: Size, spec: ModelSpec, settings: Mapping[str, object]) -> Estimate:
    costs = spec.costs
    seen = size.pictures * _per_image(spec)
    drawn = job.n * TOKENS_PER_DRAWING if costs.tokens else 0
    usage = Usage(
        input_tokens=-(-size.text // _BYTES_PER_TOKEN) + seen,
        input_image_tokens=seen,
        output_tokens=drawn,
        output_image_tokens=drawn,
        images=job.n,
    )
    if not costs.per_image:
        return _priced(usage, spec)
    cost, note = _dearest(job.n, spec, settings)
    if cost is not None and costs.tokens and usage.input_tokens:
        read = Usage(input_tokens=usage.input_tokens, input_image_tokens=seen)
        prompt, note = cost_of(read, spec)
        cost = None if prompt is None else cost + prompt
    return Estimate(input_tokens=usage.input_tokens, output_tokens=drawn, cost=cost, note=note)


def _dearest(n: int, spec: ModelSpec, settings: Mapping[str, object]) -> tuple[Decimal | None, str | None]:
    """Price `n` pictures at the dearest size and quality that the settings leave open."""
    kinds = {(price.size, price.quality) for price in spec.costs.per_image}
    size, quality = settings.get("size"), settings.get("quality")
    kinds = {kind for kind in kinds if kind[0] in (None, size)} or kinds
    kinds = {kind for kind in kinds if kind[1] in (None, quality)} or kinds
    priced = [cost_of(Usage(images=n), spec, images=((size or "", quality),) * n) for size, quality in kinds]
    costs = [cost for cost, _ in priced if cost is not None]
    return (max(costs), None) if costs else (None, next((note for _, note in priced), None))


def _priced(usage: Usage, spec: ModelSpec) -> Estimate:
    cost, note = cost_of(usage, spec)
    return Estimate(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost=cost, note=note)


def _dearer(prices: Mapping[str, object], kind: str, *, than: str = "input") -> bool:
    price, usual = prices.get(kind), prices.get(than)
    return isinstance(price, Decimal) and (not isinstance(usual, Decimal) or price > usual)


def _per_image(spec: ModelSpec) -> int:
    return spec.tokens_per_image if isinstance(spec.tokens_per_image, int) else TOKENS_PER_IMAGE


def _per_page(spec: ModelSpec) -> int:
    return spec.tokens_per_page if isinstance(spec.tokens_per_page, int) else TOKENS_PER_PAGE
