"""What the protocol of a candidate changes or leaves out of its settings: told by writing the request, unsent."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pipelex_like.errors import CallError
from pipelex_like.types import ExtractJob, FrozenDict, ImageJob, LlmJob, Media, Message, TextPart, Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import Job, Kind

# Who writes the request of a kind and SDK: pure functions that import no SDK. What has none changes nothing.
_WRITERS: Mapping[str, str] = {
    "llm.openai": "openai.request:chat_body",
    "llm.azure_openai": "openai.request:chat_body",
    "llm.huggingface": "openai.request:chat_body",
    "llm.openai_responses": "openai_responses.request:response_body",
    "llm.azure_openai_responses": "openai_responses.request:response_body",
    "llm.anthropic": "anthropic.request:message_body",
    "llm.vertex_anthropic": "anthropic.request:message_body",
    "llm.bedrock": "bedrock.request:converse_body",
    "llm.google": "google.request:content_body",
    "llm.vertex_google": "google.request:content_body",
    "llm.mistral": "mistral.request:chat_body",
    "llm.vertex_mistral": "mistral.request:chat_body",
    "llm.cohere": "cohere.request:cohere_body",
    "llm.local": "local.prompting:prompted",
    "extract.mistral": "mistral.ocr_request:ocr_body",
    "img_gen.openai": "openai.image_request:drawing_of",
    "img_gen.azure_openai": "openai.image_request:drawing_of",
    "img_gen.google": "google.image_request:drawing_body",
    "img_gen.vertex_google": "google.image_request:drawing_body",
    "img_gen.fal": "fal.request:order_of",
}
_TOOL_SETTINGS = ("tool_choice", "parallel_tool_calls")
_TOOL = Tool(name="look_up", parameters=FrozenDict({"type": "object"}))
_PICTURE = Media(mime="image/png", url="https://example.com/a.png")


def rehearsed(candidate: Candidate, kind: Kind) -> tuple[str, ...]:
    """Give a line for each setting that would be changed or left out, or why the candidate refuses a call with these
    settings."""
    target = _WRITERS.get(f"{kind}.{candidate.sdk}")
    if target is None:
        return ()
    module, _, name = target.partition(":")
    write = cast("Callable[..., object]", getattr(import_module(f"pipelex_like.workers.{module}"), name))
    refusal = ""
    for job in _jobs(kind, candidate):
        try:
            return _lines(write(job) if candidate.sdk == "local" else write(job, candidate))
        except CallError as error:
            refusal = refusal or f"a call with these settings is refused: {error}"
    return (refusal,)


def _jobs(kind: Kind, candidate: Candidate) -> tuple[Job, ...]:
    settings = candidate.settings
    if kind == "extract":
        return (ExtractJob(document=Media(mime="application/pdf", url="https://example.com/a.pdf"), settings=settings),)
    if kind == "img_gen":
        # A model that only changes pictures refuses a prompt alone.
        plain = ImageJob(prompt="A lighthouse", settings=settings)
        return plain, ImageJob(prompt="A lighthouse", images=(_PICTURE,), settings=settings)
    tools = (_TOOL,) if any(name in settings for name in _TOOL_SETTINGS) else ()
    return (LlmJob(messages=(Message(role="user", parts=(TextPart("Hello"),)),), tools=tools, settings=settings),)


def _lines(written: object) -> tuple[str, ...]:
    """Give the lines of what a writer gives: a pair of body and lines, or a value that has them."""
    if isinstance(written, tuple):
        return cast("tuple[object, tuple[str, ...]]", written)[1]
    return cast("tuple[str, ...]", getattr(written, "adapted", None) or getattr(written, "notes", ()))
