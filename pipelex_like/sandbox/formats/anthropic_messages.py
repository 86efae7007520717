"""POST /v1/messages, as https://platform.claude.com/docs/en/api/messages/create describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.anthropic_cache import cached
from pipelex_like.sandbox.formats.anthropic_options import (
    Thinking,
    read_choice,
    read_format,
    read_thinking,
    read_tools,
)
from pipelex_like.sandbox.formats.anthropic_reading import read_messages, read_system, signature_of
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.model import Question, Turn, answer_to
from pipelex_like.sandbox.model.labels import without_schemas
from pipelex_like.sandbox.model.tokens import pieces
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer

_CHECKS: Mapping[str, Check] = {
    "max_tokens": checks.integer(0),
    "temperature": checks.number(0, 1),
    "top_p": checks.number(0, 1),
    "top_k": checks.integer(0),
    "stream": checks.boolean,
    "service_tier": checks.one_of("auto", "standard_only"),
    "inference_geo": checks.text,
    "speed": checks.one_of("standard", "fast"),
}
_OTHERS = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata"}
) | {*("stop_sequences", "cache_control", "container", "diagnostics")}
_VERSION = re.compile(r"20\d\d-\d\d-\d\d\Z")
_STOPPED: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_THOUGHT = "Simulated reasoning: nothing was thought about."

Block = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The answer in the format's own terms; `stop` is the stop sequence that was met."""

    answer: Answer
    thinking: Thinking
    stop: str | None = None

    @property
    def reason(self) -> str:
        return "stop_sequence" if self.stop is not None else _STOPPED[self.answer.finish]


def answer_messages(call: Call) -> Reply:
    """Answer, whole or as a stream."""
    _check_version(call.headers)
    question, thinking = _question(call)
    answer = answer_to(question)
    said = _Said(answer=answer, thinking=thinking, stop=_met(question, answer))
    headers = (("request-id", f"req_sandbox_{call.number:06d}"),)
    if call.body.get("stream"):
        events = tuple(_events(call, said))
        return Reply(content_type="text/event-stream; charset=utf-8", headers=headers, events=events, tail=2)
    message = _message(call, _usage(call, said.answer))
    message |= {"content": _blocks(call, said), "stop_reason": said.reason, "stop_sequence": said.stop}
    return Reply(body=orjson.dumps(message), headers=headers)


def _check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("anthropic-version")
    if version is None:
        raise Refusal("anthropic-version: header is required")
    if not _VERSION.match(version):
        raise Refusal(f"anthropic-version: '{version}' is not a valid version")


def _question(call: Call) -> tuple[Question, Thinking]:
    body = call.body
    for key in body.keys() - _CHECKS.keys() - _OTHERS:
        raise Refusal(f"{key}: Extra inputs are not permitted", param=key)
    for key in ("model", "max_tokens", "messages"):
        if body.get(key) is None:
            raise Refusal(f"{key}: Field required", param=key)
    checks.string(body, "model", "")
    checks.check(body, _CHECKS)
    if body.get("temperature") is not None and body.get("top_p") is not None:
        raise Refusal("`temperature` and `top_p` cannot both be specified for this model.", param="top_p")
    if (labels := body.get("metadata")) is not None:
        _check_metadata(checks.table(labels, "metadata"))
    system = read_system(body.get("system"))
    talk = read_messages(body["messages"])
    tools, must_call, parallel = read_choice(body.get("tool_choice"), read_tools(body.get("tools")))
    thinking = read_thinking(body)
    schema, limit = read_format(body.get("output_config")), body["max_tokens"]
    question = Question(
        turns=tuple([Turn("system", system)] if system else []) + tuple(talk.turns),
        pictures=tuple(talk.pictures),
        files=tuple(talk.files),
        tools=tools,
        must_call=must_call,
        parallel=parallel,
        schema=schema,
        # There is no JSON mode: a schema in the system prompt is how one asks for JSON in words.
        as_json=schema is None and bool(without_schemas(system)[1]),
        limit=limit if isinstance(limit, int) else None,
        stop=_stops(body.get("stop_sequences")),
        effort=thinking.effort,
        long=call.fault.long or 0,
    )
    return question, thinking


def _check_metadata(labels: Mapping[str, object]) -> None:
    for key in labels.keys() - {"user_id"}:
        raise Refusal(f"metadata.{key}: Extra inputs are not permitted", param="metadata")
    if labels.get("user_id") is not None:
        checks.text(labels["user_id"], "metadata.user_id")


def _stops(value: object) -> tuple[str, ...]:
    found: list[str] = []
    for at, item in enumerate(checks.listed([] if value is None else value, "stop_sequences", least=0)):
        where = f"stop_sequences.{at}"
        if not isinstance(item, str):
            raise checks.wrong_type(item, where, "a string")
        if not item.strip():
            raise Refusal(f"{where}: each stop sequence must contain non-whitespace", param=where)
        found.append(item)
    return tuple(found)


def _met(question: Question, answer: Answer) -> str | None:
    """The stop sequence that cut the answer off: the first one in the answer that would else have been given."""
    if not question.stop or answer.finish != "stop":
        return None
    text = answer_to(replace(question, stop=())).text
    found = [(text.find(stop), stop) for stop in question.stop if stop in text]
    return min(found)[1] if found else None


def _usage(call: Call, answer: Answer) -> dict[str, object] | None:
    kept = cached(call.body, answer.input_tokens, call.prompts)
    written = kept.five + kept.hour
    return call.usage(
        {
            "input_tokens": answer.input_tokens - written - kept.read,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": kept.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": kept.five,
                "ephemeral_1h_input_tokens": kept.hour,
            },
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"thinking_tokens": answer.reasoning_tokens},
            "service_tier": "standard",
        }
    )


def _message(call: Call, usage: dict[str, object] | None) -> dict[str, object]:
    return {
        "id": f"msg_sandbox_{call.number:06d}",
        "type": "message",
        "role": "assistant",
        "model": call.body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        **({} if usage is None else {"usage": usage}),
    }


def _blocks(call: Call, said: _Said) -> list[Block]:
    blocks: list[Block] = []
    if said.answer.reasoning_tokens:
        thought = _THOUGHT if said.thinking.shown else ""
        blocks.append({"type": "thinking", "thinking": thought, "signature": signature_of(thought)})
    for at, use in enumerate(said.answer.calls):
        identifier = f"toolu_sandbox_{call.number:06d}_{at}"
        blocks.append({"type": "tool_use", "id": identifier, "name": use.name, "input": orjson.loads(use.arguments)})
    if said.answer.pieces:
        blocks.append({"type": "text", "text": said.answer.text})
    return blocks


def _events(call: Call, said: _Said) -> Iterator[bytes]:
    usage = _usage(call, said.answer)
    begun = None if usage is None else {**usage, "output_tokens": 1, "output_tokens_details": None}
    yield _event("message_start", {"message": _message(call, begun)})
    calls = iter(said.answer.calls)
    for index, block in enumerate(_blocks(call, said)):
        empty, deltas = _deltas(block, next(calls).arguments if block["type"] == "tool_use" else "", said.answer)
        yield _event("content_block_start", {"index": index, "content_block": empty})
        if index == 0:
            yield _event("ping", {})
        for delta in deltas:
            yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
    ended = {"stop_reason": said.reason, "stop_sequence": said.stop}
    counted = {} if usage is None else {"usage": usage}
    yield _event("message_delta", {"delta": ended, **counted})
    yield _event("message_stop", {})


def _deltas(block: Block, arguments: str, answer: Answer) -> tuple[Block, list[Block]]:
    """The block as it begins, and what it grows by."""
    match block["type"]:
        case "thinking":
            deltas: list[Block] = [
                {"type": "thinking_delta", "thinking": piece} for piece in pieces(str(block["thinking"]))
            ]
            signed: Block = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use":
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(arguments))
            ]
        case _:
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in answer.pieces]


def _event(kind: str, fields: Mapping[str, object]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
