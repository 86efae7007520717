"""A job as a request of Ollama's own chat API, which takes a context size. Pure.

Fields: https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from pipelex_like.errors import CapabilityError
from pipelex_like.types import (
    DocumentPart,
    ImagePart,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    is_list,
    is_table,
    thaw,
)
from pipelex_like.workers.capability import is_text, window_gap, wished_window
from pipelex_like.workers.objects import method_of, schema_prompt
from pipelex_like.workers.openai.messages import Body
from pipelex_like.workers.openai.request import tools_of
from pipelex_like.workers.parts import base64_of, framed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, Message
    from pipelex_like.workers.base import Access

_OPTIONS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "max_tokens": "num_predict",
}
_NO_WORD = (
    *("tool_choice", "parallel_tool_calls", "reasoning_budget", "logit_bias", "logprobs"),
    *("user", "metadata", "service_tier"),
)
_EFFORTS: Mapping[str, object] = {"none": False, "minimal": "low", "xhigh": "high", "max": "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, as `body`, with the context `size` in it, and a line for each thing that was left out."""

    job: LlmJob
    body: Body
    size: int | None
    adapted: tuple[str, ...] = ()


def native_options(job: LlmJob, candidate: Candidate, access: Access) -> Body | None:
    """Give Ollama's own `options` where a context size or any of them is wished for, else None.

    The size: what the call or preset says in `extra`, else `context_window` of the model, else `context_size` of the
    backend. Raises CapabilityError for a prompt that surely does not fit.
    """
    extra = job.settings.get("extra")
    given = extra.get("options") if is_table(extra) else None
    options: Body = {key: thaw(value) for key, value in given.items()} if is_table(given) else {}
    size = wished_window(job) or candidate.spec.context_window or access.keys.get("context_size")
    if isinstance(size, int):
        gap = window_gap(job, size)
        if gap is not None:
            raise CapabilityError(f"{candidate.backend} ({candidate.model_id}): {gap}. Send less, or allow more.")
        options = {"num_ctx": size, **options}
    return options or None


def chat_asked(job: LlmJob, candidate: Candidate, options: Mapping[str, object], *, stream: bool = False) -> Asked:
    """Give the request. Raises CapabilityError for a file that Ollama cannot be sent."""
    settings = {key: value for key, value in job.settings.items() if value is not None}
    adapted: dict[str, None] = {}
    messages = _messages(job, candidate, adapted)
    body: Body = {"model": candidate.model_id, "messages": messages, "stream": stream}
    if job.schema is not None:
        as_words = method_of(candidate) == "json"
        body["format"] = "json" if as_words else thaw(job.schema.schema)
        if as_words:
            messages.insert(0, {"role": "system", "content": schema_prompt(job.schema)})
    if job.tools:
        body["tools"] = tools_of(job, {}, None)[0]["tools"]
    effort = settings.get("reasoning_effort")
    if effort is not None:
        body["think"] = _EFFORTS.get(str(effort), effort)
        if effort in ("minimal", "xhigh", "max"):
            adapted[f"reasoning_effort: {effort} became {body['think']}, Ollama knows low, medium and high"] = None
    for name in _NO_WORD:
        if name in settings:
            adapted[f"{name}: left out, Ollama's own API has no word for it"] = None
    body["options"] = {**_own_options(settings), **options}
    extra = thaw(settings.get("extra", {}))
    more = {key: value for key, value in extra.items() if key != "options"} if is_table(extra) else {}
    size = options.get("num_ctx")
    told = size if isinstance(size, int) else None
    return Asked(job=job, body={**body, **more}, size=told, adapted=tuple(adapted))


def _own_options(settings: Mapping[str, object]) -> Body:
    out = {wire: settings[name] for name, wire in _OPTIONS.items() if settings.get(name) not in (None, "auto")}
    stop = settings.get("stop")
    if stop:
        out["stop"] = [stop] if isinstance(stop, str) else thaw(stop)
    return out


def _messages(job: LlmJob, candidate: Candidate, adapted: dict[str, None]) -> list[Body]:
    names: dict[str, str] = {}
    wire: list[Body] = []
    for message in job.messages:
        said: Body = {"role": message.role, "content": ""}
        results: list[Body] = []
        for part in message.parts:
            match part:
                case TextPart():
                    said["content"] = f"{said['content']}{part.text}"
                case ImagePart() | DocumentPart():
                    _file(said, part, message, candidate, adapted)
                case ReasoningPart():
                    said["thinking"] = part.text
                case ToolCallPart(call=call):
                    names[call.id] = call.name
                    function: Body = {"name": call.name, "arguments": thaw(call.arguments)}
                    calls = said.setdefault("tool_calls", [])
                    said["tool_calls"] = [*(calls if is_list(calls) else ()), {"function": function}]
                case ToolResultPart():
                    name = names.get(part.call_id, part.call_id)
                    results.append({"role": "tool", "tool_name": name, "content": part.text})
                case OpaquePart():
                    adapted["what another protocol understands of an earlier turn: left out"] = None
                case _:
                    assert_never(part)
        wire += results
        if not results or said.keys() != {"role", "content"} or said["content"]:
            wire.append(said)
    return wire


def _file(
    said: Body, part: ImagePart | DocumentPart, message: Message, candidate: Candidate, adapted: dict[str, None]
) -> None:
    media = part.media
    name = media.name or "file"
    if message.role != "user":
        adapted[f"pictures and documents in a turn of the {message.role}: left out, only the user's have any"] = None
    elif media.data is None:
        raise _cannot(candidate, f'"{name}" by its URL', "Hand over its bytes or a path.")
    elif isinstance(part, ImagePart):
        images = said.get("images", [])
        said["images"] = [*(images if is_list(images) else ()), base64_of(media)]
    elif is_text(media):
        text = framed(name, media.data.decode("utf-8", "replace"), candidate.spec.prompting_target)
        said["content"] = f"{said['content']}\n\n{text}\n\n" if said["content"] else f"{text}\n\n"
    else:
        raise _cannot(candidate, f'the document "{name}" ({media.mime})', "Extract its text first.")


def _cannot(candidate: Candidate, what: str, way_out: str) -> CapabilityError:
    return CapabilityError(f"{candidate.backend} ({candidate.model_id}): Ollama cannot be sent {what}. {way_out}")
