"""POST /compatibility/v1/chat/completions: Cohere's answers in OpenAI's format.

What it takes and what not: https://docs.cohere.com/docs/compatibility-api. Errors have Cohere's own form
(https://docs.cohere.com/reference/errors); how one looks inside a stream is not told there, and is OpenAI's here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Dialect, Refusal
from pipelex_like.sandbox.formats.openai_chat import answer_chat
from pipelex_like.sandbox.formats.openai_dialect import OPENAI
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.wire import Reply

_CHECKS: Mapping[str, Check] = {
    "reasoning_effort": checks.one_of("none", "high"),
    "frequency_penalty": checks.number(0, 1),
    "presence_penalty": checks.number(0, 1),
    "top_p": checks.number(0.01, 0.99),
    "tool_choice": checks.one_of("required", "none"),
    "stop": checks.texts(5),
}
_FIELDS = frozenset(
    {"model", "messages", "stream", "response_format", "tools", "temperature", "max_tokens", "seed"}
) | {*("max_completion_tokens", "stream_options", "logprobs", "user")}
_SAID: Mapping[str, str] = {
    "invalid_api_key": "invalid api token",
    "context_length_exceeded": "too many tokens: the prompt is longer than the context length of the model",
    "content_filter": "your request was stopped by the content filter",
}


def answer_cohere(call: Call) -> Reply:
    """Answer, whole or as a stream."""
    for key in sorted(call.body.keys() - _FIELDS - _CHECKS.keys()):
        raise Refusal(f"unknown field: parameter '{key}' is not a valid field", status=422)
    checks.check(call.body, _CHECKS)
    return answer_chat(replace(call, body={**call.body, **_form(call.body)}))


def _form(body: Mapping[str, object]) -> dict[str, object]:
    """Give `response_format` in OpenAI's words; Cohere's has the schema beside the type."""
    value = body.get("response_format")
    if value is None:
        return {}
    fields = checks.table(value, "response_format")
    checks.one_of("text", "json_object")(fields.get("type"), "response_format.type")
    if body.get("tools"):
        raise Refusal("invalid request: response_format is not supported with tools")
    schema = fields.get("schema")
    if schema is None:
        return {}
    if not is_table(schema) or schema.get("type") != "object" or not schema.get("required"):
        raise Refusal("invalid request: the schema must be an object with at least one required field")
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _error(refusal: Refusal) -> bytes:
    return orjson.dumps({"id": "sandbox", "message": _SAID.get(refusal.code or "", refusal.message)})


COHERE = Dialect(credential=OPENAI.credential, error=_error, stream_error=OPENAI.stream_error)
