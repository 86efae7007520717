"""What a chat completion says, as a reply of ours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, LlmReply, OpaquePart, freeze, is_list, is_table
from pipelex_like.workers.openai.counts import read_usage
from pipelex_like.workers.openai.messages import KEPT
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import error_in_answer, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import FinishReason, ToolCall
    from pipelex_like.workers.translate import Called

_FINISHED: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def read_reply(
    answer: Mapping[str, object],
    called: Called,
    *,
    object_tool: str | None = None,
    request_id: str | None = None,
    adapted: tuple[str, ...] = (),
) -> LlmReply:
    """Give the reply of a whole answer. `object_tool` names the function whose arguments are the wanted object."""
    choice = first_choice(answer)
    message = choice.get("message") if choice is not None else None
    if choice is None or not is_table(message):
        raise unfit(called, "the answer has no `choices` with a message")
    if choice.get("error"):
        raise error_in_answer(called, choice["error"])
    text, thought = content_of(message.get("content"))
    calls = tuple(_calls(message.get("tool_calls")))
    if object_tool is not None:
        text = next((call.raw for call in calls if call.name == object_tool), text)
        calls = tuple(call for call in calls if call.name != object_tool)
    refused = message.get("refusal")
    if isinstance(refused, str) and refused:
        text, choice = text + refused, {**choice, "finish_reason": "content_filter"}
    return LlmReply(
        text=text,
        tool_calls=calls,
        reasoning=reasoning_of(message) or thought,
        opaque=opaque_of(message.get(KEPT), called),
        usage=read_usage(answer.get("usage")),
        finish_reason=finish_reason(choice.get("finish_reason"), has_calls=bool(calls)),
        provider_request_id=request_id or identity(answer),
        adapted=adapted,
    )


def first_choice(answer: Mapping[str, object]) -> dict[str, object] | None:
    """Give the first of `choices`, by their own numbers where they have any, or None."""
    choices = answer.get("choices")
    for choice in choices if is_list(choices) else ():
        if is_table(choice) and choice.get("index") in (None, 0):
            return choice
    return None


def content_of(content: object) -> tuple[str, str]:
    """Give text and thinking of a `content`: a text, or parts as some providers write them."""
    if isinstance(content, str):
        return content, ""
    text, thought = "", ""
    for part in content if is_list(content) else ():
        if not is_table(part):
            continue
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thought += inner if isinstance(inner, str) else content_of(inner)[0]
        elif isinstance(part.get("text"), str):
            text += str(part["text"])
    return text, thought


def reasoning_of(message: Mapping[str, object]) -> str:
    """Give the reasoning text under whichever name this provider uses."""
    for key in ("reasoning_content", "reasoning"):
        value = message.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def opaque_of(details: object, called: Called) -> tuple[OpaquePart, ...]:
    """Keep what the provider wants back with the next turn."""
    if not is_list(details) or not details:
        return ()
    return (OpaquePart(backend=called.backend, data=FrozenDict({KEPT: freeze(details)})),)


def finish_reason(value: object, *, has_calls: bool) -> FinishReason:
    """Give our word for why the answer ended."""
    if has_calls and value in ("stop", None, "", "eos", "function_call", "tool_use"):
        return "tool_calls"
    return _FINISHED.get(str(value), "other") if value else "stop"


def identity(answer: Mapping[str, object]) -> str | None:
    """Give the answer's own id, or None."""
    value = answer.get("id")
    return value if isinstance(value, str) and value else None


def _calls(value: object) -> list[ToolCall]:
    found: list[ToolCall] = []
    for item in value if is_list(value) else ():
        function = item.get("function") if is_table(item) else None
        if is_table(item) and is_table(function) and isinstance(function.get("name"), str):
            name, arguments = str(function["name"]), function.get("arguments")
            found.append(tool_call(name, arguments, call_id=item.get("id"), position=len(found)))
    return found
