"""A job as the body of a request. Pure: the same job gives the same body.

The form: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table, thaw
from pipelex_like.workers.google.contents import Body, wire_contents
from pipelex_like.workers.google.schema import response_schema
from pipelex_like.workers.google.thinking import mode_of, thinking_config
from pipelex_like.workers.objects import method_of, schema_name, schema_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, Tool

_WORDS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_NO_WORD = ("logit_bias", "user")
_CHOICES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}
_TIERS: Mapping[str, str] = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The body; `object_tool` names the tool whose input is the wanted object, if it is asked for that way."""

    body: Body
    object_tool: str | None = None
    adapted: tuple[str, ...] = ()


def content_body(job: LlmJob, candidate: Candidate, *, labels: bool = False) -> Asked:
    """Give the body. `labels`: the service keeps labels with a request, as Vertex AI does.

    Raises CapabilityError for a document that the protocol cannot carry.
    """
    settings = {key: value for key, value in job.settings.items() if value is not None}
    talk = wire_contents(job.messages, candidate)
    adapted = [*talk.adapted]
    form, tool, in_words = _form(job, candidate)
    system = [*talk.system]
    if job.schema is not None and in_words:
        system.append(schema_prompt(job.schema))
        if method_of(candidate) == "schema":
            adapted.append("the object: asked for in words, since its schema cannot be sent as such")
    config, lines = _config(settings, candidate)
    adapted += lines
    config.update(form)
    body: Body = {}
    if system:
        body["systemInstruction"] = {"parts": [{"text": "\n\n".join(system)}]}
    body["contents"] = talk.contents
    body.update(_tools(job, settings, tool, adapted))
    body.update(_about(settings, adapted, labels=labels))
    if config:
        body["generationConfig"] = config
    adapted += [f"{name}: left out, Google has no word for it" for name in _NO_WORD if name in settings]
    extra = thaw(settings.get("extra"))
    whole = deeper(body, extra) if is_table(extra) else body
    return Asked(body=whole, object_tool=tool, adapted=tuple(adapted))


def _form(job: LlmJob, candidate: Candidate) -> tuple[Body, str | None, bool]:
    """How the object is asked for: the form of the answer, the name of a tool, and whether in words too."""
    if job.schema is None:
        return {}, None, False
    method = method_of(candidate)
    if method == "tools":
        return {}, schema_name(job.schema), False
    if job.tools and (candidate.spec.thinking_mode or mode_of(candidate.model_id)) != "adaptive":
        # Up to Gemini 2.5 tools and a form of the answer exclude each other.
        return {}, None, True
    schema = response_schema(job.schema) if method == "schema" else None
    if schema is None:
        return {"responseMimeType": _JSON}, None, True
    return {"responseMimeType": _JSON, "responseJsonSchema": schema}, None, False


def _config(settings: Mapping[str, object], candidate: Candidate) -> tuple[Body, list[str]]:
    config: Body = {wire: settings[name] for name, wire in _WORDS.items() if name in settings}
    if config.get("maxOutputTokens") == "auto":
        del config["maxOutputTokens"]
    stop = settings.get("stop")
    if stop:
        config["stopSequences"] = list(stop) if is_list(stop) else [stop]
    logprobs = settings.get("logprobs")
    if logprobs is not None and logprobs is not False:
        config["responseLogprobs"] = True
        if logprobs is not True and logprobs:
            config["logprobs"] = logprobs
    thinking, lines = thinking_config(settings, candidate)
    if thinking:
        config["thinkingConfig"] = thinking
    return config, lines


def _about(settings: Mapping[str, object], adapted: list[str], *, labels: bool) -> Body:
    """Labels, and the tier of service."""
    out: Body = {}
    given = settings.get("metadata")
    if given and labels:
        out["labels"] = thaw(given)
    elif given:
        adapted.append("metadata: left out, the Gemini API keeps no labels")
    tier = settings.get("service_tier")
    if isinstance(tier, str) and tier in _TIERS:
        out["serviceTier"] = _TIERS[tier]
    elif tier not in (None, "auto"):
        adapted.append(f"service_tier: {tier} left out, Google knows standard, flex and priority")
    return out


def _tools(job: LlmJob, settings: Mapping[str, object], tool: str | None, adapted: list[str]) -> Body:
    declared = [_declared(one, adapted) for one in job.tools]
    if tool is not None and job.schema is not None:
        schema = thaw(job.schema.schema)
        declared.append({"name": tool, "description": "Give the answer.", "parametersJsonSchema": schema})
    if not declared:
        names = [name for name in ("tool_choice", "parallel_tool_calls") if name in settings]
        adapted += [f"{name}: left out, there are no tools" for name in names]
        return {}
    if settings.get("parallel_tool_calls") is False:
        adapted.append("parallel_tool_calls: left out, Google has no word for it")
    out: Body = {"tools": [{"functionDeclarations": declared}]}
    if tool is not None:
        choice: Body = {"mode": "ANY"} if job.tools else {"mode": "ANY", "allowedFunctionNames": [tool]}
    else:
        choice = _choice(settings.get("tool_choice"))
    return {**out, "toolConfig": {"functionCallingConfig": choice}} if choice else out


def _declared(tool: Tool, adapted: list[str]) -> Body:
    line = "strict of tools: left out, Google has no word for it"
    if tool.strict is not None and line not in adapted:
        adapted.append(line)
    about: Body = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **about, "parametersJsonSchema": thaw(tool.parameters)}


def _choice(value: object) -> Body:
    if isinstance(value, str):
        if value in _CHOICES:
            return {"mode": _CHOICES[value]}
        return {"mode": "ANY", "allowedFunctionNames": [value]}
    named = value.get("function", value) if is_table(value) else None
    if not is_table(named):
        return {}
    if "name" in named:
        return {"mode": "ANY", "allowedFunctionNames": [named["name"]]}
    plain = thaw(named)
    return plain if is_table(plain) else {}


def deeper(body: Mapping[str, object], more: Mapping[str, object]) -> Body:
    """Merge two bodies, table by table: `more` wins."""
    out: Body = {**body}
    for key, value in more.items():
        ours = out.get(key)
        out[key] = deeper(ours, value) if is_table(ours) and is_table(value) else value
    return out
