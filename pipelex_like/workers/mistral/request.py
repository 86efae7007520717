"""A job as the body of a chat completion of Mistral's. Pure: the same job gives the same body.

Fields: https://docs.mistral.ai/api/endpoint/chat. What it does not know, it refuses.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from pipelex_like.types import ReasoningPart, is_list, is_table, thaw
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.openai.messages import Body, Wording, data_uri, text_document, wire_messages
from pipelex_like.workers.openai.request import object_tool, response_format, sampling, tools_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, Media, Message

_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "random_seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "metadata": "metadata",
}
_NO_WORD = ("logit_bias", "user", "reasoning_budget")
_TIERS = ("auto", "standard_only")
_CALL_ID = re.compile(r"[A-Za-z0-9]{9}\Z")

Thinking = Literal["words", "switch", "always", "never"]

# "switch" knows none and high: https://docs.mistral.ai/capabilities/reasoning/adjustable; "always" no word at all:
# https://docs.mistral.ai/capabilities/reasoning/native
_THINKING: tuple[tuple[str, Thinking], ...] = (
    ("magistral", "always"),
    ("mistral-small", "switch"),
    ("mistral-medium", "switch"),
)


def chat_body(job: LlmJob, candidate: Candidate, *, stream: bool = False) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each thing that was changed or left out on the way."""
    settings = {key: value for key, value in job.settings.items() if value is not None}
    messages, left_out = _messages(job, candidate)
    body: Body = {"model": candidate.model_id, "messages": messages}
    adapted = list(left_out)
    body.update({wire: thaw(settings[name]) for name, wire in _NAMES.items() if name in settings})
    body.update(sampling(settings))
    if settings.get("max_tokens", "auto") != "auto":
        body["max_tokens"] = settings["max_tokens"]
    adapted += [f"{name}: left out, Mistral has no word for it" for name in _NO_WORD if name in settings]
    forced = object_tool(job, candidate)
    if job.schema is not None and forced is None:
        body.update(response_format(job.schema, candidate, messages))
    for part, lines in (_tools(job, settings, forced), _tier(settings), _effort(settings, candidate)):
        body.update(part)
        adapted += lines
    if stream:
        body["stream"] = True
    extra = thaw(settings.get("extra", {}))
    return {**body, **extra} if is_table(extra) else body, tuple(adapted)


def _messages(job: LlmJob, candidate: Candidate) -> tuple[list[Body], tuple[str, ...]]:
    thinks = candidate.spec.thinking_mode not in (None, "none")
    wire, adapted = wire_messages(_ordered(job.messages), candidate, _THINKER if thinks else _PLAIN)
    for message in wire:
        calls = message.get("tool_calls")
        for call in calls if is_list(calls) else ():
            if is_table(call):
                call["id"] = call_id(str(call["id"]))
        if message["role"] == "tool":
            message["tool_call_id"] = call_id(str(message["tool_call_id"]))
    if wire and wire[-1]["role"] == "assistant":
        # An answer that is to be continued must be marked as such.
        wire[-1]["prefix"] = True
    return wire, adapted


def _ordered(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put reasoning before the text that came of it, which is how it is taken back."""
    return tuple(
        type(message)(message.role, tuple(sorted(message.parts, key=lambda part: not isinstance(part, ReasoningPart))))
        for message in messages
    )


def call_id(given: str) -> str:
    """Give the id of a tool call in the only form that Mistral takes, nine letters or digits; the same for the same.

    An id of its own making stays as it is.
    """
    return given if _CALL_ID.match(given) else blake2b(given.encode(), digest_size=5).hexdigest()[:9]


def _document(media: Media, candidate: Candidate) -> Body:
    if media.data is not None and is_text(media):
        return text_document(media, candidate)
    return document_part(media)


def document_part(media: Media) -> Body:
    """Give a document by its address or its bytes, with its name where it has one."""
    part: Body = {"type": "document_url", "document_url": media.url if media.data is None else data_uri(media)}
    return {**part, "document_name": media.name} if media.name else part


def _thought(text: str) -> Body:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], "closed": True}


_PLAIN = Wording(_document)
_THINKER = Wording(_document, _thought)


def _tools(job: LlmJob, settings: Mapping[str, object], forced: str | None) -> tuple[Body, list[str]]:
    part, lines = tools_of(job, settings, forced)
    named = settings.get("tool_choice")
    if part.get("tool_choice") == "required" or (named == "any" and "any" not in {tool.name for tool in job.tools}):
        part = {**part, "tool_choice": "any"} if "tool_choice" in part else part
    return part, lines


def _tier(settings: Mapping[str, object]) -> tuple[Body, list[str]]:
    tier = settings.get("service_tier")
    if tier is None or tier in _TIERS:
        return ({} if tier is None else {"service_tier": tier}), []
    return {}, [f'service_tier: left out, Mistral knows {" and ".join(_TIERS)}, not "{tier}"']


def _thinking(candidate: Candidate) -> Thinking:
    name = candidate.model_id.rpartition("/")[2]
    known: Thinking | None = next((kind for start, kind in _THINKING if name.startswith(start)), None)
    if candidate.spec.listed and candidate.spec.thinking_mode in (None, "none"):
        return "never"
    return "words" if known is None else known


def _effort(settings: Mapping[str, object], candidate: Candidate) -> tuple[Body, list[str]]:
    effort = settings.get("reasoning_effort")
    if effort is None:
        return {}, []
    match _thinking(candidate):
        case "never":
            return {}, ["reasoning_effort: left out, the model does not think"]
        case "always" if effort == "none":
            return {}, ["reasoning_effort: left out, the model always thinks"]
        case "always":
            return {"prompt_mode": "reasoning"}, ["reasoning_effort: the model always thinks, in its own measure"]
        case "switch" if effort not in ("none", "high"):
            word = "none" if effort == "minimal" else "high"
            return {"reasoning_effort": word}, [f"reasoning_effort: {effort} -> {word}, the model knows none and high"]
        case "switch" | "words":
            return {"reasoning_effort": effort}, []
