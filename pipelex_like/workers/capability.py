"""What a model cannot take, told from its spec before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pipelex_like.types import DocumentPart, ExtractJob, ImageJob, ImagePart, LlmJob, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelSpec
    from pipelex_like.types import Job, Media

OLLAMA = "ollama"
"""The `variant` of models whose server takes a context size with each request."""

_PICTURES = frozenset({"images", "image"})

OFFICE: Mapping[str, str] = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""Types of office documents, by the words that a spec's inputs have for them."""

_WORDS: Mapping[str, str] = {"application/pdf": "pdf", **OFFICE, "message/rfc822": "eml"}
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml", "application/toml"})

# No tokenizer packs running text this densely, so that a prompt beyond it is surely too long.
_CHARACTERS_PER_TOKEN = 10


def is_text(media: Media) -> bool:
    """Whether a document is plain text, which goes into the prompt and so suits every language model."""
    return media.mime.startswith("text/") or media.mime in _TEXTS


def capability_gap(job: Job, spec: ModelSpec) -> str | None:
    """Say what of the job the model cannot do, or None.

    What a spec does not tell (no inputs, no outputs, a model that no file lists) refuses nothing.
    """
    if not spec.listed:
        return None
    inputs = frozenset(word for word in spec.inputs if isinstance(word, str))
    match job:
        case LlmJob():
            return _llm_gap(job, spec, inputs)
        case ExtractJob():
            return _media_gap(job.document, inputs)
        case ImageJob():
            if job.images and inputs and not inputs & _PICTURES:
                return f"it takes no reference pictures (inputs = {_listed(inputs)})"
            return None
        case _:
            assert_never(job)


def _llm_gap(job: LlmJob, spec: ModelSpec, inputs: frozenset[str]) -> str | None:
    if job.tools and "tools" in spec.constraints.unsupported:
        return "it takes no tools"
    if job.schema is not None and spec.outputs and "structured" not in spec.outputs:
        return f"it gives no structured objects (outputs = {_listed(spec.outputs)})"
    parts = [part for message in job.messages for part in message.parts]
    pictures = [part for part in parts if isinstance(part, ImagePart)]
    if pictures and inputs and not inputs & _PICTURES:
        return f"it takes no images (inputs = {_listed(inputs)})"
    if isinstance(spec.max_prompt_images, int) and len(pictures) > spec.max_prompt_images:
        return f"it takes {spec.max_prompt_images} images at most, not {len(pictures)}"
    documents = [part.media for part in parts if isinstance(part, DocumentPart) and not is_text(part.media)]
    gaps = (_media_gap(media, inputs) for media in documents)
    return next((gap for gap in gaps if gap is not None), None) or _window_gap(job, spec)


def _media_gap(media: Media, inputs: frozenset[str]) -> str | None:
    if not inputs or not media.mime:
        return None
    if media.mime.startswith("image/"):
        return None if inputs & _PICTURES else f"it takes no images (inputs = {_listed(inputs)})"
    word = _WORDS.get(media.mime)
    if word is None or word in inputs:
        return None
    return f"it takes no {word} documents (inputs = {_listed(inputs)})"


def _window_gap(job: LlmJob, spec: ModelSpec) -> str | None:
    # Everybody else refuses a prompt that is too long; Ollama would cut it and say nothing.
    if spec.variant != OLLAMA:
        return None
    window = wished_window(job) or spec.context_window
    return window_gap(job, window) if isinstance(window, int) else None


def window_gap(job: LlmJob, window: int) -> str | None:
    """Say that a prompt surely does not fit a window of so many tokens, or None."""
    least = least_tokens(job)
    return None if least <= window else f"the prompt has at least {least} tokens, and its context window {window}"


def least_tokens(job: LlmJob) -> int:
    """Give a number of tokens that the text of the prompt surely has."""
    return sum(len(message.text) for message in job.messages) // _CHARACTERS_PER_TOKEN


def wished_window(job: LlmJob) -> int | None:
    """Give the context size that a call or preset asks Ollama for: `extra = { options = { num_ctx = ... } }`."""
    extra = job.settings.get("extra")
    options = extra.get("options") if is_table(extra) else None
    wish = options.get("num_ctx") if is_table(options) else None
    return wish if isinstance(wish, int) and not isinstance(wish, bool) else None


def _listed(words: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(words))
