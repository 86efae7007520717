"""The body of a message where settings meet each other. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from workers.given import INVOICE, WEATHER, candidate, job

from pipelex_like.deck import Constraints
from pipelex_like.types import FrozenDict, ImagePart, LlmJob, Media, Message, ObjectSchema, ReasoningPart, TextPart
from pipelex_like.workers.anthropic.request import Asked, message_body

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS = Constraints(thinking_cannot_be_disabled=True)


def asked(settings: Mapping[str, object], *, tools: bool = False, **spec: object) -> Asked:
    tooled = (WEATHER,) if tools else ()
    return message_body(LlmJob(messages=job().messages, tools=tooled, settings=FrozenDict(settings)), candidate(**spec))


@pytest.mark.parametrize(
    ("settings", "ceiling", "sent"),
    [
        ({}, None, 8192),
        ({}, 4096, 4096),
        ({}, "auto", 8192),
        ({}, 64000, 8192),
        ({"max_tokens": 20000}, 64000, 20000),
        ({"max_tokens": 90000}, 64000, 64000),
        ({"max_tokens": "auto"}, 64000, 8192),
    ],
)
def test_a_number_of_tokens_is_always_sent(settings: dict[str, object], ceiling: object, sent: int) -> None:
    assert asked(settings, max_tokens=ceiling).body["max_tokens"] == sent


SUMMARY = {"type": "adaptive", "display": "summarized"}


def manual(budget: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("mode", "settings", "thinking", "effort", "told"),
    [
        ("none", {"reasoning_effort": "high"}, None, None, "does not think"),
        ("none", {"reasoning_budget": 2000}, None, None, "does not think"),
        ("none", {"reasoning_effort": "none", "reasoning_budget": 0}, None, None, None),
        ("manual", {}, None, None, None),
        ("manual", {"reasoning_effort": "none"}, None, None, None),
        ("manual", {"reasoning_budget": 0}, None, None, None),
        ("manual", {"reasoning_effort": "minimal"}, manual(1024), None, None),
        ("manual", {"reasoning_budget": 5000}, manual(5000), None, None),
        ("manual", {"reasoning_budget": 10}, manual(1024), None, "raised to 1024"),
        ("manual", {"reasoning_budget": 5000, "reasoning_effort": "low"}, manual(5000), None, "reasoning_effort: left"),
        ("manual", {"reasoning_budget": 5000, "max_tokens": 4000}, manual(2000), None, "lowered to 2000"),
        ("manual", {"reasoning_budget": 5000, "max_tokens": 1000}, None, None, "no room"),
        ("adaptive", {}, None, None, None),
        ("adaptive", {"reasoning_effort": "none"}, {"type": "disabled"}, None, None),
        ("adaptive", {"reasoning_budget": 0}, {"type": "disabled"}, None, None),
        ("adaptive", {"reasoning_effort": "minimal"}, SUMMARY, "low", "minimal became low"),
        ("adaptive", {"reasoning_effort": "xhigh"}, SUMMARY, "xhigh", None),
        ("adaptive", {"reasoning_budget": 8000}, SUMMARY, "medium", 'became the effort "medium"'),
        ("adaptive", {"reasoning_budget": 10**6}, SUMMARY, "max", 'became the effort "max"'),
        ("adaptive", {"reasoning_budget": 9, "reasoning_effort": "low"}, SUMMARY, "low", "reasoning_budget: left"),
        (None, {"reasoning_effort": "high"}, SUMMARY, "high", None),
        (None, {"reasoning_budget": 2000}, manual(2000), None, None),
    ],
)
def test_thinking_in_the_words_of_the_model(
    mode: str | None, settings: dict[str, object], thinking: object, effort: str | None, told: str | None
) -> None:
    given = asked(settings, thinking_mode=mode)
    config: Any = given.body.get("output_config", {})
    assert (given.body.get("thinking"), config.get("effort")) == (thinking, effort)
    assert (told is None) == (given.adapted == ())
    assert told is None or any(told in line for line in given.adapted)


def test_a_budget_leaves_room_for_the_answer() -> None:
    assert asked({"reasoning_budget": 20000}, thinking_mode="manual", max_tokens=64000).body["max_tokens"] == 28192
    small = asked({"reasoning_budget": 20000}, thinking_mode="manual", max_tokens=8192).body
    assert (small["max_tokens"], small["thinking"]) == (8192, manual(4096))


def test_a_model_that_always_thinks_is_never_told_not_to() -> None:
    for settings in ({"reasoning_effort": "none"}, {"reasoning_budget": 0}):
        body = asked(settings, thinking_mode="adaptive", constraints=ALWAYS).body
        assert (body["thinking"], body["output_config"]) == (SUMMARY, {"effort": "low"})


@pytest.mark.parametrize(
    ("settings", "spec", "choice", "thinking", "told"),
    [
        ({}, {"thinking_mode": "none"}, "any", None, False),
        ({}, {"thinking_mode": "manual"}, "any", None, False),
        ({"reasoning_budget": 2000}, {"thinking_mode": "manual"}, "auto", manual(2000), True),
        # It thinks unless told otherwise, and then takes no forced tool.
        ({}, {"thinking_mode": "adaptive"}, "any", {"type": "disabled"}, False),
        ({"reasoning_effort": "low"}, {"thinking_mode": "adaptive"}, "auto", SUMMARY, True),
        ({}, {"thinking_mode": "adaptive", "constraints": ALWAYS}, "auto", None, True),
        ({}, {}, "any", None, False),
    ],
)
def test_nobody_who_thinks_is_forced_to_call_a_tool(
    settings: dict[str, object], spec: dict[str, object], choice: str, thinking: object, told: bool
) -> None:
    given = asked({"tool_choice": "required", **settings}, tools=True, **spec)
    assert given.body["tool_choice"] == {"type": choice}
    assert given.body.get("thinking") == thinking
    assert any("tool_choice: became auto" in line for line in given.adapted) is told


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "weather"}, {"type": "tool", "name": "weather"}),
        (
            {"tool_choice": FrozenDict(type="function", function=FrozenDict(name="weather"))},
            {"type": "tool", "name": "weather"},
        ),
        ({"tool_choice": FrozenDict(type="any")}, {"type": "any"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_the_choice_of_tools(settings: dict[str, object], sent: object) -> None:
    assert asked(settings, tools=True).body.get("tool_choice") == sent


def test_an_object_beside_tools_may_come_by_any_of_them() -> None:
    both = LlmJob(messages=job().messages, tools=(WEATHER,), schema=INVOICE)
    given = message_body(both, candidate(structure_method="tools"))
    assert given.body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert [tool["name"] for tool in given.body["tools"]] == ["weather", "Invoice"]  # pyright: ignore


def test_a_schema_that_cannot_be_written_narrowly_is_asked_for_by_a_tool() -> None:
    free = ObjectSchema(name="Free", schema=FrozenDict(type="object"))
    given = message_body(LlmJob(messages=job().messages, schema=free), candidate(structure_method="schema"))
    assert given.object_tool == "Free"
    assert "output_config" not in given.body


def test_an_object_of_a_model_that_thinks_is_asked_for_in_words_where_only_a_tool_could_force_it() -> None:
    job_of = LlmJob(messages=job().messages, schema=INVOICE)
    given = message_body(job_of, candidate(structure_method="tools", thinking_mode="adaptive", constraints=ALWAYS))
    assert given.object_tool is None
    assert not {"tools", "tool_choice", "thinking"} & given.body.keys()
    assert "JSON Schema" in str(given.body["system"])
    assert given.adapted == (
        "the object: asked for in words, since a model that thinks cannot be forced to call a tool",
    )


@pytest.mark.parametrize(
    ("settings", "sent", "left_out"),
    [
        ({"temperature": 0.3, "top_p": 0.9}, {"temperature": 0.3}, ["top_p"]),
        ({"top_p": 0.9, "top_k": 4}, {"top_p": 0.9, "top_k": 4}, []),
        ({"temperature": 0.3, "top_k": 4, "reasoning_effort": "low"}, {}, ["temperature", "top_k"]),
        ({"temperature": None, "top_p": None}, {}, []),
    ],
)
def test_sampling(settings: dict[str, object], sent: dict[str, object], left_out: list[str]) -> None:
    given = asked(settings, thinking_mode="adaptive")
    found = {name: given.body[name] for name in ("temperature", "top_p", "top_k") if name in given.body}
    assert found == sent
    assert [line.split(":")[0] for line in given.adapted] == left_out


def test_extra_adds_to_what_several_settings_share() -> None:
    extra = FrozenDict(output_config=FrozenDict(task="x"), thinking=FrozenDict(type="disabled"))
    body = asked({"reasoning_effort": "low", "extra": extra}, thinking_mode="adaptive").body
    assert (body["output_config"], body["thinking"]) == ({"effort": "low", "task": "x"}, {"type": "disabled"})


@pytest.mark.parametrize(("tier", "sent"), [("auto", "auto"), ("standard", "standard_only"), ("flex", None)])
def test_the_tier_of_service(tier: str, sent: str | None) -> None:
    given = asked({"service_tier": tier})
    assert given.body.get("service_tier") == sent
    assert bool(given.adapted) is (sent is None)


def test_turns_alternate_and_what_has_no_place_is_told() -> None:
    picture = ImagePart(Media(mime="image/png", data=b"x"))
    messages = (
        Message("user", (TextPart("a"), TextPart("  "))),
        Message("user", (TextPart("b"),)),
        Message("assistant", (ReasoningPart("hm"), TextPart("c"), picture)),
        Message("system", (TextPart("later"),)),
        Message("assistant", (TextPart("d"),)),
        Message("user", ()),
    )
    given = message_body(LlmJob(messages=messages), candidate())
    assert given.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
    ]
    assert given.body["system"] == "later"
    assert [line.split(":")[0] for line in given.adapted] == [
        "reasoning of earlier turns",
        "pictures and documents in a turn of the assistant",
        "system messages between the turns",
    ]
