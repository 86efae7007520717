from __future__ import annotations

import pytest
from workers.given import INVOICE, WEATHER, candidate, job
from workers.openai_responses.test_recorded_requests import KEPT, THINKER, history
from workers.openai_responses.wire import called, said

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
    Tool,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    freeze,
)
from pipelex_like.workers.openai.request import chat_body
from pipelex_like.workers.openai_responses.request import response_body


def items_of(*messages: Message) -> list[object]:
    body, _ = response_body(LlmJob(messages=messages), candidate())
    assert isinstance(body["input"], list)
    return body["input"]


def test_nothing_is_stored_unless_extra_says_so() -> None:
    assert response_body(job(), candidate())[0]["store"] is False
    assert response_body(job(extra={"store": True}), candidate())[0]["store"] is True


def test_extra_adds_to_tables_and_has_the_last_word() -> None:
    settings = {
        "reasoning_effort": "low",
        "extra": {"reasoning": {"summary": "detailed"}, "text": {"verbosity": "low"}},
    }
    asked = LlmJob(messages=job().messages, schema=INVOICE, settings=freeze(settings))  # pyright: ignore
    body, _ = response_body(asked, candidate())
    assert body["reasoning"] == {"effort": "low", "summary": "detailed"}
    text = body["text"]
    assert isinstance(text, dict)
    assert set(text) == {"format", "verbosity"}


@pytest.mark.parametrize(
    ("effort", "mode", "reasoning", "included"),
    [
        (None, None, None, False),
        (None, "none", None, False),
        (None, "adaptive", {"summary": "auto"}, True),
        ("high", "adaptive", {"effort": "high", "summary": "auto"}, True),
        ("high", None, {"effort": "high", "summary": "auto"}, True),
        ("none", "adaptive", {"effort": "none"}, False),
    ],
)
def test_a_model_that_thinks_is_asked_for_its_thoughts(
    effort: str | None, mode: str | None, reasoning: object, included: bool
) -> None:
    body, _ = response_body(job(reasoning_effort=effort), candidate(thinking_mode=mode))
    assert body.get("reasoning") == reasoning
    assert body.get("include") == (["reasoning.encrypted_content"] if included else None)


@pytest.mark.parametrize(("effort", "reasoning"), [("low", {"effort": "low"}), (None, None)])
def test_a_rule_asks_for_no_summary(effort: str | None, reasoning: object) -> None:
    chosen = candidate(thinking_mode="adaptive", rules=FrozenDict(reasoning_summary=False))
    body, _ = response_body(job(reasoning_effort=effort), chosen)
    assert body.get("reasoning") == reasoning
    assert body["include"] == ["reasoning.encrypted_content"]


def test_few_tokens_are_raised_to_what_the_protocol_takes() -> None:
    body, adapted = response_body(job(max_tokens=1), candidate())
    assert body["max_output_tokens"] == 16
    assert "raised" in adapted[0]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (True, {"include": ["message.output_text.logprobs"]}),
        (0, {"include": ["message.output_text.logprobs"], "top_logprobs": 0}),
        (False, {}),
    ],
)
def test_logprobs_take_a_flag_or_a_count(given: object, sent: dict[str, object]) -> None:
    body, _ = response_body(job(logprobs=given), candidate())
    assert {key: body[key] for key in ("include", "top_logprobs") if key in body} == sent


def test_what_has_no_word_is_listed() -> None:
    names = ("stop", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "top_k", "reasoning_budget")
    body, adapted = response_body(job(**dict.fromkeys(names, 1)), candidate())
    assert set(body) == {"model", "input", "store"}
    assert sorted(line.partition(":")[0] for line in adapted) == sorted(names)


@pytest.mark.parametrize("strict", [None, False, True])
def test_a_tool_is_strict_only_where_it_says_so(strict: bool | None) -> None:
    tool = Tool(name="a", parameters=FrozenDict(type="object"), strict=strict)
    body, _ = response_body(LlmJob(messages=(), tools=(tool,)), candidate())
    tools = body["tools"]
    assert isinstance(tools, list)
    assert tools[0]["strict"] is bool(strict)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ("weather", {"type": "function", "name": "weather"}),
        ({"type": "function", "function": {"name": "weather"}}, {"type": "function", "name": "weather"}),
        ({"type": "allowed_tools", "mode": "auto"}, {"type": "allowed_tools", "mode": "auto"}),
    ],
)
def test_a_choice_of_tools_is_flat(given: object, sent: object) -> None:
    asked = LlmJob(messages=(), tools=(WEATHER,), settings=FrozenDict(tool_choice=freeze(given)))
    assert response_body(asked, candidate())[0]["tool_choice"] == sent


def test_tool_settings_without_tools_are_left_out_and_listed() -> None:
    body, adapted = response_body(job(tool_choice="auto", parallel_tool_calls=False), candidate())
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    assert [line.partition(":")[0] for line in adapted] == ["tool_choice", "parallel_tool_calls"]


def test_an_object_as_a_tool_beside_other_tools_leaves_the_choice() -> None:
    asked = LlmJob(messages=(), tools=(WEATHER,), schema=INVOICE)
    body, _ = response_body(asked, candidate(structure_method="tools"))
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


CALL = ToolCallPart(ToolCall(id="1", name="weather"))


def test_items_keep_the_order_of_the_parts() -> None:
    turn = Message("assistant", (TextPart("a"), CALL, TextPart("b"), TextPart("c")))
    call = {"type": "function_call", "call_id": "1", "name": "weather", "arguments": "{}"}
    assert items_of(turn) == [
        {"role": "assistant", "content": "a"},
        call,
        {"role": "assistant", "content": "bc"},
    ]


def test_tool_results_in_a_users_turn_come_before_its_text() -> None:
    turn = Message("user", (TextPart("go on"), ToolResultPart(call_id="1", text="ok")))
    assert items_of(turn) == [
        {"type": "function_call_output", "call_id": "1", "output": "ok"},
        {"role": "user", "content": "go on"},
    ]


def test_an_empty_turn_stays_one() -> None:
    assert items_of(Message("user", ())) == [{"role": "user", "content": ""}]


@pytest.mark.parametrize(
    ("part", "said_in_adapted"),
    [
        (ImagePart(Media(mime="image/png", data=b"p")), "assistant"),
        (ReasoningPart("hm"), "reasoning"),
        (OpaquePart(backend="other", data=KEPT.data), "encrypted"),
        (OpaquePart(backend="acme", data=FrozenDict({**KEPT.data, "model": "gpt-other"})), "encrypted"),
        (OpaquePart(backend="acme", data=FrozenDict(reasoning_details=(1,))), "encrypted"),
    ],
)
def test_what_cannot_go_back_is_left_out_and_listed(part: object, said_in_adapted: str) -> None:
    turn = Message("assistant", (TextPart("x"), part))  # pyright: ignore
    body, adapted = response_body(LlmJob(messages=(turn,)), candidate())
    assert body["input"] == [{"role": "assistant", "content": "x"}]
    assert said_in_adapted in adapted[0]


def test_thoughts_go_before_what_the_caller_changed() -> None:
    changed = Message("assistant", (KEPT, TextPart("Two moments.")))
    body, _ = response_body(LlmJob(messages=(changed,)), THINKER)
    items = body["input"]
    assert isinstance(items, list)
    assert [item.get("type", item.get("role")) for item in items] == ["reasoning", "assistant"]


def test_an_answer_goes_back_as_it_came() -> None:
    body, adapted = response_body(history(KEPT), THINKER)
    items = body["input"]
    assert isinstance(items, list)
    assert items[3:5] == [said("One moment."), called("call_9")]
    assert adapted == ()


def test_chat_completions_leave_out_what_responses_kept() -> None:
    body, adapted = chat_body(history(KEPT), THINKER)
    messages = body["messages"]
    assert isinstance(messages, list)
    assert set(messages[2]) == {"role", "content", "tool_calls"}
    assert "another protocol" in adapted[0]


@pytest.mark.parametrize(
    "media",
    [
        Media(mime="text/plain", url="https://example.org/a.txt"),
        Media(mime="application/zip", data=b"x", name="a"),
    ],
)
def test_a_document_that_the_wire_cannot_carry_is_refused(media: Media) -> None:
    with pytest.raises(CapabilityError, match="acme"):
        response_body(job(DocumentPart(media)), candidate())


def test_a_picture_handed_over_as_a_document_is_a_picture() -> None:
    body, _ = response_body(job(DocumentPart(Media(mime="image/png", data=b"p"))), candidate())
    assert "input_image" in str(body["input"])


def test_the_same_job_gives_the_same_body_and_stays_unchanged() -> None:
    asked = job(extra={"deep": {"x": 1}})
    first, _ = response_body(asked, candidate())
    first["deep"]["x"] = 2  # pyright: ignore
    assert response_body(asked, candidate())[0]["deep"] == {"x": 1}
