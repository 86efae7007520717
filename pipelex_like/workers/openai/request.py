"""A job as the body of a chat completion. Pure: the same job gives the same body."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.types import Tool, is_table, thaw
from pipelex_like.workers.objects import method_of, schema_name, schema_prompt
from pipelex_like.workers.openai.messages import OWN, Body, wire_messages
from pipelex_like.workers.openai.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, ObjectSchema

_SAME_NAME = (
    "temperature",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "reasoning_effort",
    "user",
    "metadata",
    "service_tier",
)
_NO_WORD = ("top_k", "reasoning_budget")
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")
_CHOICES = ("auto", "none", "required")


def chat_body(
    job: LlmJob, candidate: Candidate, *, stream: bool = False, official: bool = False
) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each thing that was changed or left out on the way.

    `official`: it goes to OpenAI itself, which wants `max_completion_tokens`.
    """
    messages, left_out = wire_messages(job.messages, candidate, replace(OWN, keeps=official))
    settings = {key: value for key, value in job.settings.items() if value is not None}
    body: Body = {"model": candidate.model_id, "messages": messages}
    adapted = list(left_out)
    body.update({name: thaw(settings[name]) for name in _SAME_NAME if name in settings})
    body.update(sampling(settings))
    body.update(_max_tokens(settings, candidate, official=official))
    adapted += [f"{name}: left out, chat completions have no word for it" for name in _NO_WORD if name in settings]
    forced = object_tool(job, candidate)
    if job.schema is not None and forced is None:
        body.update(response_format(job.schema, candidate, messages))
    part, lines = tools_of(job, settings, forced)
    body.update(part)
    adapted += lines
    if stream:
        body["stream"] = True
        if candidate.spec.rules.get("stream_usage") is not False:
            body["stream_options"] = {"include_usage": True}
    extra = thaw(settings.get("extra", {}))
    return {**body, **extra} if is_table(extra) else body, tuple(adapted)


def object_tool(job: LlmJob, candidate: Candidate) -> str | None:
    """Give the name of the function whose arguments are the object, where it is asked for that way."""
    return schema_name(job.schema) if job.schema is not None and method_of(candidate) == "tools" else None


def sampling(settings: Mapping[str, object]) -> Body:
    """Give stop texts and log probabilities."""
    out: Body = {}
    stop = settings.get("stop")
    if stop:
        out["stop"] = [stop] if isinstance(stop, str) else thaw(stop)
    logprobs = settings.get("logprobs", False)
    if logprobs is not False:
        out["logprobs"] = True
        if logprobs is not True:
            out["top_logprobs"] = logprobs
    return out


def _max_tokens(settings: Mapping[str, object], candidate: Candidate, *, official: bool) -> Body:
    most = settings.get("max_tokens")
    if most is None or most == "auto":
        return {}
    said = candidate.spec.rules.get("max_tokens")
    if said in _MAX_TOKENS:
        return {str(said): most}
    thinks = candidate.spec.thinking_mode in ("manual", "adaptive")
    return {"max_completion_tokens" if official or thinks else "max_tokens": most}


def tools_of(job: LlmJob, settings: Mapping[str, object], forced: str | None) -> tuple[Body, list[str]]:
    """Give tools and their choice, and a line for each thing left out.

    `forced` is the name of one more tool, whose arguments are the wanted object.
    """
    tools = [_tool(tool) for tool in job.tools]
    if forced is not None and job.schema is not None:
        tools.append(_tool(Tool(name=forced, description="Give the answer.", parameters=job.schema.schema)))
        choice: object = "required" if job.tools else _choice(forced)
        return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": False}, []
    names = [name for name in ("tool_choice", "parallel_tool_calls") if name in settings]
    if not tools:
        return {}, [f"{name}: left out, there are no tools" for name in names]
    given = {name: _choice(settings[name]) if name == "tool_choice" else settings[name] for name in names}
    return {"tools": tools, **given}, []


def _tool(tool: Tool) -> Body:
    function: Body = {"name": tool.name, "parameters": thaw(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice(value: object) -> object:
    if isinstance(value, str) and value not in _CHOICES:
        return {"type": "function", "function": {"name": value}}
    return thaw(value)


def response_format(schema: ObjectSchema, candidate: Candidate, messages: list[Body]) -> Body:
    """Ask for an object by its schema or as JSON; the latter changes the messages too."""
    if method_of(candidate) == "schema":
        return {"response_format": json_schema(schema)}
    return {"response_format": {"type": "json_object"}, "messages": _with_schema(messages, schema)}


def _with_schema(messages: list[Body], schema: ObjectSchema) -> list[Body]:
    text = schema_prompt(schema)
    # Into the first system message where there is one: some chat templates take only one, and only in front.
    if messages and messages[0]["role"] == "system" and isinstance(messages[0]["content"], str):
        return [{**messages[0], "content": f"{messages[0]['content']}\n\n{text}"}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]
