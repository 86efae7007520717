"""POST /v1/chat/completions, as https://docs.mistral.ai/api/endpoint/chat describes it."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import CREATED, json_reply
from pipelex_like.sandbox.formats.mistral_dialect import refuse_unknown
from pipelex_like.sandbox.formats.mistral_messages import as_openai
from pipelex_like.sandbox.formats.openai_chat import question_of
from pipelex_like.sandbox.model import EFFORTS, answer_to
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer

_SAME = ("temperature", "top_p", "max_tokens", "stop", "stream", "n", "frequency_penalty", "presence_penalty")
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls", "response_format")
_CHECKS: Mapping[str, Check] = {
    "random_seed": checks.integer(0),
    "top_k": checks.integer(1),
    "min_tokens": checks.integer(0),
    "logprobs": checks.boolean,
    "top_logprobs": checks.integer(0, 20),
    "metadata": lambda value, where: _any_table(value, where),
    "reasoning_effort": checks.one_of(*EFFORTS),
    "prompt_mode": checks.one_of("reasoning"),
    "prompt_cache_key": checks.text,
    "safe_prompt": checks.boolean,
    "service_tier": checks.one_of("auto", "standard_only"),
}
_OTHERS = ("repetition_penalty", "prompt_logprobs", "top_prompt_logprobs", "prediction", "guardrails")
_KNOWN = frozenset({"model", "messages", *_SAME, *_TOOLS, *_CHECKS, *_OTHERS})
_THOUGHT = "Simulated reasoning: the answer is put together from the prompt's own words."


def _any_table(value: object, where: str) -> None:
    checks.table(value, where)


def answer_mistral_chat(call: Call) -> Reply:
    """Answer, whole or as a stream, with usage in the last event."""
    body = call.body
    model = checks.string(body, "model", "")
    refuse_unknown(body, _KNOWN)
    checks.check(body, _CHECKS)
    question = question_of(replace(call, body=_translated(body)))
    count = body.get("n")
    answers = [answer_to(question, index) for index in range(count if isinstance(count, int) else 1)]
    base: dict[str, object] = {"id": f"{call.number:032x}", "created": CREATED, "model": model}
    asked, said = answers[0].input_tokens, sum(answer.output_tokens for answer in answers)
    usage = call.usage({"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said})
    counted: dict[str, object] = {} if usage is None else {"usage": usage}
    if body.get("stream"):
        events = tuple(_events({**base, "object": "chat.completion.chunk"}, answers, counted))
        return Reply(content_type="text/event-stream; charset=utf-8", events=events, tail=2)
    choices = [
        {"index": index, "message": _message(index, answer), "finish_reason": answer.finish}
        for index, answer in enumerate(answers)
    ]
    return json_reply({**base, "object": "chat.completion", "choices": choices, **counted})


def _translated(body: Mapping[str, object]) -> dict[str, object]:
    out = {name: body[name] for name in ("model", *_SAME, *_TOOLS) if name in body}
    out["messages"] = as_openai(body.get("messages"))
    if out.get("tool_choice") == "any":
        out["tool_choice"] = "required"
    effort = body.get("reasoning_effort") or ("high" if body.get("prompt_mode") else None)
    return out if effort is None else {**out, "reasoning_effort": effort}


def _thought() -> dict[str, object]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": _THOUGHT}]}


def _message(index: int, answer: Answer) -> dict[str, object]:
    content: object = answer.text
    if answer.reasoning_tokens:
        content = [_thought(), *([{"type": "text", "text": answer.text}] if answer.text else [])]
    return {"role": "assistant", "content": content, "tool_calls": _calls(index, answer) or None}


def _calls(index: int, answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "id": f"S{zlib.crc32(f'{index}:{at}:{use.name}'.encode()):08x}",
            "function": {"name": use.name, "arguments": use.arguments},
            "index": at,
        }
        for at, use in enumerate(answer.calls)
    ]


def _events(base: Mapping[str, object], answers: list[Answer], counted: Mapping[str, object]) -> Iterator[bytes]:
    for index, answer in enumerate(answers):
        for delta in _deltas(answer):
            yield _event({**base, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        calls = _calls(index, answer)
        last: dict[str, object] = {"content": "", **({"tool_calls": calls} if calls else {})}
        choice: dict[str, object] = {"index": index, "delta": last, "finish_reason": answer.finish}
        yield _event({**base, "choices": [choice], **(counted if index == len(answers) - 1 else {})})
    yield b"data: [DONE]\n\n"


def _deltas(answer: Answer) -> Iterator[dict[str, object]]:
    yield {"role": "assistant", "content": ""}
    if answer.reasoning_tokens:
        yield {"content": [_thought()]}
    for piece in answer.pieces:
        yield {"content": piece}


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
