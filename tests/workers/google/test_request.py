"""Bodies, without the wire: thinking, contents and schemas."""

from __future__ import annotations

from typing import Any

import pytest
from workers.given import WEATHER, candidate, job

from pipelex_like.deck.models import Constraints
from pipelex_like.types import (
    FrozenDict,
    LlmJob,
    Message,
    ObjectSchema,
    TextPart,
    Tool,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    freeze,
)
from pipelex_like.workers.google.request import content_body
from pipelex_like.workers.google.schema import response_schema

ALWAYS = Constraints(thinking_cannot_be_disabled=True)
BUDGETS = Constraints(min_thinking_budget=128, max_thinking_budget=32768, thinking_cannot_be_disabled=True)


def body(asked: LlmJob, **spec: object) -> Any:
    return content_body(asked, candidate(**spec)).body


@pytest.mark.parametrize(
    ("settings", "spec", "config", "changed"),
    [
        ({}, {"thinking_mode": "adaptive"}, None, 0),
        ({"reasoning_effort": "none"}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "MINIMAL", False), 1),
        ({"reasoning_effort": "minimal"}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "MINIMAL", False), 0),
        ({"reasoning_effort": "medium"}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "MEDIUM", True), 0),
        ({"reasoning_effort": "xhigh"}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "HIGH", True), 1),
        (
            {"reasoning_effort": "minimal"},
            {"thinking_mode": "adaptive", "constraints": ALWAYS},
            ("thinkingLevel", "LOW", True),
            1,
        ),
        ({"reasoning_budget": 9000}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "HIGH", True), 1),
        ({"reasoning_budget": 500}, {"thinking_mode": "adaptive"}, ("thinkingLevel", "LOW", True), 1),
        (
            {"reasoning_budget": 500, "reasoning_effort": "high"},
            {"thinking_mode": "adaptive"},
            ("thinkingLevel", "HIGH", True),
            1,
        ),
        ({"reasoning_effort": "none"}, {"thinking_mode": "manual"}, ("thinkingBudget", 0, False), 0),
        ({"reasoning_effort": "low"}, {"thinking_mode": "manual"}, ("thinkingBudget", 1024, True), 0),
        (
            {"reasoning_effort": "none"},
            {"thinking_mode": "manual", "constraints": BUDGETS},
            ("thinkingBudget", 128, True),
            0,
        ),
        (
            {"reasoning_budget": 700, "reasoning_effort": "high"},
            {"thinking_mode": "manual"},
            ("thinkingBudget", 700, True),
            1,
        ),
        ({"reasoning_effort": "high"}, {"thinking_mode": "none"}, None, 1),
        ({"reasoning_effort": "none"}, {"thinking_mode": "none"}, None, 0),
        ({"reasoning_effort": "high"}, {"model_id": "gemini-2.5-pro"}, ("thinkingBudget", 24576, True), 0),
        ({"reasoning_effort": "high"}, {"model_id": "gemini-4-argon"}, ("thinkingLevel", "HIGH", True), 0),
    ],
)
def test_thinking_in_the_models_own_words(
    settings: dict[str, object], spec: dict[str, Any], config: tuple[str, object, bool] | None, changed: int
) -> None:
    chosen = candidate(**spec) if "model_id" not in spec else candidate(spec["model_id"])
    asked = content_body(job(**settings), chosen)
    thinking: Any = asked.body.get("generationConfig", {}).get("thinkingConfig")  # pyright: ignore
    expected = None if config is None else {config[0]: config[1], "includeThoughts": config[2]}
    assert thinking == expected
    assert len(asked.adapted) == changed


def test_results_of_one_turn_stand_in_one_content_with_the_names_of_their_tools() -> None:
    calls = tuple(ToolCallPart(ToolCall(id=f"x{at}", name=name)) for at, name in enumerate(("weather", "time")))
    results = tuple(Message("tool", (ToolResultPart(call_id=f"x{at}", text=str(at)),)) for at in (1, 0))
    sent = body(LlmJob(messages=(*job().messages, Message("assistant", calls), *results)))["contents"]
    assert [one["role"] for one in sent] == ["user", "model", "user"]
    told = [(part["functionResponse"]["id"], part["functionResponse"]["name"]) for part in sent[2]["parts"]]
    assert told == [("x1", "time"), ("x0", "weather")]


def test_a_late_word_of_the_system_moves_to_the_front_and_says_so() -> None:
    late = LlmJob(messages=(*job(system="First.").messages, Message("system", (TextPart("Second."),))))
    asked = content_body(late, candidate())
    assert asked.body["systemInstruction"] == {"parts": [{"text": "First.\n\nSecond."}]}
    assert len(asked.adapted) == 1


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "weather"}}, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        ({"name": "weather"}, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        ({"mode": "VALIDATED"}, {"mode": "VALIDATED"}),
    ],
)
def test_a_choice_of_tools(choice: object, config: object) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice=freeze(choice)))
    assert body(asked)["toolConfig"] == {"functionCallingConfig": config}


def test_strict_tools_are_told_to_have_no_word() -> None:
    asked = content_body(LlmJob(messages=job().messages, tools=(Tool(name="a", strict=True),)), candidate())
    assert asked.adapted == ("strict of tools: left out, Google has no word for it",)


@pytest.mark.parametrize(("tier", "sent"), [("default", "standard"), ("priority", "priority"), ("auto", None)])
def test_tiers_of_service(tier: str, sent: str | None) -> None:
    asked = content_body(job(service_tier=tier), candidate())
    assert asked.body.get("serviceTier") == sent
    assert asked.adapted == ()
    assert len(content_body(job(service_tier="gold"), candidate()).adapted) == 1


@pytest.mark.parametrize(("given", "sent"), [(True, {"responseLogprobs": True}), (False, None)])
def test_log_probabilities(given: bool, sent: object) -> None:
    assert body(job(logprobs=given)).get("generationConfig") == sent


def narrowed(schema: dict[str, object]) -> Any:
    return response_schema(ObjectSchema(name="X", schema=freeze(schema)))  # pyright: ignore


NODE: dict[str, object] = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        (
            {"type": "string", "minLength": 2, "description": "A name."},
            {"type": "string", "description": "A name. (minLength: 2)"},
        ),
        ({"type": ["string", "null"], "default": None}, {"type": ["string", "null"]}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"const": True}, {"description": "(const: true)"}),
        ({"enum": [1, 2]}, {"enum": [1, 2]}),
        ({"allOf": [{"type": "string"}], "title": "T"}, {"type": "string", "title": "T"}),
        (
            {"type": "object", "additionalProperties": {"type": "number"}},
            {"type": "object", "additionalProperties": {"type": "number"}},
        ),
        (
            {"type": "array", "items": {}, "minItems": 2, "uniqueItems": True},
            {"type": "array", "items": {}, "minItems": 2, "description": "(uniqueItems: true)"},
        ),
        (
            {"type": "object", "properties": {"minLength": {"type": "string"}}},
            {"type": "object", "properties": {"minLength": {"type": "string"}}},
        ),
        (
            {"$ref": "#/$defs/A", "description": "d", "$defs": {"A": {"type": "string"}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}},
        ),
        ({**NODE, "$defs": {"Node": NODE}}, {**NODE, "$defs": {"Node": NODE}}),
    ],
)
def test_a_schema_in_the_form_that_google_takes(schema: dict[str, object], sent: object) -> None:
    assert narrowed(schema) == sent


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "patternProperties": {"a": {}}},
        {"not": {"type": "string"}},
        {"allOf": [{"type": "string"}, {"minLength": 1}]},
        {**NODE, "required": ["next"], "$defs": {"Node": {**NODE, "required": ["next"]}}},
        {"$ref": "#/$defs/missing"},
    ],
)
def test_a_schema_that_google_has_no_form_for_is_asked_for_in_words(schema: dict[str, object]) -> None:
    assert narrowed(schema) is None
    wanted = ObjectSchema(name="X", schema=freeze(schema))  # pyright: ignore
    asked = content_body(LlmJob(messages=job().messages, schema=wanted), candidate())
    assert asked.body["generationConfig"] == {"responseMimeType": "application/json"}
    assert "JSON Schema" in str(asked.body["systemInstruction"])
    assert len(asked.adapted) == 1
