"""POST /model/{id}/converse and .../converse-stream.

The format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
.../API_runtime_ConverseStream.html. AWS says little of how it takes unknown fields: here they are refused, in the
words that it has for unknown fields of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.anthropic_reading import signature_of
from pipelex_like.sandbox.formats.base import Refusal, json_reply
from pipelex_like.sandbox.formats.bedrock_dialect import event
from pipelex_like.sandbox.formats.bedrock_options import (
    Thinking,
    check_labels,
    read_config,
    read_effort,
    read_form,
    read_tools,
)
from pipelex_like.sandbox.formats.bedrock_reading import known_keys, read_messages, read_system
from pipelex_like.sandbox.formats.openai_models import MODELS
from pipelex_like.sandbox.model import Question, Turn, answer_to
from pipelex_like.sandbox.model.labels import without_schemas
from pipelex_like.sandbox.model.tokens import pieces
from pipelex_like.sandbox.wire import Reply
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.model import Answer

_FIELDS = ("messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields")
_MORE = ("promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig")
_NEWER = ("serviceTier", "outputConfig")
_STOPPED: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_THOUGHT = "Simulated reasoning: nothing was thought about."

Block = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The answer in the format's own terms."""

    answer: Answer
    reason: str
    blocks: tuple[Block, ...]
    usage: dict[str, object] | None


def answer_converse(call: Call) -> Reply:
    """Answer as a whole."""
    said = _said(call)
    body: Block = {
        "metrics": {"latencyMs": 1},
        "output": {"message": {"role": "assistant", "content": said.blocks}},
        "stopReason": said.reason,
    }
    if said.usage is not None:
        body["usage"] = said.usage
    return Reply(body=orjson.dumps(body), headers=_headers(call))


def answer_converse_stream(call: Call) -> Reply:
    """Answer as a stream of events."""
    events = tuple(_events(_said(call)))
    return Reply(content_type="application/vnd.amazon.eventstream", headers=_headers(call), events=events, tail=2)


def _headers(call: Call) -> tuple[tuple[str, str], ...]:
    return (("x-amzn-requestid", f"sandbox-{call.number:06d}"),)


def _said(call: Call) -> _Said:
    question, thinking = _question(call)
    answer = answer_to(question)
    met = bool(question.stop) and answer.finish == "stop" and answer_to(replace(question, stop=())).text != answer.text
    return _Said(
        answer=answer,
        reason="stop_sequence" if met else _STOPPED[answer.finish],
        blocks=tuple(_blocks(call, answer, thinking)),
        usage=_usage(call, answer),
    )


def _question(call: Call) -> tuple[Question, Thinking]:
    body = call.body
    known_keys(body, "", *_FIELDS, *_MORE, *_NEWER)
    check_labels(body)
    system = read_system(body.get("system"))
    talk = read_messages(body.get("messages"))
    tools, callable_tools, must_call = read_tools(body.get("toolConfig"))
    if not tools and _mentions_tools(body.get("messages")):
        raise Refusal("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    limit, stop = read_config(body.get("inferenceConfig"))
    thinking, schema = read_effort(body), read_form(body.get("outputConfig"))
    question = Question(
        turns=tuple([Turn("system", system)] if system else []) + tuple(talk.turns),
        pictures=tuple(talk.pictures),
        files=tuple(talk.files),
        tools=callable_tools,
        must_call=must_call,
        schema=schema,
        # There is no JSON mode: a schema in the system prompt is how one asks for JSON in words.
        as_json=schema is None and bool(without_schemas(system)[1]),
        limit=limit,
        stop=stop,
        effort=thinking.effort,
        long=call.fault.long or 0,
    )
    return question, thinking


def _mentions_tools(node: object) -> bool:
    if is_list(node):
        return any(_mentions_tools(item) for item in node)
    return is_table(node) and ("toolUse" in node or "toolResult" in node or _mentions_tools(node.get("content")))


def _usage(call: Call, answer: Answer) -> dict[str, object] | None:
    """What is marked for the cache counts as written to it: nothing is kept between requests."""
    mark = _marked(call.body)
    written = answer.input_tokens if mark else 0
    counted: dict[str, object] = {
        "inputTokens": answer.input_tokens - written,
        "outputTokens": answer.output_tokens,
        "totalTokens": answer.input_tokens + answer.output_tokens,
        "cacheReadInputTokens": 0,
        "cacheWriteInputTokens": written,
    }
    usage = call.usage(counted)
    if usage is not None and mark:
        usage["cacheDetails"] = [{"ttl": mark, "inputTokens": written}]
    return usage


def _marked(node: object) -> str | None:
    """Give the time to live of the first mark for the cache, or None."""
    if is_list(node):
        return next((found for item in node if (found := _marked(item))), None)
    if not is_table(node):
        return None
    mark = node.get("cachePoint")
    if is_table(mark):
        return str(mark.get("ttl") or "5m")
    inner = ("toolConfig", "tools", "system", "messages", "content")
    return next((found for key in inner if (found := _marked(node.get(key)))), None)


def _blocks(call: Call, answer: Answer, thinking: Thinking) -> Iterator[Block]:
    if answer.reasoning_tokens:
        thought = _THOUGHT if thinking.shown else ""
        yield {"reasoningContent": {"reasoningText": {"text": thought, "signature": signature_of(thought)}}}
    for at, use in enumerate(answer.calls):
        identifier = f"tooluse_sandbox_{call.number:06d}_{at}"
        yield {"toolUse": {"toolUseId": identifier, "name": use.name, "input": orjson.loads(use.arguments)}}
    if answer.pieces:
        yield {"text": answer.text}


def _events(said: _Said) -> Iterator[bytes]:
    yield event("messageStart", {"role": "assistant"})
    calls = iter(said.answer.calls)
    for index, block in enumerate(said.blocks):
        at = {"contentBlockIndex": index}
        if is_table(use := block.get("toolUse")):
            begun = {"toolUseId": use["toolUseId"], "name": use["name"]}
            yield event("contentBlockStart", {**at, "start": {"toolUse": begun}})
        for delta in _deltas(block, next(calls).arguments if "toolUse" in block else "", said.answer):
            # AWS fills events up with "p", so that their length tells nothing of the text.
            yield event("contentBlockDelta", {**at, "delta": delta, "p": "abcdefgh"})
        yield event("contentBlockStop", at)
    yield event("messageStop", {"stopReason": said.reason})
    counted = {} if said.usage is None else {"usage": said.usage}
    yield event("metadata", {**counted, "metrics": {"latencyMs": 1}})


def _deltas(block: Block, arguments: str, answer: Answer) -> list[Block]:
    if "toolUse" in block:
        return [{"toolUse": {"input": piece}} for piece in ("", *pieces(arguments))]
    if "text" in block:
        return [{"text": piece} for piece in answer.pieces]
    thought = block["reasoningContent"]
    told = thought["reasoningText"] if is_table(thought) else None
    if not is_table(told):
        return []
    shown: list[Block] = [{"reasoningContent": {"text": piece}} for piece in pieces(str(told["text"]))]
    return [*shown, {"reasoningContent": {"signature": told["signature"]}}]


def list_foundation_models(call: Call) -> Reply:
    """List the models of the region.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
    """
    del call
    arn = "arn:aws:bedrock:us-east-1::foundation-model/"
    rows = [{"modelArn": f"{arn}{name}", "modelId": name, "providerName": "Sandbox"} for name in MODELS]
    return json_reply({"modelSummaries": rows})
