"""What a response says, as a reply of ours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, LlmReply, OpaquePart, freeze, is_list, is_table
from pipelex_like.workers.openai.counts import read_usage
from pipelex_like.workers.openai.response import identity
from pipelex_like.workers.openai_responses.items import OUTPUT
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import error_in_answer, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.errors import CallError
    from pipelex_like.types import FinishReason, ToolCall
    from pipelex_like.workers.translate import Called

Item = dict[str, object]

BETWEEN = "\n\n"
"""Stands between two parts of the reasoning."""

_CUT: Mapping[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def read_reply(
    answer: Mapping[str, object], called: Called, *, object_tool: str | None = None, request_id: str | None = None
) -> LlmReply:
    """Give the reply of a whole response. `object_tool` names the function whose arguments are the wanted object.

    Raises the error that a failed response tells of, or InvalidResponseError for an answer that is no response.
    """
    output = answer.get("output")
    if not is_list(output):
        raise unfit(called, "the answer has no `output`", "Check `endpoint`: does it speak OpenAI's responses?")
    if answer.get("status") in ("failed", "cancelled", "queued", "in_progress"):
        raise failed(answer, called)
    items = [item for item in output if is_table(item)]
    parts = [part for item in items if item.get("type") == "message" for part in tables(item.get("content"))]
    text = "".join(str(part.get("text") or "") for part in parts if part.get("type") == "output_text")
    refused = "".join(str(part.get("refusal") or "") for part in parts if part.get("type") == "refusal")
    calls = calls_of(items)
    if object_tool is not None:
        text = next((call.raw for call in calls if call.name == object_tool), text)
        calls = tuple(call for call in calls if call.name != object_tool)
    return LlmReply(
        text=text + refused,
        tool_calls=calls,
        reasoning=BETWEEN.join(_thoughts(items)),
        opaque=opaque_of(items, called, stored=answer.get("store") is True),
        usage=read_usage(answer.get("usage")),
        finish_reason="content_filter" if refused else _finish_reason(answer, has_calls=bool(calls)),
        provider_request_id=request_id or identity(answer),
    )


def tables(value: object) -> list[Item]:
    """Give the tables of a list; none where it is no list."""
    return [item for item in value if is_table(item)] if is_list(value) else []


def failed(answer: Mapping[str, object], called: Called) -> CallError:
    """Give the error of a response that did not come to an end."""
    status = answer.get("status")
    told = answer.get("error") or {"message": f'the response is "{status}"', "code": status}
    return error_in_answer(called, told)


def calls_of(items: Sequence[Item]) -> tuple[ToolCall, ...]:
    """Give the functions that are called, in order."""
    found: list[ToolCall] = []
    for item in items:
        if item.get("type") == "function_call" and isinstance(item.get("name"), str):
            name, arguments = str(item["name"]), item.get("arguments")
            found.append(tool_call(name, arguments, call_id=item.get("call_id"), position=len(found)))
    return tuple(found)


def _thoughts(items: Sequence[Item]) -> list[str]:
    """The parts of the reasoning: summaries, or the text itself where a model shows it."""
    found: list[str] = []
    for item in items:
        if item.get("type") == "reasoning":
            parts = tables(item.get("summary")) or tables(item.get("content"))
            found += [str(part["text"]) for part in parts if part.get("text")]
    return found


def opaque_of(items: Sequence[Item], called: Called, *, stored: bool) -> tuple[OpaquePart, ...]:
    """Keep the whole output where the model thought: with the next turn it goes back as it came.

    Thoughts that are neither encrypted nor stored would be refused then, so that nothing is kept of such an answer.
    """
    thoughts = [item for item in items if item.get("type") == "reasoning"]
    if not thoughts or not (stored or all(item.get("encrypted_content") for item in thoughts)):
        return ()
    data = FrozenDict({"model": called.model_id, OUTPUT: freeze([_kept(item) for item in items])})
    return (OpaquePart(backend=called.backend, data=data),)


def _kept(item: Item) -> Item:
    """An item as the input takes it: without empty fields, and what only an answer has."""
    out = {key: value for key, value in item.items() if value is not None}
    if item.get("type") == "reasoning":
        out.pop("status", None)
    if item.get("type") == "message":
        parts = tables(item.get("content"))
        out["content"] = [{key: value for key, value in part.items() if key != "logprobs"} for part in parts]
    return out


def _finish_reason(answer: Mapping[str, object], *, has_calls: bool) -> FinishReason:
    if answer.get("status") == "incomplete":
        details = answer.get("incomplete_details")
        return _CUT.get(str(details.get("reason")), "other") if is_table(details) else "other"
    return "tool_calls" if has_calls else "stop"
