"""POST models/MODEL:generateContent and :streamGenerateContent, as https://ai.google.dev/api/generate-content and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.google_contents import read_contents, read_system, signature_of
from pipelex_like.sandbox.formats.google_fields import checked_fields
from pipelex_like.sandbox.formats.google_options import CONFIG, Thinking, read_choice, read_form, read_thinking
from pipelex_like.sandbox.formats.google_options import read_tools as read_functions
from pipelex_like.sandbox.formats.google_pictures import drawn, wants_picture
from pipelex_like.sandbox.model import Question, Turn, answer_to
from pipelex_like.sandbox.model.tokens import count, pieces
from pipelex_like.sandbox.wire import Reply
from pipelex_like.types import is_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer

_REQUEST: Mapping[str, Check | None] = {
    "model": checks.text,
    "contents": None,
    "systemInstruction": None,
    "generationConfig": None,
    "tools": None,
    "toolConfig": None,
    "safetySettings": None,
    "cachedContent": checks.text,
    "serviceTier": checks.one_of("standard", "flex", "priority"),
    "store": checks.boolean,
}
_ON_VERTEX: Mapping[str, Check | None] = {**_REQUEST, "labels": checks.flat_table}
_TO_COUNT = {key: _REQUEST[key] for key in ("model", "contents", "systemInstruction", "generationConfig", "tools")}
_STOPPED: Mapping[str, str] = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
_THOUGHT = "Simulated reasoning: nothing was thought about."

Part = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    question: Question
    thinking: Thinking
    config: Mapping[str, object]


def answer_content(call: Call) -> Reply:
    """Answer, whole or as a stream: of server-sent events, or without `alt=sse` of a JSON array."""
    asked = _asked(call)
    if wants_picture(asked.config):
        parts, counted = drawn(asked.question, asked.config, on_vertex="project" in call.parts)
        chunks = [_chunk(call, parts, reason="STOP", usage=counted)]
    elif call.parts["method"] == "generateContent":
        chunks = [_whole(call, asked)]
    else:
        chunks = list(_chunks(call, asked))
    if call.parts["method"] == "generateContent":
        return Reply(body=orjson.dumps(chunks[0]))
    if call.query.get("alt") != "sse":
        return Reply(body=orjson.dumps(chunks))
    events = tuple(b"data: " + orjson.dumps(chunk) + b"\r\n\r\n" for chunk in chunks)
    return Reply(content_type="text/event-stream", events=events, tail=1)


def count_tokens(call: Call) -> Reply:
    """Count the tokens of a request that is not answered.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens
    """
    body = checked_fields(call.body, "", _TO_COUNT)
    found = read_contents(body.get("contents"), call.parts["model"])
    return Reply(body=orjson.dumps({"totalTokens": sum(count(turn.text) for turn in found.turns)}))


def _asked(call: Call) -> _Asked:
    body = checked_fields(call.body, "", _ON_VERTEX if "project" in call.parts else _REQUEST)
    model = call.parts["model"]
    system = read_system(body.get("systemInstruction"))
    found = read_contents(body.get("contents"), model)
    config = checked_fields(body.get("generationConfig", {}), "generation_config", CONFIG)
    functions = read_functions(body.get("tools"))
    tools, must_call = read_choice(body.get("toolConfig"), functions)
    schema, as_json = read_form(config, functions, model)
    thinking = read_thinking(config.get("thinkingConfig"))
    limit, stops = config.get("maxOutputTokens"), config.get("stopSequences")
    question = Question(
        turns=tuple([Turn("system", system)] if system else []) + tuple(found.turns),
        pictures=tuple(found.pictures),
        files=tuple(found.files),
        tools=tools,
        must_call=must_call,
        schema=schema,
        as_json=as_json,
        limit=limit if isinstance(limit, int) else None,
        stop=tuple(str(stop) for stop in stops) if is_list(stops) else (),
        effort=thinking.effort,
        long=call.fault.long or 0,
    )
    return _Asked(question=question, thinking=thinking, config=config)


def _whole(call: Call, asked: _Asked) -> dict[str, object]:
    many = asked.config.get("candidateCount")
    answers = [answer_to(asked.question, at) for at in range(many if isinstance(many, int) else 1)]
    first = answers[0]
    candidates = [
        {
            "content": {"parts": _parts(call, answer, asked.thinking), "role": "model"},
            "finishReason": _STOPPED[answer.finish],
            "index": at,
        }
        for at, answer in enumerate(answers)
    ]
    return {**_chunk(call, [], reason=None, usage=_counted(first)), "candidates": candidates}


def _parts(call: Call, answer: Answer, thinking: Thinking) -> list[Part]:
    parts: list[Part] = []
    if thinking.shown and answer.reasoning_tokens:
        parts.append({"text": _THOUGHT, "thought": True})
    spoken: list[Part] = [{"functionCall": use} for use in _calls(call, answer)]
    if answer.pieces:
        spoken.append({"text": answer.text})
    if spoken and answer.reasoning_tokens:
        kind = "functionCall" if "functionCall" in spoken[0] else "text"
        spoken[0]["thoughtSignature"] = signature_of(spoken[0][kind])
    return parts + spoken


def _calls(call: Call, answer: Answer) -> list[dict[str, object]]:
    return [
        {"id": f"sandbox{call.number:06d}{at}", "name": use.name, "args": orjson.loads(use.arguments)}
        for at, use in enumerate(answer.calls)
    ]


def _chunks(call: Call, asked: _Asked) -> Iterator[dict[str, object]]:
    answer = answer_to(asked.question)
    usage = _counted(answer)
    for part in _parts(call, answer, asked.thinking):
        if part.get("thought"):
            for piece in pieces(_THOUGHT):
                yield _chunk(call, [{"text": piece, "thought": True}], reason=None, usage=usage)
        elif "functionCall" in part:
            yield _chunk(call, [part], reason=None, usage=usage)
        else:
            for piece in answer.pieces:
                yield _chunk(call, [{"text": piece}], reason=None, usage=usage)
    signature = signature_of(answer.text)
    ended: Part = {"text": "", **({"thoughtSignature": signature} if answer.reasoning_tokens else {})}
    yield _chunk(call, [ended] if answer.pieces else [], reason=_STOPPED[answer.finish], usage=usage)


def _chunk(call: Call, parts: list[Part], *, reason: str | None, usage: dict[str, object]) -> dict[str, object]:
    content: dict[str, object] = {"content": {"parts": parts, "role": "model"}} if parts else {}
    ended = {} if reason is None else {"finishReason": reason}
    counted = call.usage(usage)
    return {
        "candidates": [{**content, **ended, "index": 0}],
        **({} if counted is None else {"usageMetadata": counted}),
        "modelVersion": call.parts["model"],
        "responseId": f"sandbox-{call.number:06d}",
    }


def _counted(answer: Answer) -> dict[str, object]:
    said = answer.output_tokens - answer.reasoning_tokens
    thought = {"thoughtsTokenCount": answer.reasoning_tokens} if answer.reasoning_tokens else {}
    return {
        "promptTokenCount": answer.input_tokens,
        "candidatesTokenCount": said,
        **thought,
        "totalTokenCount": answer.input_tokens + answer.output_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": answer.input_tokens}],
    }
