"""A job as the body of a message. Pure: the same job gives the same body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types import Tool, is_list, is_table, thaw
from pipelex_like.workers.anthropic.keeping import Body, is_marked, keep
from pipelex_like.workers.anthropic.messages import wire_messages
from pipelex_like.workers.anthropic.schema import output_schema
from pipelex_like.workers.anthropic.thinking import Plan, plan_thinking
from pipelex_like.workers.objects import method_of, schema_name, schema_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob

_NO_WORD = ("seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs")
_CHOICES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_TIERS: Mapping[str, str] = {"auto": "auto", "standard_only": "standard_only", "standard": "standard_only"}
# Tables in which several settings of ours meet, so that `extra` adds to them.
_MERGED = ("output_config", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The body; `object_tool` names the tool whose input is the wanted object, if it is asked for that way."""

    body: Body
    object_tool: str | None = None
    adapted: tuple[str, ...] = ()


def message_body(job: LlmJob, candidate: Candidate, *, stream: bool = False) -> Asked:
    """Give the body. Raises CapabilityError for a document that the protocol cannot carry."""
    settings = {key: value for key, value in job.settings.items() if value is not None}
    talk = wire_messages(job.messages, candidate)
    form, tool = _form(job, candidate)
    choice = _choice(job, settings, tool)
    plan = plan_thinking(settings, candidate.spec, forced=choice.get("type") in ("any", "tool"))
    adapted = [*talk.adapted, *plan.adapted]
    if tool is not None and plan.on:
        adapted.append("the object: asked for in words, since a model that thinks cannot be forced to call a tool")
        tool = None
        choice = _choice(job, settings, tool)
    system = [*talk.system]
    if job.schema is not None and form is None and tool is None:
        system.append({"type": "text", "text": schema_prompt(job.schema)})
    body: Body = {"model": candidate.model_id, "max_tokens": plan.max_tokens, "messages": talk.turns}
    if system:
        body["system"] = system
    body.update(_sampling(settings, plan, adapted))
    body.update(_about(settings, adapted))
    body.update(_tools(job, settings, tool, choice, plan, adapted))
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    config: Body = {} if plan.effort is None else {"effort": plan.effort}
    if form is not None:
        config["format"] = form
    if config:
        body["output_config"] = config
    if stream:
        body["stream"] = True
    adapted += keep(body, candidate.spec.rules.get("prompt_cache"))
    if system and not is_marked(system):
        body["system"] = "\n\n".join(str(block["text"]) for block in system)
    adapted += [f"{name}: left out, Anthropic has no word for it" for name in _NO_WORD if name in settings]
    return Asked(body=_with_extra(body, settings.get("extra")), object_tool=tool, adapted=tuple(adapted))


def _form(job: LlmJob, candidate: Candidate) -> tuple[Body | None, str | None]:
    """How the object is asked for: by an output format, by a tool of this name, or (neither) in words."""
    if job.schema is None:
        return None, None
    method = method_of(candidate)
    if method == "schema":
        schema = output_schema(job.schema)
        if schema is not None:
            return {"type": "json_schema", "schema": schema}, None
        method = "tools"
    return None, schema_name(job.schema) if method == "tools" else None


def _sampling(settings: Mapping[str, object], plan: Plan, adapted: list[str]) -> Body:
    out: Body = {}
    for name in ("temperature", "top_p", "top_k"):
        value = settings.get(name)
        if value is None:
            continue
        if plan.on:
            adapted.append(f"{name}: left out, a model that thinks does not take it")
        elif name == "top_p" and "temperature" in out:
            adapted.append("top_p: left out, Claude takes a temperature or it, not both")
        elif name == "temperature" and isinstance(value, int | float) and value > 1:
            adapted.append(f"temperature: {value} lowered to 1, the most that Anthropic takes")
            out[name] = 1
        else:
            out[name] = value
    stop = settings.get("stop")
    wanted = [stop] if isinstance(stop, str) else list(stop) if is_list(stop) else []
    told = [text for text in wanted if isinstance(text, str) and text.strip()]
    if told:
        out["stop_sequences"] = told
    if len(told) < len(wanted):
        adapted.append("stop: blanks left out, Anthropic takes none as a stop")
    return out


def _about(settings: Mapping[str, object], adapted: list[str]) -> Body:
    """Who asks, and in which tier."""
    out: Body = {}
    labels = settings.get("metadata")
    found = labels if is_table(labels) else {}
    user = settings.get("user", found.get("user_id"))
    if user is not None:
        out["metadata"] = {"user_id": user}
    if found.keys() - {"user_id"}:
        adapted.append("metadata: left out, Anthropic keeps nothing but a user_id")
    tier = settings.get("service_tier")
    if tier is not None:
        if isinstance(tier, str) and tier in _TIERS:
            out["service_tier"] = _TIERS[tier]
        else:
            adapted.append(f"service_tier: {tier} left out, Anthropic knows auto and standard_only")
    return out


def _choice(job: LlmJob, settings: Mapping[str, object], tool: str | None) -> Body:
    """What the wire's `tool_choice` says; empty where nothing has to be said."""
    if tool is not None:
        return {"type": "any"} if job.tools else {"type": "tool", "name": tool}
    value = settings.get("tool_choice")
    if not job.tools or value is None:
        return {}
    if isinstance(value, str):
        return {"type": _CHOICES[value]} if value in _CHOICES else {"type": "tool", "name": value}
    named = value.get("function") if is_table(value) else None
    if is_table(named):
        return {"type": "tool", "name": named.get("name")}
    plain = thaw(value)
    return plain if is_table(plain) else {}


def _tools(
    job: LlmJob, settings: Mapping[str, object], tool: str | None, choice: Body, plan: Plan, adapted: list[str]
) -> Body:
    tools = [_tool(one) for one in job.tools]
    if tool is not None and job.schema is not None:
        tools.append(_tool(Tool(name=tool, description="Give the answer.", parameters=job.schema.schema)))
    if not tools:
        names = [name for name in ("tool_choice", "parallel_tool_calls") if name in settings]
        adapted += [f"{name}: left out, there are no tools" for name in names]
        return {}
    if plan.on and choice.get("type") in ("any", "tool"):
        adapted.append("tool_choice: became auto, a model that thinks cannot be forced to call a tool")
        choice = {"type": "auto"}
    one_by_one = tool is not None or settings.get("parallel_tool_calls") is False
    if one_by_one and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def _tool(tool: Tool) -> Body:
    out: Body = {"name": tool.name, "input_schema": thaw(tool.parameters)}
    if tool.description:
        out["description"] = tool.description
    if tool.strict is not None:
        out["strict"] = tool.strict
    return out


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
