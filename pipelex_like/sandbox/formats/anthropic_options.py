"""Reading what stands beside the messages: tools, thinking, the form of the output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.openai_parts import unique
from pipelex_like.sandbox.formats.schemas import check_schema
from pipelex_like.sandbox.model import Tool
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
_UNSUPPORTED = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"}) | {
    *("minLength", "maxLength", "maxItems", "uniqueItems", "patternProperties", "oneOf", "not", "if", "prefixItems"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How much the model is to think: `effort` in the sandbox's words, `shown` whether its thoughts come as text."""

    effort: str = "none"
    shown: bool = False


def read_tools(value: object) -> tuple[Tool, ...]:
    """Check the tools that the caller runs; the provider's own are not simulated."""
    tools: list[Tool] = []
    for at, item in enumerate(checks.listed([] if value is None else value, "tools", least=0)):
        where = f"tools.{at}"
        fields = checks.table(item, where)
        if fields.get("type") not in (None, "custom"):
            raise Refusal(f"{where}: the simulated provider has no tools of its own ('{fields['type']}').", param=where)
        name = checks.string(fields, "name", where)
        if not _NAME.match(name):
            raise Refusal(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'", param=where)
        for key, check in (("description", checks.text), ("strict", checks.boolean)):
            if fields.get(key) is not None:
                check(fields[key], f"{where}.{key}")
        schema = check_schema(fields.get("input_schema"), f"{where}.input_schema", name, strict=False)
        if schema.get("type") != "object":
            raise Refusal(f"{where}.custom.input_schema.type: Input should be 'object'", param=where)
        tools.append(Tool(name, schema))
    return unique(tuple(tools))


def read_choice(value: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool, bool]:
    """Read `tool_choice`: the tools that may be called, whether one must be, and whether several may at once."""
    if value is None:
        return tools, False, True
    fields = checks.table(value, "tool_choice")
    checks.one_of("auto", "any", "tool", "none")(fields.get("type"), "tool_choice.type")
    if not tools:
        raise Refusal("tool_choice may only be specified while providing tools.", param="tool_choice")
    single = fields.get("disable_parallel_tool_use")
    if single is not None:
        checks.boolean(single, "tool_choice.disable_parallel_tool_use")
    match fields["type"]:
        case "none":
            return (), False, True
        case "tool":
            name = checks.string(fields, "name", "tool_choice")
            named = tuple(tool for tool in tools if tool.name == name)
            if not named:
                raise Refusal(f"Tool '{name}' not found in provided tools", param="tool_choice")
            return named, True, not single
        case kind:
            return tools, kind == "any", not single


def read_thinking(body: Mapping[str, object]) -> Thinking:
    """Check `thinking` and the effort, and what may not stand beside them."""
    value = body.get("thinking")
    config = checks.table(body.get("output_config") or {}, "output_config")
    effort = config.get("effort")
    if effort is not None:
        checks.one_of("low", "medium", "high", "xhigh", "max")(effort, "output_config.effort")
    if value is None:
        return Thinking()
    fields = checks.table(value, "thinking")
    checks.one_of("enabled", "adaptive", "disabled", "between_tools")(fields.get("type"), "thinking.type")
    if fields["type"] in ("disabled", "between_tools"):
        return Thinking()
    if fields.get("display") is not None:
        checks.one_of("summarized", "omitted")(fields["display"], "thinking.display")
    _refuse_beside(body)
    if fields["type"] == "adaptive":
        return Thinking(effort=str(effort or "high"), shown=fields.get("display") == "summarized")
    budget = fields.get("budget_tokens")
    if budget is None:
        raise checks.missing("thinking.enabled.budget_tokens")
    checks.integer(1024)(budget, "thinking.enabled.budget_tokens")
    most = body.get("max_tokens")
    if isinstance(budget, int) and isinstance(most, int) and budget >= most:
        raise Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.", param="max_tokens")
    return Thinking(effort="medium", shown=fields.get("display") != "omitted")


def _refuse_beside(body: Mapping[str, object]) -> None:
    choice = body.get("tool_choice")
    if is_table(choice) and choice.get("type") in ("any", "tool"):
        raise Refusal("Thinking may not be enabled when tool_choice forces tool use.", param="tool_choice")
    if body.get("temperature") not in (None, 1):
        raise Refusal("`temperature` may only be set to 1 when thinking is enabled.", param="temperature")
    if body.get("top_k") is not None:
        raise Refusal("`top_k` must be unset when thinking is enabled.", param="top_k")


def read_format(value: object) -> object:
    """Give the schema of `output_config.format`, or None."""
    if value is None:
        return None
    config = checks.table(value, "output_config")
    wanted = config.get("format")
    if wanted is None:
        return None
    fields = checks.table(wanted, "output_config.format")
    checks.one_of("json_schema")(fields.get("type"), "output_config.format.type")
    schema = check_schema(fields.get("schema"), "output_config.format.schema", "output", strict=False)
    _refuse_wide(schema, "output_config.format.schema")
    return schema


def _refuse_wide(node: object, where: str) -> None:
    """Refuse keywords that structured outputs do not know, and objects that are not closed."""
    if is_list(node):
        for item in node:
            _refuse_wide(item, where)
    if not is_table(node):
        return
    unknown = sorted(_UNSUPPORTED & node.keys())
    if unknown:
        raise Refusal(f"{where}: For '{node.get('type')}' type, '{unknown[0]}' is not supported", param=where)
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        raise Refusal(
            f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false", param=where
        )
    for key, value in node.items():
        if key in ("properties", "$defs") and is_table(value):
            for part in value.values():
                _refuse_wide(part, where)
        elif key in ("items", "anyOf", "allOf"):
            _refuse_wide(value, where)
