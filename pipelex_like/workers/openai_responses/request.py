"""A job as the body of a response's creation. Pure: the same job gives the same body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import Tool, is_table, thaw
from pipelex_like.workers.objects import method_of, schema_prompt
from pipelex_like.workers.openai.request import object_tool
from pipelex_like.workers.openai.schema import json_schema
from pipelex_like.workers.openai_responses.items import Body, input_items

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob

_SAME_NAME = ("temperature", "top_p", "user", "metadata", "service_tier")
_NO_WORD = ("top_k", "stop", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "reasoning_budget")
_CHOICES = ("auto", "none", "required")
# Tables in which settings of ours stand, so that `extra` adds to them.
_MERGED = ("reasoning", "text")
_LEAST_TOKENS = 16


def response_body(job: LlmJob, candidate: Candidate, *, stream: bool = False) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each thing that was changed or left out on the way.

    Nothing is stored at the provider, unless `extra` says so. Raises CapabilityError for a document that responses
    cannot carry.
    """
    items, left_out = input_items(job.messages, candidate)
    settings = {key: value for key, value in job.settings.items() if value is not None}
    adapted = [*left_out]
    body: Body = {"model": candidate.model_id, "input": items, "store": False}
    body.update({name: thaw(settings[name]) for name in _SAME_NAME if name in settings})
    body.update(_max_tokens(settings, adapted))
    body.update(_thinking(settings, candidate))
    body.update(_logprobs(settings, body))
    body.update(_object(job, candidate, items))
    body.update(_tools(job, settings, object_tool(job, candidate), adapted))
    adapted += [f"{name}: left out, responses have no word for it" for name in _NO_WORD if name in settings]
    if stream:
        body["stream"] = True
    return _with_extra(body, settings.get("extra")), tuple(adapted)


def _max_tokens(settings: Mapping[str, object], adapted: list[str]) -> Body:
    most = settings.get("max_tokens")
    if not isinstance(most, int):
        return {}
    if most < _LEAST_TOKENS:
        adapted.append(f"max_tokens: {most} raised to {_LEAST_TOKENS}, the least that responses take")
    return {"max_output_tokens": max(most, _LEAST_TOKENS)}


def _thinking(settings: Mapping[str, object], candidate: Candidate) -> Body:
    """Ask for the effort, for readable reasoning, and for what the next turn must bring back, as nothing is stored."""
    effort = settings.get("reasoning_effort")
    thinks = candidate.spec.thinking_mode in ("manual", "adaptive") or effort is not None
    if not thinks or effort == "none":
        return {} if effort is None else {"reasoning": {"effort": effort}}
    reasoning: Body = {} if effort is None else {"effort": effort}
    if candidate.spec.rules.get("reasoning_summary") is not False:
        reasoning["summary"] = "auto"
    included: Body = {"include": ["reasoning.encrypted_content"]}
    return {"reasoning": reasoning, **included} if reasoning else included


def _logprobs(settings: Mapping[str, object], body: Mapping[str, object]) -> Body:
    wanted = settings.get("logprobs", False)
    if wanted is False:
        return {}
    included = thaw(body.get("include", []))
    out: Body = {"include": [*(included if isinstance(included, list) else []), "message.output_text.logprobs"]}
    return out if wanted is True else {**out, "top_logprobs": wanted}


def _object(job: LlmJob, candidate: Candidate, items: list[Body]) -> Body:
    """Ask for an object by its schema, or as JSON; the latter changes the items too."""
    if job.schema is None or object_tool(job, candidate) is not None:
        return {}
    if method_of(candidate) == "schema":
        inner = json_schema(job.schema)["json_schema"]
        return {"text": {"format": {"type": "json_schema", **(inner if is_table(inner) else {})}}}
    # Not as `instructions`: the word JSON is looked for in the input.
    asking: Body = {"role": "system", "content": schema_prompt(job.schema)}
    return {"text": {"format": {"type": "json_object"}}, "input": [asking, *items]}


def _tools(job: LlmJob, settings: Mapping[str, object], forced: str | None, adapted: list[str]) -> Body:
    tools = [_tool(tool) for tool in job.tools]
    if forced is not None and job.schema is not None:
        tools.append(_tool(Tool(name=forced, description="Give the answer.", parameters=job.schema.schema)))
        choice: object = "required" if job.tools else _choice(forced)
        return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": False}
    names = [name for name in ("tool_choice", "parallel_tool_calls") if name in settings]
    if not tools:
        adapted += [f"{name}: left out, there are no tools" for name in names]
        return {}
    given = {name: _choice(settings[name]) if name == "tool_choice" else settings[name] for name in names}
    return {"tools": tools, **given}


def _tool(tool: Tool) -> Body:
    # Without the word, responses would take every schema as a strict one.
    out: Body = {"type": "function", "name": tool.name, "parameters": thaw(tool.parameters)}
    if tool.description:
        out["description"] = tool.description
    return {**out, "strict": bool(tool.strict)}


def _choice(value: object) -> object:
    if isinstance(value, str):
        return value if value in _CHOICES else {"type": "function", "name": value}
    named = value.get("function") if is_table(value) else None
    return {"type": "function", "name": named.get("name")} if is_table(named) else thaw(value)


def _with_extra(body: Body, extra: object) -> Body:
    added = thaw(extra)
    if not is_table(added):
        return body
    out = {**body, **added}
    for name in _MERGED:
        ours, theirs = body.get(name), added.get(name)
        if is_table(ours) and is_table(theirs):
            out[name] = {**ours, **theirs}
    return out
