"""A job as the body of a Converse request. Pure: the same job gives the same body.

The fields: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from pipelex_like.types import Tool, is_list, is_table, thaw
from pipelex_like.workers.anthropic.schema import output_schema
from pipelex_like.workers.bedrock.keeping import Body, keep
from pipelex_like.workers.bedrock.makers import Thinking, can_force, forced_choice, maker_of, thinking_of, top_k_fields
from pipelex_like.workers.bedrock.messages import Conversation, wire_messages
from pipelex_like.workers.objects import schema_name, schema_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate, StructureMethod
    from pipelex_like.types import LlmJob, ObjectSchema

_NO_WORD = ("seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs")
_TIERS: Mapping[str, str] = {"auto": "default", "standard": "default"} | {
    tier: tier for tier in ("default", "priority", "flex", "reserved")
}
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}\Z")
_MOST_LABELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The body; `object_tool` names the tool whose input is the wanted object, if it is asked for that way."""

    body: Body
    object_tool: str | None = None
    adapted: tuple[str, ...] = ()


def converse_body(job: LlmJob, candidate: Candidate) -> Asked:
    """Give the body. Raises CapabilityError for a picture or document that Converse cannot carry."""
    settings = {key: value for key, value in job.settings.items() if value is not None}
    maker = maker_of(candidate)
    talk = wire_messages(job.messages, candidate)
    form, tool = _form(job, candidate, maker)
    choice = _choice(job, settings, tool, maker)
    thinking = thinking_of(settings, candidate, maker, forced=bool(choice.keys() & {"any", "tool"}))
    adapted = [*talk.adapted, *thinking.adapted]
    if tool is not None and thinking.bars_force:
        adapted.append("the object: asked for in words, since a model that thinks cannot be forced to call a tool")
        tool = None
        choice = _choice(job, settings, tool, maker)
    if job.schema is not None and form is None and tool is None:
        talk.system.append({"text": schema_prompt(job.schema)})
    body: Body = {"messages": talk.turns}
    if talk.system:
        body["system"] = talk.system
    fields = dict(thinking.fields)
    config = _config(settings, maker, thinking, fields, adapted)
    output: Body = {} if thinking.effort is None else {"effort": thinking.effort}
    if form is not None:
        output["textFormat"] = form
    found = {
        "inferenceConfig": config,
        "toolConfig": _tools(job, talk, tool, choice, thinking, adapted),
        "additionalModelRequestFields": fields,
        "outputConfig": output,
        "requestMetadata": _labels(settings, adapted),
        "serviceTier": _tier(settings, adapted),
    }
    body.update({name: value for name, value in found.items() if value})
    adapted += keep(body, candidate.spec.rules.get("prompt_cache"), maker)
    adapted += _wordless(settings, has_tools=bool(job.tools))
    return Asked(body=_with_extra(body, settings.get("extra")), object_tool=tool, adapted=tuple(adapted))


def _form(job: LlmJob, candidate: Candidate, maker: str) -> tuple[Body | None, str | None]:
    """How the object is asked for: by an output format, by a tool of this name, or (neither) in words."""
    if job.schema is None:
        return None, None
    method: StructureMethod = candidate.spec.structure_method or ("tools" if can_force(maker) else "json")
    if method == "schema":
        form = _text_format(job.schema)
        if form is not None:
            return form, None
        method = "tools" if can_force(maker) else "json"
    return None, schema_name(job.schema) if method == "tools" else None


def _text_format(wanted: ObjectSchema) -> Body | None:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html: the subset that Anthropic has too
    schema = output_schema(wanted)
    if schema is None:
        return None
    told: Body = {"schema": orjson.dumps(schema).decode(), "name": schema_name(wanted)}
    return {"type": "json_schema", "structure": {"jsonSchema": told}}


def _config(settings: Mapping[str, object], maker: str, thinking: Thinking, fields: Body, adapted: list[str]) -> Body:
    """Give `inferenceConfig`; what is beyond it is put among the `fields` for the model."""
    out: Body = {} if thinking.max_tokens is None else {"maxTokens": thinking.max_tokens}
    for name, wire in (("temperature", "temperature"), ("top_p", "topP"), ("top_k", "")):
        value = settings.get(name)
        if value is None:
            continue
        if name in thinking.bars:
            adapted.append(f"{name}: left out, a model that thinks does not take it")
        elif name == "top_k":
            _put_top_k(value, maker, fields, adapted)
        elif name == "top_p" and "temperature" in out and maker == "anthropic":
            adapted.append("top_p: left out, Claude takes a temperature or it, not both")
        elif isinstance(value, int | float) and value > 1:
            adapted.append(f"{name}: {value} lowered to 1, the most that Bedrock takes")
            out[wire] = 1
        else:
            out[wire] = value
    stop = settings.get("stop")
    wanted = [stop] if isinstance(stop, str) else list(stop) if is_list(stop) else []
    told = [text for text in wanted if isinstance(text, str) and text.strip()]
    if told:
        out["stopSequences"] = told
    if len(told) < len(wanted):
        adapted.append("stop: blanks left out, Bedrock takes none as a stop")
    return out


def _put_top_k(value: object, maker: str, fields: Body, adapted: list[str]) -> None:
    found = top_k_fields(value, maker)
    if found is None:
        adapted.append("top_k: left out, this model has no word for it on Bedrock")
    else:
        fields.update(found)


def _labels(settings: Mapping[str, object], adapted: list[str]) -> Body:
    labels = settings.get("metadata")
    given = dict(labels) if is_table(labels) else {}
    if "user" in settings:
        given.setdefault("user", settings["user"])
    texts = {name: str(value) for name, value in given.items()}
    fit = {name: text for name, text in texts.items() if _LABEL.match(name) and _LABEL.match(text)}
    kept = dict(list(fit.items())[:_MOST_LABELS])
    if len(kept) < len(given):
        adapted.append("metadata: labels left out, Bedrock takes 16 of 256 signs at most, and not every sign")
    return {**kept}


def _tier(settings: Mapping[str, object], adapted: list[str]) -> Body:
    tier = settings.get("service_tier")
    if tier is None:
        return {}
    if isinstance(tier, str) and tier in _TIERS:
        return {"type": _TIERS[tier]}
    adapted.append(f"service_tier: {tier} left out, Bedrock knows default, priority, flex and reserved")
    return {}


def _choice(job: LlmJob, settings: Mapping[str, object], tool: str | None, maker: str) -> Body:
    """What the wire's `toolChoice` says; empty where nothing has to be said."""
    if tool is not None:
        return {"any": {}} if job.tools else forced_choice(tool, maker)
    value = settings.get("tool_choice")
    if not job.tools or value is None or value == "none":
        return {}
    if isinstance(value, str):
        names = {"auto": "auto", "required": "any", "any": "any"}
        return {names[value]: {}} if value in names else {"tool": {"name": value}}
    named = value.get("function") if is_table(value) else None
    if is_table(named):
        return {"tool": {"name": named.get("name")}}
    plain = thaw(value)
    return plain if is_table(plain) else {}


def _tools(
    job: LlmJob, talk: Conversation, tool: str | None, choice: Body, thinking: Thinking, adapted: list[str]
) -> Body:
    tools = [*job.tools]
    if tools and job.settings.get("tool_choice") == "none":
        # They must stay where calls stand in the conversation.
        tools = tools if talk.tools else []
        became = "became auto" if tools else "left the tools out"
        adapted.append(f"tool_choice: none {became}, Converse has no word for it")
    if not tools and talk.tools:
        adapted.append("the tools called before: named again, Converse wants them beside their results")
        tools = [Tool(name=name) for name in talk.tools]
    specs = [_spec(one) for one in tools]
    if tool is not None and job.schema is not None:
        specs.append(_spec(Tool(name=tool, description="Give the answer.", parameters=job.schema.schema)))
    if not specs:
        return {}
    if thinking.bars_force and choice.keys() & {"any", "tool"}:
        adapted.append("tool_choice: became auto, a model that thinks cannot be forced to call a tool")
        choice = {"auto": {}}
    return {"tools": specs, "toolChoice": choice} if choice else {"tools": specs}


def _spec(tool: Tool) -> Body:
    out: Body = {"name": tool.name, "inputSchema": {"json": thaw(tool.parameters)}}
    if tool.description:
        out["description"] = tool.description
    if tool.strict is not None:
        out["strict"] = tool.strict
    return {"toolSpec": out}


def _wordless(settings: Mapping[str, object], *, has_tools: bool) -> list[str]:
    lines = [f"{name}: left out, Converse has no word for it" for name in _NO_WORD if name in settings]
    if not has_tools:
        names = [name for name in ("tool_choice", "parallel_tool_calls") if name in settings]
        return lines + [f"{name}: left out, there are no tools" for name in names]
    if settings.get("parallel_tool_calls") is False:
        lines.append("parallel_tool_calls: left out, Converse has no word for it")
    return lines


def _with_extra(body: Body, extra: object) -> Body:
    """Fields of the Converse body; those that are tables add to ours."""
    added = thaw(extra)
    if not is_table(added):
        return body
    out = {**body, **added}
    for name, theirs in added.items():
        ours = body.get(name)
        if is_table(ours) and is_table(theirs):
            out[name] = {**ours, **theirs}
    return out
