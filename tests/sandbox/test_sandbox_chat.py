from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from sandbox.raw import chat, send

from pipelex_like.sandbox.model.drawing import draw

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


def message(sandbox: Sandbox, body: dict[str, object]) -> Any:
    answer = send(sandbox, body)
    assert answer.status == 200, answer.body
    return answer.json["choices"][0]["message"]


def test_a_text_answer_says_that_it_is_simulated(sandbox: Sandbox) -> None:
    answer = send(sandbox, chat("Why is the sky blue?")).json
    said = answer["choices"][0]["message"]["content"]
    assert said.startswith('Simulated answer: you wrote "Why is the sky blue?".')
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] == 6 + 3
    assert answer["usage"]["total_tokens"] == 9 + answer["usage"]["completion_tokens"]


def test_the_same_prompt_gets_the_same_answer_streamed_or_not(sandbox: Sandbox) -> None:
    whole = send(sandbox, chat("Hello there")).json
    stream = send(sandbox, chat("Hello there", stream=True, stream_options={"include_usage": True}))
    *chunks, usage, end = stream.events
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert end == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    pieces = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    assert "".join(pieces) == whole["choices"][0]["message"]["content"]
    assert len([piece for piece in pieces if piece]) == whole["usage"]["completion_tokens"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert (usage["choices"], usage["usage"]) == ([], whole["usage"])
    assert all(chunk["usage"] is None for chunk in chunks)


def test_a_stream_counts_only_when_asked(sandbox: Sandbox) -> None:
    events = send(sandbox, chat(stream=True)).events
    assert not any("usage" in event for event in events[:-1])


def test_limits_and_stop_words_hold(sandbox: Sandbox) -> None:
    cut = send(sandbox, chat("Hello", max_tokens=3)).json
    choice = cut["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Simulated answer", "length")
    assert cut["usage"]["completion_tokens"] == 3
    stopped = send(sandbox, chat("Hello", stop=["answer", "zzz"])).json["choices"][0]
    assert (stopped["message"]["content"], stopped["finish_reason"]) == ("Simulated ", "stop")


def test_reasoning_is_counted_and_uses_up_the_limit(sandbox: Sandbox) -> None:
    free, thinking = (send(sandbox, chat(reasoning_effort=effort)).json["usage"] for effort in ("none", "low"))
    assert thinking["completion_tokens_details"]["reasoning_tokens"] == 64
    assert thinking["completion_tokens"] == free["completion_tokens"] + 64
    short = send(sandbox, chat(reasoning_effort="high", max_completion_tokens=100)).json
    assert (short["choices"][0]["message"]["content"], short["choices"][0]["finish_reason"]) == ("", "length")
    assert short["usage"]["completion_tokens"] == 100


def test_several_choices_differ_and_are_all_counted(sandbox: Sandbox) -> None:
    one, three = send(sandbox, chat()).json, send(sandbox, chat(n=3)).json
    assert len({choice["message"]["content"] for choice in three["choices"]}) == 3
    assert three["usage"]["completion_tokens"] > 3 * one["usage"]["completion_tokens"]
    streamed = send(sandbox, chat(n=3, stream=True)).events
    assert {event["choices"][0]["index"] for event in streamed[:-1]} == {0, 1, 2}


@pytest.mark.parametrize(
    ("more", "called"),
    [
        ({}, ["get_weather"]),
        ({"tool_choice": "none"}, None),
        ({"tool_choice": "required"}, ["get_weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}}, ["clock"]),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "clock"}}],
                    },
                }
            },
            None,
        ),
    ],
)
def test_tools_are_called_as_tool_choice_says(
    sandbox: Sandbox, more: dict[str, object], called: list[str] | None
) -> None:
    said = message(sandbox, chat("Please get weather for city: Paris", tools=[CLOCK, WEATHER], **more))
    calls = said.get("tool_calls")
    assert (calls and [call["function"]["name"] for call in calls]) == called
    if called == ["get_weather"]:
        assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Paris"}


def test_nothing_is_called_that_was_not_named(sandbox: Sandbox) -> None:
    assert "tool_calls" not in message(sandbox, chat("How warm is it?", tools=[WEATHER, CLOCK]))


def test_several_tools_are_called_together_unless_forbidden(sandbox: Sandbox) -> None:
    asked = chat("Use the clock, then get_weather. City: Rome", tools=[WEATHER, CLOCK])
    both = message(sandbox, asked)["tool_calls"]
    assert [call["function"]["name"] for call in both] == ["clock", "get_weather"]
    assert len({call["id"] for call in both}) == 2
    assert len(message(sandbox, {**asked, "parallel_tool_calls": False})["tool_calls"]) == 1


def test_tool_calls_are_streamed_in_pieces(sandbox: Sandbox) -> None:
    events = send(sandbox, chat("clock and get_weather, city: Oslo", tools=[WEATHER, CLOCK], stream=True)).events
    arguments, names = {0: "", 1: ""}, {}
    for event in events[:-1]:
        for call in event["choices"][0]["delta"].get("tool_calls", []):
            arguments[call["index"]] += call["function"]["arguments"]
            names.setdefault(call["index"], call["function"].get("name"))
    assert names == {0: "clock", 1: "get_weather"}
    assert json.loads(arguments[1]) == {"city": "Oslo"}
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_after_a_tools_result_it_answers_in_words(sandbox: Sandbox) -> None:
    first = message(sandbox, chat("get_weather, city: Oslo", tools=[WEATHER]))
    talk = [
        {"role": "user", "content": "get_weather, city: Oslo"},
        {key: first[key] for key in ("role", "content", "tool_calls")},
        {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "7 degrees"},
    ]
    said = message(sandbox, {"model": "x", "messages": talk, "tools": [WEATHER]})
    assert 'The tools answered "7 degrees".' in said["content"]


def test_pictures_and_files_are_seen(sandbox: Sandbox) -> None:
    png = base64.b64encode(draw("x", (640, 48))).decode()
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGkgdGhlcmU="}},
    ]
    answer = send(sandbox, {"model": "x", "messages": [{"role": "user", "content": parts}]}).json
    said = answer["choices"][0]["message"]["content"]
    assert "2 pictures: 640x48 PNG, by address, not fetched." in said
    assert "1 file: a.txt." in said
    assert "hi there" in said
    assert answer["usage"]["prompt_tokens"] == 3 + 3 + (85 + 2 * 170) + (85 + 170)


def test_json_object_answers_with_what_is_labelled(sandbox: Sandbox) -> None:
    asked = chat("Give JSON.\nInvoice No.: 17\nTotal: 3.50", response_format={"type": "json_object"})
    assert json.loads(message(sandbox, asked)["content"]) == {"invoice_no": "17", "total": "3.50"}


def test_json_object_follows_a_schema_in_the_prompt(sandbox: Sandbox) -> None:
    schema = json.dumps({"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]})
    asked = chat(f"Total: 3.50\nAnswer in JSON by this schema: {schema}", response_format={"type": "json_object"})
    assert json.loads(message(sandbox, asked)["content"]) == {"total": 3.5}


def test_a_schema_answer_can_be_cut_by_the_limit(sandbox: Sandbox) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}}
    whole = send(sandbox, chat(response_format=form)).json["choices"][0]
    assert (whole["message"]["content"], whole["finish_reason"]) == ("{}", "stop")
    assert send(sandbox, chat(response_format=form, max_tokens=1)).json["choices"][0]["finish_reason"] == "length"


def user(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


def schema_format(schema: object, *, strict: bool = True) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "thing", "strict": strict, "schema": schema}}


CLOSED = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": user(None)}, "messages[0].content"),
        ({"messages": user([])}, "messages[0].content"),
        ({"messages": user([{"type": "text"}])}, "messages[0].content[0].text"),
        ({"messages": user([{"type": "picture"}])}, "messages[0].content[0].type"),
        (
            {"messages": user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}])},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": user([{"type": "image_url", "image_url": {"url": "cat.png"}}])},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [{"role": "system", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                    },
                    {"role": "user", "content": "x"},
                ]
            },
            "messages[1]",
        ),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"7": 101}}, "logit_bias.7"),
        ({"tools": []}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [CLOCK, CLOCK]}, "tools"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "objekt"}}}]},
            "tools[0].function.parameters",
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [CLOCK], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_object"}}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "response_format.json_schema.schema",
        ),
        ({"response_format": schema_format({"type": "array"})}, "response_format.json_schema.schema"),
        (
            {"response_format": schema_format({**CLOSED, "properties": {"a": {"type": "string"}}})},
            "response_format.json_schema.schema",
        ),
        (
            {
                "response_format": schema_format(
                    {**CLOSED, "properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"]}
                )
            },
            "response_format.json_schema.schema",
        ),
    ],
)
def test_wrong_requests_are_refused_with_the_place(sandbox: Sandbox, more: dict[str, object], param: str) -> None:
    body = {key: value for key, value in {**chat("Hello"), **more}.items() if value is not None}
    refused = send(sandbox, body)
    assert refused.status == 400, refused.body
    assert refused.json["error"]["type"] == "invalid_request_error"
    assert refused.json["error"]["param"] == param


def test_a_schema_nested_without_end_is_refused(sandbox: Sandbox) -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    assert send(sandbox, chat(response_format=schema_format(schema, strict=False))).status == 400


def test_parameters_of_other_servers_are_let_pass(sandbox: Sandbox) -> None:
    assert send(sandbox, chat(top_k=5, repetition_penalty=1.1, my_own={"x": 1})).status == 200
