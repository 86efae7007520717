from __future__ import annotations

import pytest
from workers.given import INVOICE, WEATHER, candidate, job

from pipelex_like.errors import CapabilityError
from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
)
from pipelex_like.workers.openai.request import chat_body


@pytest.mark.parametrize(
    ("official", "spec", "name"),
    [
        (False, {}, "max_tokens"),
        (True, {}, "max_completion_tokens"),
        (False, {"thinking_mode": "manual"}, "max_completion_tokens"),
        (False, {"thinking_mode": "none"}, "max_tokens"),
        (True, {"rules": FrozenDict(max_tokens="max_tokens")}, "max_tokens"),
        (False, {"rules": FrozenDict(max_tokens="max_completion_tokens")}, "max_completion_tokens"),
    ],
)
def test_the_ceiling_has_the_name_that_the_model_wants(official: bool, spec: dict[str, object], name: str) -> None:
    body, _ = chat_body(job(max_tokens=9), candidate(**spec), official=official)
    assert {key: body[key] for key in body if key.startswith("max")} == {name: 9}


def test_auto_and_none_send_nothing() -> None:
    body, adapted = chat_body(job(max_tokens="auto", temperature=None, seed=None, top_k=None), candidate())
    assert (set(body), adapted) == ({"model", "messages"}, ())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (True, {"logprobs": True}),
        (0, {"logprobs": True, "top_logprobs": 0}),
        (4, {"logprobs": True, "top_logprobs": 4}),
        (False, {}),
    ],
)
def test_logprobs_take_a_flag_or_a_count(given: object, sent: dict[str, object]) -> None:
    body, _ = chat_body(job(logprobs=given), candidate())
    assert {key: body[key] for key in body if "logprobs" in key} == sent


@pytest.mark.parametrize("given", ["END", ("END",)])
def test_stop_is_sent_as_a_list(given: object) -> None:
    assert chat_body(job(stop=given), candidate())[0]["stop"] == ["END"]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_goes_back_where_the_spec_says_so(name: str) -> None:
    call = ToolCall(id="a", name="weather", raw="{}")
    turn = Message("assistant", (ReasoningPart("hm"), ReasoningPart("!"), ToolCallPart(call)))
    asked = LlmJob(messages=(turn, Message("tool", (ToolResultPart(call_id="a", text="sun"),))))
    body, adapted = chat_body(asked, candidate(rules=FrozenDict(reasoning_field=name)))
    assert body["messages"][0] == {  # pyright: ignore
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
        name: "hm!",
    }
    assert not adapted
    without, adapted = chat_body(asked, candidate())
    assert name not in without["messages"][0]  # pyright: ignore
    assert "reasoning of earlier turns" in adapted[0]


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_words_of_tool_choice_are_sent_as_they_are(choice: str) -> None:
    asked = LlmJob(messages=(), tools=(WEATHER,), settings=FrozenDict(tool_choice=choice))
    assert chat_body(asked, candidate())[0]["tool_choice"] == choice


def test_tool_settings_without_tools_are_left_out_and_listed() -> None:
    body, adapted = chat_body(job(tool_choice="auto", parallel_tool_calls=False), candidate())
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    assert [line.partition(":")[0] for line in adapted] == ["tool_choice", "parallel_tool_calls"]


def test_extra_has_the_last_word() -> None:
    body, _ = chat_body(job(temperature=1, extra={"temperature": 0, "x": [1]}), candidate())
    assert (body["temperature"], body["x"]) == (0, [1])


def test_an_object_as_a_tool_beside_other_tools_leaves_the_choice() -> None:
    asked = LlmJob(messages=(), tools=(WEATHER,), schema=INVOICE)
    body, _ = chat_body(asked, candidate(structure_method="tools"))
    tools = body["tools"]
    assert isinstance(tools, list)
    assert [tool["function"]["name"] for tool in tools] == ["weather", "Invoice"]
    assert body["tool_choice"] == "required"


def test_json_mode_without_a_system_message_gets_one() -> None:
    body, _ = chat_body(LlmJob(messages=job().messages, schema=INVOICE), candidate(structure_method="json"))
    messages = body["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["system", "user"]


def test_what_another_backend_gave_is_left_out_and_listed() -> None:
    turn = Message("assistant", (TextPart("x"), OpaquePart(backend="other", data=FrozenDict(signature="s"))))
    body, adapted = chat_body(LlmJob(messages=(turn,)), candidate())
    assert body["messages"] == [{"role": "assistant", "content": "x"}]
    assert "other" in adapted[0]


def test_pictures_of_the_assistant_are_left_out_and_listed() -> None:
    turn = Message("assistant", (TextPart("x"), ImagePart(Media(mime="image/png", data=b"p"))))
    body, adapted = chat_body(LlmJob(messages=(turn,)), candidate())
    assert body["messages"] == [{"role": "assistant", "content": "x"}]
    assert "assistant" in adapted[0]


def test_tool_results_in_a_users_turn_come_before_its_text() -> None:
    turn = Message("user", (TextPart("go on"), ToolResultPart(call_id="1", text="ok")))
    body, _ = chat_body(LlmJob(messages=(turn,)), candidate())
    assert body["messages"] == [
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "user", "content": "go on"},
    ]


@pytest.mark.parametrize(
    "media",
    [
        Media(mime="application/pdf", url="https://example.org/a.pdf"),
        Media(mime="application/msword", data=b"x", name="a"),
    ],
)
def test_a_document_that_the_wire_cannot_carry_is_refused(media: Media) -> None:
    with pytest.raises(CapabilityError, match="acme"):
        chat_body(job(DocumentPart(media)), candidate())


def test_the_same_job_gives_the_same_body_and_stays_unchanged() -> None:
    asked = job(system="Be kind.", stop=["a"], extra={"deep": {"x": 1}})
    first, _ = chat_body(asked, candidate())
    first["stop"].append("b")  # pyright: ignore
    second, _ = chat_body(asked, candidate())
    assert second["stop"] == ["a"]
