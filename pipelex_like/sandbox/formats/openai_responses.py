"""POST /v1/responses, as https://platform.openai.com/docs/api-reference/responses describes it. Nothing is stored.

An unknown parameter is refused; reasoning comes back only as it was encrypted here, as
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import CREATED, Refusal, json_reply
from pipelex_like.sandbox.formats.openai_items import encrypted, read_input
from pipelex_like.sandbox.formats.openai_parts import chosen_tools, schema_of, tool_of, unique
from pipelex_like.sandbox.formats.openai_response_events import TAIL, events_of
from pipelex_like.sandbox.model import EFFORTS, Question, Turn, answer_to
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer, Tool

_CHECKS: Mapping[str, Check] = {
    "instructions": checks.text,
    "temperature": checks.number(0, 2),
    "top_p": checks.number(0, 1),
    "max_output_tokens": checks.integer(16),
    "max_tool_calls": checks.integer(1),
    "metadata": checks.flat_table,
    "parallel_tool_calls": checks.boolean,
    "service_tier": checks.one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "store": checks.boolean,
    "stream": checks.boolean,
    "top_logprobs": checks.integer(0, 20),
    "truncation": checks.one_of("auto", "disabled"),
    "user": checks.text,
}
_REASONING: Mapping[str, Check] = {
    "effort": checks.one_of(*EFFORTS),
    "summary": checks.one_of("auto", "concise", "detailed"),
}
_ENCRYPTED = "reasoning.encrypted_content"
_INCLUDED = (
    *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources"),
    *("message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs"),
    *(_ENCRYPTED, "message.output_text.logprobs"),
)
_KNOWN = _CHECKS.keys() | {
    *("model", "input", "include", "reasoning", "text", "tools", "tool_choice", "stream_options"),
    *("background", "conversation", "previous_response_id", "prompt"),
    *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "moderation"),
    *("context_management", "access_programs", "image"),
}
_THOUGHT = "Simulated reasoning: nothing was thought about."


def answer_responses(call: Call) -> Reply:
    """Answer, whole or as a stream."""
    body = call.body
    checks.string(body, "model", "")
    _refuse_unknown(body)
    _refuse_stored(body)
    question = _question(call)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Refusal("'stream_options' is only for requests with 'stream'.", param="stream_options")
    answer = answer_to(question)
    response = {**_response(call), **_outcome(call, answer)}
    if body.get("stream"):
        events = tuple(events_of(response, answer))
        return Reply(content_type="text/event-stream; charset=utf-8", events=events, tail=TAIL)
    return json_reply(response)


def _refuse_unknown(body: Mapping[str, object]) -> None:
    unknown = sorted(body.keys() - _KNOWN)
    if unknown:
        raise Refusal(f"There is no parameter '{unknown[0]}'.", param=unknown[0], code="unknown_parameter")
    included = _included(body)
    if body.get("top_logprobs") is not None and "message.output_text.logprobs" not in included:
        raise Refusal("'top_logprobs' needs 'message.output_text.logprobs' in 'include'.", param="top_logprobs")


def _included(body: Mapping[str, object]) -> tuple[object, ...]:
    included = tuple(checks.listed(body.get("include") or [], "include", least=0))
    for at, one in enumerate(included):
        checks.one_of(*_INCLUDED)(one, f"include[{at}]")
    return included


def _refuse_stored(body: Mapping[str, object]) -> None:
    if (before := body.get("previous_response_id")) is not None:
        raise Refusal(
            f"There is no response '{before}': the simulated provider stores none.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    for key in ("conversation", "prompt"):
        if body.get(key) is not None:
            raise Refusal(f"'{key}' names something stored; the simulated provider stores nothing.", param=key)
    if body.get("background"):
        raise Refusal("The simulated provider does not answer in the background.", param="background")


def _question(call: Call) -> Question:
    body = call.body
    talk = read_input(body.get("input"))
    checks.check(body, _CHECKS)
    reasoning = checks.table(body.get("reasoning") or {}, "reasoning")
    checks.check(reasoning, _REASONING, "reasoning")
    told = body.get("instructions")
    turns = ([Turn("system", told)] if isinstance(told, str) else []) + talk.turns
    tools, must_call = chosen_tools(body.get("tool_choice"), _tools(body.get("tools")), body.get("tools"))
    schema, as_json = _format(body.get("text"), [turn.text for turn in turns])
    limit = body.get("max_output_tokens")
    return Question(
        turns=tuple(turns),
        pictures=tuple(talk.pictures),
        files=tuple(talk.files),
        tools=tools,
        must_call=must_call,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=schema,
        as_json=as_json,
        limit=limit if isinstance(limit, int) else None,
        effort=str(reasoning.get("effort") or "none"),
        long=call.fault.long or 0,
    )


def _tools(value: object) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for at, item in enumerate(checks.listed([] if value is None else value, "tools", least=0, most=128)):
        tool = checks.table(item, f"tools[{at}]")
        checks.one_of("function")(tool.get("type"), f"tools[{at}].type")
        tools.append(tool_of(tool, f"tools[{at}]"))
    return unique(tuple(tools))


def _format(value: object, texts: list[str]) -> tuple[object, bool]:
    """Read `text.format`: the schema, or whether any JSON will do."""
    fields = checks.table({} if value is None else value, "text")
    wanted = fields.get("format")
    if wanted is None:
        return None, False
    inner = checks.table(wanted, "text.format")
    checks.one_of("text", "json_object", "json_schema")(inner.get("type"), "text.format.type")
    if inner["type"] == "json_schema":
        return schema_of(inner, "text.format"), False
    if inner["type"] == "json_object" and not any("json" in text.lower() for text in texts):
        raise Refusal("With 'json_object' the word 'json' must stand in 'input'.", param="input")
    return None, inner["type"] == "json_object"


def _response(call: Call) -> dict[str, object]:
    """Repeat what was asked, as the format does."""
    body = call.body
    reasoning = checks.table(body.get("reasoning") or {}, "reasoning")
    return {
        "id": f"resp_sandbox_{call.number:06d}",
        "object": "response",
        "created_at": CREATED,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default",
        "store": False,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _outcome(call: Call, answer: Answer) -> dict[str, object]:
    incomplete = answer.finish == "length"
    usage: dict[str, object] = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "status": "incomplete" if incomplete else "completed",
        "completed_at": None if incomplete else CREATED,
        "incomplete_details": {"reason": "max_output_tokens"} if incomplete else None,
        "output": _output(call, answer),
        "usage": call.usage(usage),
    }


def _output(call: Call, answer: Answer) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    number = f"sandbox_{call.number:06d}"
    if answer.reasoning_tokens:
        asked = checks.table(call.body.get("reasoning") or {}, "reasoning").get("summary")
        summary = [{"type": "summary_text", "text": _THOUGHT}] if asked else []
        thought: dict[str, object] = {"type": "reasoning", "id": f"rs_{number}", "summary": summary}
        if _ENCRYPTED in _included(call.body):
            thought["encrypted_content"] = encrypted(f"rs_{number}")
        items.append(thought)
    for at, use in enumerate(answer.calls):
        items.append(
            {
                "type": "function_call",
                "id": f"fc_{number}_{at}",
                "call_id": f"call_{number}_{at}",
                "name": use.name,
                "arguments": use.arguments,
                "status": "completed",
            }
        )
    if not answer.calls and (answer.pieces or answer.finish == "stop"):
        items.append(
            {
                "type": "message",
                "id": f"msg_{number}",
                "role": "assistant",
                "status": "incomplete" if answer.finish == "length" else "completed",
                "content": [{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}],
            }
        )
    return items
