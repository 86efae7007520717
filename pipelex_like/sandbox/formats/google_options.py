"""Reading what stands beside the contents: tools, thinking, the form of the answer.

The fields: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.google_fields import checked_fields, known_fields
from pipelex_like.sandbox.formats.openai_parts import unique
from pipelex_like.sandbox.formats.schemas import check_schema
from pipelex_like.sandbox.model import Tool
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.checks import Check

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\Z")
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
_OWN_TOOLS = frozenset({"googleSearch", "googleMaps", "codeExecution", "urlContext", "fileSearch", "computerUse"})
_DECLARED = frozenset({"name", "description", "parameters", "parametersJsonSchema"}) | {
    *("response", "responseJsonSchema", "behavior"),
}
_MODALITIES = ("TEXT", "IMAGE", "AUDIO")


def _modalities(value: object, where: str) -> None:
    for at, item in enumerate(checks.listed(value, where)):
        checks.one_of(*_MODALITIES)(item, f"{where}[{at}]")


def _stops(value: object, where: str) -> None:
    for at, item in enumerate(checks.listed(value, where, least=0, most=5)):
        checks.text(item, f"{where}[{at}]")


CONFIG: Mapping[str, Check | None] = {
    "temperature": checks.number(0, 2),
    "topP": checks.number(0, 1),
    "topK": checks.number(1, 1000),
    "candidateCount": checks.integer(1, 8),
    "maxOutputTokens": checks.integer(1),
    "stopSequences": _stops,
    "seed": checks.integer(-(2**31), 2**31 - 1),
    "presencePenalty": checks.number(-2, 2),
    "frequencyPenalty": checks.number(-2, 2),
    "responseMimeType": checks.one_of("text/plain", "application/json", "text/x.enum"),
    "responseSchema": None,
    "responseJsonSchema": None,
    "responseModalities": _modalities,
    "responseLogprobs": checks.boolean,
    "logprobs": checks.integer(0, 20),
    "thinkingConfig": None,
    "imageConfig": None,
    "mediaResolution": checks.text,
    "speechConfig": None,
    "enableEnhancedCivicAnswers": checks.boolean,
}
"""The fields of `generationConfig`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How much the model is to think: `effort` in the sandbox's words, `shown` whether its thoughts come as text."""

    effort: str = "none"
    shown: bool = False


def read_thinking(value: object) -> Thinking:
    """Check `thinkingConfig`: a level or a budget."""
    if value is None:
        return Thinking()
    where = "generation_config.thinking_config"
    fields = checked_fields(
        value,
        where,
        {"includeThoughts": checks.boolean, "thinkingBudget": checks.integer(-1), "thinkingLevel": checks.text},
    )
    level, budget = fields.get("thinkingLevel"), fields.get("thinkingBudget")
    if level is not None and budget is not None:
        raise Refusal("You can only set one of thinking budget and thinking level.", param=where)
    effort = "none"
    if isinstance(level, str):
        effort = level.lower()
        if effort not in _LEVELS:
            raise Refusal(f"Invalid value at '{where}.thinking_level' (TYPE_ENUM), \"{level}\"", param=where)
    elif isinstance(budget, int) and budget:
        effort = "medium" if budget < 0 or budget >= 8192 else "low"
    return Thinking(effort=effort, shown=bool(fields.get("includeThoughts")) and effort != "none")


def read_tools(value: object) -> tuple[Tool, ...]:
    """Check the functions that the caller runs; Google's own tools are not simulated."""
    tools: list[Tool] = []
    for at, item in enumerate(checks.listed([] if value is None else value, "tools", least=0)):
        where = f"tools[{at}]"
        fields = known_fields(item, where, _OWN_TOOLS | {"functionDeclarations"})
        for name in fields.keys() & _OWN_TOOLS:
            raise Refusal(f"{where}: the simulated provider has no tools of its own ('{name}').", param=where)
        for number, declared in enumerate(checks.listed(fields.get("functionDeclarations", []), where, least=0)):
            tools.append(_declared(declared, f"{where}.function_declarations[{number}]"))
    return unique(tuple(tools))


def _declared(value: object, where: str) -> Tool:
    fields = known_fields(value, where, _DECLARED)
    name = checks.string(fields, "name", where)
    if not _NAME.match(name):
        raise Refusal(
            f"* GenerateContentRequest.{where}.name: Invalid function name. Must start with a letter or an underscore.",
            param=where,
        )
    if "parameters" in fields and "parametersJsonSchema" in fields:
        raise Refusal(f"{where}: parameters and parameters_json_schema exclude each other.", param=where)
    schema = fields.get("parametersJsonSchema") or _lowered(fields.get("parameters")) or {"type": "object"}
    return Tool(name, check_schema(schema, f"{where}.parameters", name, strict=False))


def _lowered(schema: object) -> object:
    """Google's older schemas write their types in capitals."""
    if is_list(schema):
        return [_lowered(item) for item in schema]
    if not is_table(schema):
        return schema
    kinds = {key: str(value).lower() for key, value in schema.items() if key == "type" and isinstance(value, str)}
    return {key: _lowered(value) for key, value in schema.items()} | kinds


def read_choice(value: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool]:
    """Read `toolConfig`: the tools that may be called, and whether one must be."""
    if value is None:
        return tools, False
    names = frozenset({"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"})
    given = known_fields(value, "tool_config", names).get("functionCallingConfig")
    if given is None:
        return tools, False
    where = "tool_config.function_calling_config"
    fields = known_fields(given, where, frozenset({"mode", "allowedFunctionNames"}))
    mode = str(fields.get("mode", "AUTO")).upper()
    checks.one_of("AUTO", "ANY", "NONE", "VALIDATED")(mode, f"{where}.mode")
    allowed = fields.get("allowedFunctionNames")
    if mode == "ANY" and not tools:
        raise Refusal("Function calling config is set without function_declarations.", param=where)
    if allowed is not None:
        if mode not in ("ANY", "VALIDATED"):
            raise Refusal("Allowed function names are only for the mode ANY.", param=where)
        wanted = checks.listed(allowed, f"{where}.allowed_function_names")
        tools = tuple(tool for tool in tools if tool.name in wanted)
        if len(tools) != len(wanted):
            raise Refusal("Allowed function names must be among the declared functions.", param=where)
    return (() if mode == "NONE" else tools), mode == "ANY"


def read_form(config: Mapping[str, object], tools: tuple[Tool, ...], model: str) -> tuple[object, bool]:
    """Give the schema of the answer, or None, and whether it has to be JSON at all."""
    as_json = config.get("responseMimeType") == "application/json"
    given = config.get("responseJsonSchema", _lowered(config.get("responseSchema")))
    if given is not None and not as_json:
        raise Refusal("response_mime_type must be 'application/json' where a schema is set.", param="generation_config")
    if as_json and tools and re.match(r"gemini-[12]\.", model):
        raise Refusal(
            "Function calling with a response mime type: 'application/json' is unsupported", param="generation_config"
        )
    if given is None:
        return None, as_json
    return check_schema(given, "generation_config.response_json_schema", "response", strict=False), as_json
