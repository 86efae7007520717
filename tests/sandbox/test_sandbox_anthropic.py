"""Anthropic's format: the real SDK takes every answer, and a wrong request is refused."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from pydantic import BaseModel
from sandbox.raw import Answer, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipelex_like.sandbox import Sandbox

PATH = "/v1/messages"
VERSION = {"anthropic-version": "2026-10-21"}
TOOL: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK: Any = [{"role": "user", "content": "get_weather for city: Rome"}]
USED: Any = [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}]


class Invoice(BaseModel):
    number: str
    total: float


@pytest.fixture
async def claude(sandbox: Sandbox) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        api_key=sandbox.api_key, base_url=sandbox.url, max_retries=0, timeout=10
    ) as running:
        yield running


async def test_a_message(claude: anthropic.AsyncAnthropic) -> None:
    answer = await claude.messages.create(model="x", max_tokens=100, messages=ASK, system="Be kind.")
    assert answer.content[0].type == "text"
    assert answer.content[0].text.startswith("Simulated answer:")
    assert (answer.stop_reason, answer.usage.cache_read_input_tokens) == ("end_turn", 0)
    assert answer._request_id == "req_sandbox_000001"


async def test_a_stream_is_put_together_to_the_same(claude: anthropic.AsyncAnthropic, sandbox: Sandbox) -> None:
    asked: Any = {"model": "x", "max_tokens": 500, "messages": ASK, "tools": [TOOL], "thinking": {"type": "adaptive"}}
    whole = await claude.messages.create(**asked)
    sandbox.reset()
    async with claude.messages.stream(**asked) as stream:
        kinds = {event.type async for event in stream}
        streamed = await stream.get_final_message()
    assert {"message_start", "input_json", "content_block_stop", "message_stop"} <= kinds
    assert [block.type for block in streamed.content] == ["thinking", "tool_use"]
    assert streamed.content[1].input == {"city": "Rome"}  # pyright: ignore
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert (streamed.stop_reason, streamed.usage.output_tokens) == ("tool_use", whole.usage.output_tokens)


async def test_a_conversation_with_tools_and_thoughts(claude: anthropic.AsyncAnthropic) -> None:
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    first = await claude.messages.create(model="x", max_tokens=2000, messages=ASK, tools=[TOOL], thinking=thinking)
    (use,) = [block for block in first.content if block.type == "tool_use"]
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "12 degrees"}]}
    talk: Any = [*ASK, {"role": "assistant", "content": first.content}, result]
    second = await claude.messages.create(model="x", max_tokens=2000, messages=talk, tools=[TOOL], thinking=thinking)
    assert "12 degrees" in second.content[-1].text  # pyright: ignore


async def test_an_object_parsed_into_a_model(claude: anthropic.AsyncAnthropic) -> None:
    asked: Any = [{"role": "user", "content": "number: INV-7\ntotal: 12.5"}]
    answer = await claude.messages.parse(model="x", max_tokens=200, messages=asked, output_format=Invoice)
    assert answer.parsed_output == Invoice(number="INV-7", total=12.5)


async def test_a_stop_sequence_is_named(claude: anthropic.AsyncAnthropic) -> None:
    answer = await claude.messages.create(model="x", max_tokens=100, messages=ASK, stop_sequences=["nowhere", "you"])
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "you")
    short = await claude.messages.create(model="x", max_tokens=2, messages=ASK)
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 2)


ERRORS = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.APIStatusError,
}


@pytest.mark.parametrize("status", ERRORS)
async def test_the_sdk_knows_the_errors(claude: anthropic.AsyncAnthropic, status: int) -> None:
    with pytest.raises(ERRORS[status]) as caught:
        await claude.messages.create(model=f"fault-status-{status}", max_tokens=9, messages=ASK)
    assert caught.value.status_code == status
    assert caught.value.body["type"] == "error"  # pyright: ignore


async def test_the_sdk_meets_an_error_inside_a_stream(claude: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="simulated fault"):
        async for _ in await claude.messages.create(model="fault-error-3", max_tokens=9, messages=ASK, stream=True):
            pass


def asked(sandbox: Sandbox, headers: dict[str, str] | None = None, **more: object) -> Answer:
    body = {"model": "x", "max_tokens": 100, "messages": ASK, **more}
    body = {key: value for key, value in body.items() if value is not None}
    return send(sandbox, body, path=PATH, headers=VERSION if headers is None else headers)


def picture(data: str, kind: str = "image/png") -> list[object]:
    source = {"type": "base64", "media_type": kind, "data": data}
    return [{"role": "user", "content": [{"type": "image", "source": source}]}]


def turns(*contents: object) -> list[object]:
    return [{"role": ("user", "assistant")[at % 2], "content": content} for at, content in enumerate(contents)]


OPEN = {"type": "json_schema", "schema": {"type": "object", "properties": {}}}
BOUNDED = {"type": "json_schema", "schema": {"type": "integer", "minimum": 1}}
WRONG: list[tuple[dict[str, object], str]] = [
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"seed": 1}, "seed: Extra inputs are not permitted"),
    ({"temperature": 1.5}, "temperature"),
    ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
    ({"stop_sequences": ["\n"]}, "non-whitespace"),
    ({"metadata": {"team": "a"}}, "metadata.team"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"messages": [{"role": "assistant", "content": "a"}]}, "first message"),
    ({"messages": [{"role": "system", "content": "a"}]}, "messages.0.role"),
    ({"messages": turns(" ")}, "more than blanks"),
    ({"messages": turns("a", USED, "b")}, "without 'tool_result'"),
    ({"messages": turns("a", USED)}, "without 'tool_result'"),
    ({"messages": turns([{"type": "tool_result", "tool_use_id": "t1"}])}, "does not use"),
    (
        {"messages": turns("a", USED, [{"type": "text", "text": "b"}, {"type": "tool_result", "tool_use_id": "t1"}])},
        "must stand before",
    ),
    ({"messages": turns("a", [{"type": "thinking", "thinking": "x", "signature": "y"}], "b")}, "Invalid 'signature'"),
    ({"messages": picture("no base64!")}, "base64"),
    ({"messages": picture(base64.b64encode(b"text").decode())}, "Could not process image"),
    ({"messages": picture("", "image/tiff")}, "media_type"),
    ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "pattern"),
    ({"tools": [{"name": "a", "input_schema": {"type": "string"}}]}, "input_schema"),
    ({"tool_choice": {"type": "auto"}}, "while providing tools"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "not found in provided tools"),
    ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "budget_tokens"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "greater than `thinking.budget_tokens`"),
    ({"thinking": {"type": "adaptive"}, "temperature": 0.5}, "temperature"),
    ({"thinking": {"type": "adaptive"}, "top_k": 5}, "top_k"),
    ({"thinking": {"type": "adaptive"}, "tools": [TOOL], "tool_choice": {"type": "any"}}, "forces tool use"),
    ({"output_config": {"effort": "minimal"}}, "effort"),
    ({"output_config": {"format": OPEN}}, "additionalProperties"),
    ({"output_config": {"format": BOUNDED}}, "'minimum' is not supported"),
]


@pytest.mark.parametrize(("more", "part"), WRONG, ids=[part for _, part in WRONG])
def test_a_wrong_request_is_refused_in_anthropics_form(sandbox: Sandbox, more: dict[str, object], part: str) -> None:
    refused = asked(sandbox, **more)
    assert refused.status == 400
    assert refused.json["type"] == "error"
    assert refused.json["error"]["type"] == "invalid_request_error"
    assert part in refused.json["error"]["message"]


def test_the_version_is_asked_for(sandbox: Sandbox) -> None:
    assert "header is required" in asked(sandbox, {}).json["error"]["message"]
    assert "not a valid version" in asked(sandbox, {"anthropic-version": "new"}).json["error"]["message"]


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_either_header_carries_the_key_and_none_is_refused(sandbox: Sandbox, header: str) -> None:
    key = sandbox.api_key if header == "x-api-key" else f"Bearer {sandbox.api_key}"
    body = {"model": "x", "max_tokens": 9, "messages": ASK}
    assert send(sandbox, body, path=PATH, key=None, headers={**VERSION, header: key}).status == 200
    assert sandbox.requests[-1].headers[header] == "[redacted]"
    refused = send(sandbox, body, path=PATH, key=None, headers=VERSION)
    assert (refused.status, refused.json["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize(
    ("mark", "five", "hour"),
    [({"type": "ephemeral"}, True, False), ({"type": "ephemeral", "ttl": "1h"}, False, True), (None, False, False)],
)
def test_what_is_marked_for_the_cache_counts_as_written(sandbox: Sandbox, mark: object, five: bool, hour: bool) -> None:
    block = {"type": "text", "text": "Hello", **({} if mark is None else {"cache_control": mark})}
    usage = asked(sandbox, messages=[{"role": "user", "content": [block]}]).json["usage"]
    split = usage["cache_creation"]
    assert (bool(split["ephemeral_5m_input_tokens"]), bool(split["ephemeral_1h_input_tokens"])) == (five, hour)
    assert usage["input_tokens"] + usage["cache_creation_input_tokens"] == 4


def test_a_stream_ends_with_its_usage_and_no_end_can_be_wished(sandbox: Sandbox) -> None:
    kinds = [event["type"] for event in asked(sandbox, stream=True).events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    cut = asked(sandbox, stream=True, model="fault-noend").events
    assert [event["type"] for event in cut] == kinds[:-2]


def test_a_fifth_mark_for_the_cache_is_refused(sandbox: Sandbox) -> None:
    block = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    assert asked(sandbox, messages=[{"role": "user", "content": [block] * 4}]).status == 200
    refused = asked(sandbox, messages=[{"role": "user", "content": [block] * 5}])
    assert (refused.status, refused.json["error"]["type"]) == (400, "invalid_request_error")
    assert "Found 5" in refused.json["error"]["message"]


def test_what_was_kept_is_forgotten_with_the_requests(sandbox: Sandbox) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}]
    reads = [asked(sandbox, messages=messages).json["usage"]["cache_read_input_tokens"] for _ in range(2)]
    sandbox.reset()
    reads.append(asked(sandbox, messages=messages).json["usage"]["cache_read_input_tokens"])
    assert [bool(read) for read in reads] == [False, True, False]
