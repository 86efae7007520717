"""A job as the body of a chat completion, in what Cohere's endpoint takes of it. Pure.

What it takes: https://docs.cohere.com/docs/compatibility-api
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, is_list, is_table, thaw
from pipelex_like.workers.anthropic.schema import output_schema
from pipelex_like.workers.openai.messages import Body
from pipelex_like.workers.openai.request import chat_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob

_LEFT_OUT = ("metadata", "logit_bias", "top_logprobs", "service_tier", "parallel_tool_calls")
# https://docs.cohere.com/reference/chat
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "frequency_penalty": (0, 1),
    "presence_penalty": (0, 1),
    "top_p": (0.01, 0.99),
}


def suited(job: LlmJob, candidate: Candidate) -> Candidate:
    """Give the candidate with the way that objects are asked for: by a schema wherever it can be, else in words."""
    if job.schema is None:
        return candidate
    asked = candidate.spec.structure_method != "json" and not job.tools and output_schema(job.schema) is not None
    return replace(candidate, spec=replace(candidate.spec, structure_method="schema" if asked else "json"))


def cohere_body(job: LlmJob, candidate: Candidate, *, stream: bool = False) -> tuple[Body, tuple[str, ...]]:
    """Give the body for a suited candidate, and a line for each thing that was changed or left out on the way."""
    plain = replace(job, settings=FrozenDict({key: job.settings[key] for key in job.settings if key != "extra"}))
    body, lines = chat_body(plain, candidate, stream=stream)
    adapted = [*lines]
    for name in _LEFT_OUT:
        if body.pop(name, None) is not None:
            adapted.append(f"{name}: left out, Cohere's endpoint does not take it")
    for name, (low, high) in _BOUNDS.items():
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            body[name] = min(max(value, low), high)
            adapted.append(f"{name}: {value} became {body[name]}, Cohere takes {low} to {high}")
    effort = body.get("reasoning_effort")
    if effort is not None and candidate.spec.thinking_mode == "none":
        del body["reasoning_effort"]
        if effort != "none":
            adapted.append("reasoning_effort: left out, the model does not think")
    elif effort not in (None, "none", "high"):
        body["reasoning_effort"] = "high"
        adapted.append(f"reasoning_effort: {effort} became high, Cohere knows that and none")
    _put_form(job, candidate, body, adapted)
    _put_choice(body, adapted)
    extra = thaw(job.settings.get("extra"))
    return {**body, **extra} if is_table(extra) else body, tuple(adapted)


def _put_form(job: LlmJob, candidate: Candidate, body: Body, adapted: list[str]) -> None:
    if job.schema is None:
        return
    if candidate.spec.structure_method == "schema":
        body["response_format"] = {"type": "json_object", "schema": output_schema(job.schema)}
    elif job.tools:
        del body["response_format"]
        adapted.append("the object: asked for in words, Cohere takes no form of the answer beside tools")


def _put_choice(body: Body, adapted: list[str]) -> None:
    """Cohere knows whether a tool must or must not be called; which one is said by naming no other."""
    choice = body.get("tool_choice")
    named = choice.get("function") if is_table(choice) else None
    tools = body.get("tools")
    if not is_table(named) or not is_list(tools):
        if choice == "auto":
            del body["tool_choice"]
        return
    name = named.get("name")
    body["tools"] = [tool for tool in tools if _name(tool) == name]
    body["tool_choice"] = "required"
    adapted.append(f"tool_choice: only {name} was sent, Cohere cannot be told which of several tools to call")


def _name(tool: object) -> object:
    function = tool.get("function") if is_table(tool) else None
    return function.get("name") if is_table(function) else None
