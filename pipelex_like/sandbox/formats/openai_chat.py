"""POST /v1/chat/completions, as https://platform.openai.com/docs/api-reference/chat describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import CREATED, Refusal, json_reply
from pipelex_like.sandbox.formats.openai_messages import read_messages
from pipelex_like.sandbox.formats.openai_parts import chosen_tools, schema_of, tool_of, unique
from pipelex_like.sandbox.model import EFFORTS, Question, answer_to
from pipelex_like.sandbox.model.tokens import pieces
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer, Tool

_CHECKS: Mapping[str, Check] = {
    "temperature": checks.number(0, 2),
    "top_p": checks.number(0, 1),
    "frequency_penalty": checks.number(-2, 2),
    "presence_penalty": checks.number(-2, 2),
    "n": checks.integer(1, 128),
    "max_tokens": checks.integer(1),
    "max_completion_tokens": checks.integer(1),
    "seed": checks.integer(),
    "stop": checks.texts(4),
    "stream": checks.boolean,
    "store": checks.boolean,
    "logprobs": checks.boolean,
    "top_logprobs": checks.integer(0, 20),
    "logit_bias": checks.numbers_by_token,
    "metadata": checks.flat_table,
    "user": checks.text,
    "parallel_tool_calls": checks.boolean,
    "reasoning_effort": checks.one_of(*EFFORTS),
    "service_tier": checks.one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "verbosity": checks.one_of("low", "medium", "high"),
}
_STREAM_OPTIONS: Mapping[str, Check] = {"include_usage": checks.boolean, "include_obfuscation": checks.boolean}


def answer_chat(call: Call) -> Reply:
    """Answer, whole or as a stream. Parameters that are not known are let pass, as compatible servers do."""
    body = call.body
    model = checks.string(body, "model", "")
    question = question_of(call)
    _refuse_pairs(body)
    count = body.get("n")
    answers = [answer_to(question, index) for index in range(count if isinstance(count, int) else 1)]
    base: dict[str, object] = {
        "id": f"chatcmpl-sandbox-{call.number:06d}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_sandbox",
    }
    if body.get("stream"):
        events = list(_events(call, base, answers))
        return Reply(content_type="text/event-stream; charset=utf-8", events=tuple(events), tail=_tail(call, answers))
    usage = call.usage(_usage(answers))
    choices = [_choice(call, index, answer) for index, answer in enumerate(answers)]
    return json_reply({**base, "choices": choices, **({} if usage is None else {"usage": usage})})


def question_of(call: Call) -> Question:
    """Read what is asked. Raises Refusal for whatever is wrong with it."""
    body = call.body
    talk = read_messages(body.get("messages"))
    checks.check(body, _CHECKS)
    tools = _tools(body.get("tools"))
    callable_tools, must_call = chosen_tools(body.get("tool_choice"), tools, body.get("tools"))
    schema, as_json = _format(body.get("response_format"), [turn.text for turn in talk.turns])
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    stop = body.get("stop")
    effort = body.get("reasoning_effort")
    return Question(
        turns=tuple(talk.turns),
        pictures=tuple(talk.pictures),
        files=tuple(talk.files),
        tools=callable_tools,
        must_call=must_call,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=schema,
        as_json=as_json,
        limit=limit if isinstance(limit, int) else None,
        stop=(stop,) if isinstance(stop, str) else tuple(map(str, checks.listed(stop or [], "stop", least=0))),
        effort=effort if isinstance(effort, str) else "none",
        long=call.fault.long or 0,
    )


def _tools(value: object) -> tuple[Tool, ...]:
    if value is None:
        return ()
    tools: list[Tool] = []
    for at, item in enumerate(checks.listed(value, "tools", most=128)):
        tool = checks.table(item, f"tools[{at}]")
        checks.one_of("function")(tool.get("type"), f"tools[{at}].type")
        tools.append(tool_of(checks.table(tool.get("function"), f"tools[{at}].function"), f"tools[{at}].function"))
    return unique(tuple(tools))


def _format(value: object, texts: list[str]) -> tuple[object, bool]:
    """Read `response_format`: the schema, or whether any JSON will do."""
    if value is None:
        return None, False
    fields = checks.table(value, "response_format")
    checks.one_of("text", "json_object", "json_schema")(fields.get("type"), "response_format.type")
    match fields["type"]:
        case "json_schema":
            inner = fields.get("json_schema")
            if inner is None:
                raise checks.missing("response_format.json_schema")
            where = "response_format.json_schema"
            return schema_of(checks.table(inner, where), where), False
        case "json_object":
            if not any("json" in text.lower() for text in texts):
                raise Refusal("With 'json_object' the word 'json' must stand in 'messages'.", param="messages")
            return None, True
        case _:
            return None, False


def _refuse_pairs(body: Mapping[str, object]) -> None:
    """Refuse what makes sense only with, or only without, another parameter."""
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refusal("Send 'max_tokens' or 'max_completion_tokens', not both.", param="max_tokens")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refusal("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    if body.get("parallel_tool_calls") is not None and body.get("tools") is None:
        raise Refusal("'parallel_tool_calls' is only for requests with 'tools'.", param="parallel_tool_calls")
    if (options := body.get("stream_options")) is not None:
        if not body.get("stream"):
            raise Refusal("'stream_options' is only for requests with 'stream'.", param="stream_options")
        checks.check(checks.table(options, "stream_options"), _STREAM_OPTIONS, "stream_options")


def _wants_usage(call: Call) -> bool:
    options = call.body.get("stream_options")
    return bool(checks.table(options, "stream_options").get("include_usage")) if options is not None else False


def _usage(answers: list[Answer]) -> dict[str, object]:
    asked, said = answers[0].input_tokens, sum(answer.output_tokens for answer in answers)
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(answer.reasoning_tokens for answer in answers),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _tool_call(call: Call, choice: int, at: int, answer: Answer, arguments: str) -> dict[str, object]:
    return {
        "id": f"call_sandbox_{call.number:06d}_{choice}_{at}",
        "type": "function",
        "function": {"name": answer.calls[at].name, "arguments": arguments},
    }


def _choice(call: Call, index: int, answer: Answer) -> dict[str, object]:
    message: dict[str, object] = {
        "role": "assistant",
        "content": None if answer.calls else answer.text,
        "refusal": None,
        "annotations": [],
    }
    if answer.calls:
        message["tool_calls"] = [
            _tool_call(call, index, at, answer, use.arguments) for at, use in enumerate(answer.calls)
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish}


def _tail(call: Call, answers: list[Answer]) -> int:
    """The closing events: those with a finish reason that come last, usage, the end marker."""
    return (1 if answers else 0) + _wants_usage(call) + 1


def _events(call: Call, base: Mapping[str, object], answers: list[Answer]) -> Iterator[bytes]:
    base = {**base, "object": "chat.completion.chunk"}
    nothing: dict[str, object] = {"usage": None} if _wants_usage(call) else {}
    for index, answer in enumerate(answers):
        for delta in _deltas(call, index, answer):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
            yield _event({**base, "choices": [choice], **nothing})
        last: dict[str, object] = {"index": index, "delta": {}, "logprobs": None, "finish_reason": answer.finish}
        yield _event({**base, "choices": [last], **nothing})
    if nothing:
        usage = call.usage(_usage(answers))
        yield _event({**base, "choices": [], **({} if usage is None else {"usage": usage})})
    yield b"data: [DONE]\n\n"


def _deltas(call: Call, index: int, answer: Answer) -> Iterator[dict[str, object]]:
    yield {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
    for piece in answer.pieces:
        yield {"content": piece}
    for at, use in enumerate(answer.calls):
        yield {"tool_calls": [{"index": at, **_tool_call(call, index, at, answer, "")}]}
        for piece in pieces(use.arguments):
            yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
