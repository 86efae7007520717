"""What a message says, as a reply of ours. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, LlmReply, OpaquePart, Usage, freeze, is_list, is_table
from pipelex_like.workers.anthropic.keeping import THOUGHTS
from pipelex_like.workers.counts import Counts, fitted
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.types import FinishReason, ToolCall
    from pipelex_like.workers.translate import Called

_FINISHED: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

Block = dict[str, object]


def read_reply(
    answer: Mapping[str, object], called: Called, *, object_tool: str | None = None, request_id: str | None = None
) -> LlmReply:
    """Give the reply of a whole message. `object_tool` names the tool whose input is the wanted object.

    Raises InvalidResponseError for an answer that is no message.
    """
    content = answer.get("content")
    if not is_list(content):
        raise unfit(called, "the answer has no `content`", "Check `endpoint`: does it speak Anthropic's protocol?")
    blocks = [block for block in content if is_table(block)]
    calls = tuple(_calls(blocks))
    text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    if object_tool is not None:
        text = next((call.raw for call in calls if call.name == object_tool), text)
        calls = tuple(call for call in calls if call.name != object_tool)
    return LlmReply(
        text=text or refused(answer.get("stop_reason"), answer.get("stop_details")),
        tool_calls=calls,
        reasoning="".join(str(block.get("thinking") or "") for block in blocks if block.get("type") == "thinking"),
        opaque=opaque_of(blocks, called),
        usage=read_usage(answer.get("usage")),
        finish_reason=finish_reason(answer.get("stop_reason"), has_calls=bool(calls)),
        provider_request_id=request_id or identity(answer),
    )


def _calls(blocks: Sequence[Block]) -> list[ToolCall]:
    found: list[ToolCall] = []
    for block in blocks:
        name = block.get("name")
        if block.get("type") == "tool_use" and isinstance(name, str):
            found.append(tool_call(name, block.get("input"), call_id=block.get("id"), position=len(found)))
    return found


def refused(reason: object, details: object) -> str:
    """Give the provider's words on why it refused to answer, if it did and says so."""
    told = details.get("explanation") if reason == "refusal" and is_table(details) else None
    return told if isinstance(told, str) else ""


def opaque_of(blocks: Sequence[Block], called: Called) -> tuple[OpaquePart, ...]:
    """Keep the whole turn where it has thoughts: with the next turn they go back unchanged, in their places."""
    if not any(block.get("type") in THOUGHTS for block in blocks):
        return ()
    data = FrozenDict({"model": called.model_id, "content": freeze(list(blocks))})
    return (OpaquePart(backend=called.backend, data=data),)


def finish_reason(value: object, *, has_calls: bool) -> FinishReason:
    """Give our word for why the answer ended."""
    if value == "tool_use" and not has_calls:
        return "stop"  # the tool was only the way to ask for an object
    return _FINISHED.get(str(value), "other")


def identity(answer: Mapping[str, object]) -> str | None:
    """Give the answer's own id, or None."""
    value = answer.get("id")
    return value if isinstance(value, str) and value else None


def read_usage(value: object) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Anthropic counts what was read from and written to its cache beside the input; here the input includes them.
    """
    if not is_table(value):
        return None
    top = Counts(value)
    details = Counts.inside(value, "output_tokens_details")
    split = Counts.inside(value, "cache_creation")
    fresh, answered = top.first("input_tokens"), top.first("output_tokens")
    if fresh is None and answered is None:
        return None
    hour = split.first("ephemeral_1h_input_tokens") or 0
    told = top.first("cache_creation_input_tokens")
    wrote = (split.first("ephemeral_5m_input_tokens") or 0) + hour if told is None else told
    cached = top.first("cache_read_input_tokens") or 0
    usage = Usage(
        input_tokens=(fresh or 0) + cached + wrote,
        output_tokens=answered or 0,
        cached_tokens=cached,
        cache_write_tokens=max(0, wrote - hour),
        cache_write_1h_tokens=min(hour, wrote),
        reasoning_tokens=details.first("thinking_tokens") or 0,
    )
    odd = fresh is None or answered is None or hour > wrote or top.odd or details.odd or split.odd
    return fitted(replace(usage, estimated=odd))
