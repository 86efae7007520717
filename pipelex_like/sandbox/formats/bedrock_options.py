"""Reading what a Converse request says beside its messages: tools, sampling, thinking, the form of the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.anthropic_options import Thinking, read_format, read_thinking
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.bedrock_reading import known_keys, one_key
from pipelex_like.sandbox.formats.openai_parts import unique
from pipelex_like.sandbox.formats.schemas import check_schema
from pipelex_like.sandbox.model import Tool
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}\Z")
_CONFIG = {
    "maxTokens": checks.integer(1),
    "temperature": checks.number(0, 1),
    "topP": checks.number(0, 1),
}
# What the makers take besides: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
_MODEL_FIELDS = ("thinking", "top_k", "k", "inferenceConfig", "reasoningConfig", "reasoning_effort", "anthropic_beta")


def read_tools(value: object) -> tuple[tuple[Tool, ...], tuple[Tool, ...], bool]:
    """Read `toolConfig`: all tools, those that may be called, and whether one must be."""
    if value is None:
        return (), (), False
    fields = checks.table(value, "toolConfig")
    known_keys(fields, "toolConfig", "tools", "toolChoice")
    tools: list[Tool] = []
    for at, item in enumerate(checks.listed(fields.get("tools"), "toolConfig.tools")):
        kind, inner = one_key(item, f"toolConfig.tools.{at}", ("toolSpec", "cachePoint"))
        if kind == "toolSpec":
            tools.append(_tool(checks.table(inner, "toolSpec"), f"toolConfig.tools.{at}.toolSpec"))
    named = unique(tuple(tools))
    if fields.get("toolChoice") is None:
        return named, named, False
    kind, inner = one_key(fields["toolChoice"], "toolConfig.toolChoice", ("auto", "any", "tool"))
    choice = checks.table(inner, f"toolConfig.toolChoice.{kind}")
    if kind != "tool":
        return named, named, kind == "any"
    name = checks.string(choice, "name", "toolConfig.toolChoice.tool")
    chosen = tuple(tool for tool in named if tool.name == name)
    if not chosen:
        raise Refusal(f"toolConfig.toolChoice.tool.name: there is no tool '{name}' in the toolConfig.")
    return named, chosen, True


def _tool(fields: Mapping[str, object], where: str) -> Tool:
    known_keys(fields, where, "name", "description", "inputSchema", "strict")
    name = checks.string(fields, "name", where)
    if not _NAME.match(name):
        raise Refusal(f"{where}.name: must match [a-zA-Z0-9_-]+ and have 64 characters at most.")
    if fields.get("description") is not None and not checks.string(fields, "description", where):
        raise Refusal(f"{where}.description: must not be empty.")
    if fields.get("strict") is not None:
        checks.boolean(fields["strict"], f"{where}.strict")
    _, schema = one_key(fields.get("inputSchema"), f"{where}.inputSchema", ("json",))
    checked = check_schema(schema, f"{where}.inputSchema.json", name, strict=False)
    if checked.get("type") != "object":
        raise Refusal(f"The value at {where}.inputSchema.json.type must be one of the following: object.")
    return Tool(name, checked)


def read_config(value: object) -> tuple[int | None, tuple[str, ...]]:
    """Read `inferenceConfig`: the most tokens of the answer, and the texts that end it."""
    fields = checks.table({} if value is None else value, "inferenceConfig")
    known_keys(fields, "inferenceConfig", *_CONFIG, "stopSequences")
    checks.check(fields, _CONFIG, "inferenceConfig")
    stops = checks.listed(fields.get("stopSequences") or [], "inferenceConfig.stopSequences", least=0, most=2500)
    for at, stop in enumerate(stops):
        if not isinstance(stop, str) or not stop.strip():
            raise Refusal(f"inferenceConfig.stopSequences.{at}: each must be a text of more than blanks.")
    limit = fields.get("maxTokens")
    return limit if isinstance(limit, int) else None, tuple(str(stop) for stop in stops)


def read_effort(body: Mapping[str, object]) -> Thinking:
    """Read how much is to be thought, in the words of whichever maker; Claude's are checked as Anthropic does."""
    fields = checks.table(body.get("additionalModelRequestFields") or {}, "additionalModelRequestFields")
    known_keys(fields, "additionalModelRequestFields", *_MODEL_FIELDS)
    output = checks.table(body.get("outputConfig") or {}, "outputConfig")
    config = checks.table(body.get("inferenceConfig") or {}, "inferenceConfig")
    if (word := fields.get("reasoning_effort")) is not None:
        checks.one_of("low", "medium", "high")(word, "additionalModelRequestFields.reasoning_effort")
        return Thinking(effort=str(word), shown=True)
    if is_table(nova := fields.get("reasoningConfig")):
        checks.one_of("enabled", "disabled")(nova.get("type"), "reasoningConfig.type")
        if nova["type"] == "disabled":
            return Thinking()
        checks.one_of("low", "medium", "high")(nova.get("maxReasoningEffort"), "reasoningConfig.maxReasoningEffort")
        if nova["maxReasoningEffort"] == "high" and config:
            raise Refusal("temperature, topP and maxTokens must be unset when maxReasoningEffort is high.")
        return Thinking(effort=str(nova["maxReasoningEffort"]), shown=True)
    tools = body.get("toolConfig")
    choice = tools.get("toolChoice") if is_table(tools) else None
    forced = {"tool_choice": {"type": "any"}} if is_table(choice) and "auto" not in choice else {}
    sampling = {"max_tokens": config.get("maxTokens"), "temperature": config.get("temperature")}
    effort = {"output_config": {"effort": output["effort"]}} if output.get("effort") is not None else {}
    return read_thinking(
        {**sampling, **forced, **effort, "thinking": fields.get("thinking"), "top_k": fields.get("top_k")}
    )


def read_form(value: object) -> object:
    """Give the schema of `outputConfig.textFormat`, or None."""
    output = checks.table(value or {}, "outputConfig")
    known_keys(output, "outputConfig", "textFormat", "effort")
    if output.get("textFormat") is None:
        return None
    wanted = checks.table(output["textFormat"], "outputConfig.textFormat")
    checks.one_of("json_schema")(wanted.get("type"), "outputConfig.textFormat.type")
    _, inner = one_key(wanted.get("structure"), "outputConfig.textFormat.structure", ("jsonSchema",))
    where = "outputConfig.textFormat.structure.jsonSchema"
    text = checks.string(checks.table(inner, where), "schema", where)
    try:
        schema: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refusal(f"{where}.schema: this is no JSON.") from None
    return read_format({"format": {"type": "json_schema", "schema": schema}})


def check_labels(body: Mapping[str, object]) -> None:
    """Check what is noted about a request and how it is served."""
    labels = checks.table(body.get("requestMetadata") or {}, "requestMetadata")
    if len(labels) > 16:
        raise Refusal("requestMetadata: 16 pairs at most.")
    for name, label in labels.items():
        if not isinstance(label, str) or not _LABEL.match(label) or not _LABEL.match(name):
            raise Refusal(f"requestMetadata.{name}: must match [a-zA-Z0-9\\s:_@$#=/+,-.]{{0,256}}.")
    for key, name, options in (
        ("serviceTier", "type", ("priority", "default", "flex", "reserved")),
        ("performanceConfig", "latency", ("standard", "optimized")),
    ):
        if body.get(key) is not None:
            checks.one_of(*options)(checks.table(body[key], key).get(name), f"{key}.{name}")
