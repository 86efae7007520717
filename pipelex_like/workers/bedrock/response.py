"""What Converse answers, as a reply of ours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, LlmReply, OpaquePart, Usage, freeze, is_list, is_table
from pipelex_like.workers.counts import Counts
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import error_in_answer, unfit

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
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}

Block = dict[str, object]


def read_reply(
    answer: Mapping[str, object], called: Called, *, object_tool: str | None = None, request_id: str | None = None
) -> LlmReply:
    """Give the reply of a whole answer. `object_tool` names the tool whose input is the wanted object.

    Raises InvalidResponseError for an answer without a message, or the error that it tells of.
    """
    output = answer.get("output")
    message = output.get("message") if is_table(output) else None
    content = message.get("content") if is_table(message) else None
    if not is_list(content):
        if isinstance(answer.get("message"), str):
            raise error_in_answer(called, answer)
        raise unfit(called, "the answer has no `output`", "Check `endpoint`: does it speak Bedrock's Converse?")
    blocks = [block for block in content if is_table(block)]
    calls = tuple(_calls(blocks))
    text = "".join(map(text_of, blocks))
    if object_tool is not None:
        text = next((call.raw for call in calls if call.name == object_tool), text)
        calls = tuple(call for call in calls if call.name != object_tool)
    return LlmReply(
        text=text,
        tool_calls=calls,
        reasoning="".join(map(thought_of, blocks)),
        opaque=opaque_of(blocks, called),
        usage=read_usage(answer.get("usage")),
        finish_reason=finish_reason(answer.get("stopReason"), has_calls=bool(calls)),
        provider_request_id=request_id,
    )


def text_of(block: Mapping[str, object]) -> str:
    """Give the text of a block, also where it comes with citations."""
    cited = block.get("citationsContent")
    inner = cited.get("content") if is_table(cited) else None
    if is_list(inner):
        return "".join(text_of(part) for part in inner if is_table(part))
    text = block.get("text")
    return text if isinstance(text, str) else ""


def thought_of(block: Mapping[str, object]) -> str:
    """Give the reasoning that a block shows."""
    told = Counts.inside(Counts.inside(block, "reasoningContent").table, "reasoningText").table.get("text")
    return told if isinstance(told, str) else ""


def _calls(blocks: Sequence[Block]) -> list[ToolCall]:
    found: list[ToolCall] = []
    for block in blocks:
        use = block.get("toolUse")
        if is_table(use) and isinstance(use.get("name"), str):
            call_id, name = use.get("toolUseId"), str(use["name"])
            found.append(tool_call(name, use.get("input"), call_id=call_id, position=len(found)))
    return found


def opaque_of(blocks: Sequence[Block], called: Called) -> tuple[OpaquePart, ...]:
    """Keep the whole turn where it has signed thoughts: they go back unchanged with the next one, in their places."""
    if not any(_is_signed(block.get("reasoningContent")) for block in blocks):
        return ()
    data = FrozenDict({"model": called.model_id, "content": freeze(list(blocks))})
    return (OpaquePart(backend=called.backend, data=data),)


def _is_signed(thought: object) -> bool:
    if not is_table(thought):
        return False
    return "redactedContent" in thought or "signature" in Counts.inside(thought, "reasoningText").table


def finish_reason(value: object, *, has_calls: bool) -> FinishReason:
    """Give our word for why the answer ended."""
    if value == "tool_use" and not has_calls:
        return "stop"  # the tool was only the way to ask for an object
    return _FINISHED.get(str(value), "other")


def read_usage(value: object) -> Usage | None:
    """Give the usage, or None where there is none that can be believed.

    Bedrock counts what was read from and written to its cache beside the input; here the input includes them.
    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    if not is_table(value):
        return None
    top = Counts(value)
    fresh, answered = top.first("inputTokens"), top.first("outputTokens")
    if fresh is None and answered is None:
        return None
    cached = top.first("cacheReadInputTokens") or 0
    wrote = top.first("cacheWriteInputTokens") or 0
    hour = top.summed("cacheDetails", "inputTokens", where="ttl", equals="1h")
    return Usage(
        input_tokens=(fresh or 0) + cached + wrote,
        output_tokens=answered or 0,
        cached_tokens=cached,
        cache_write_tokens=max(0, wrote - hour),
        cache_write_1h_tokens=min(hour, wrote),
        estimated=fresh is None or answered is None or hour > wrote or top.odd,
    )
