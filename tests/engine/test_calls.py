"""Candidates in order, retries, limits, the record of attempts, and the error at the end."""

from __future__ import annotations

import asyncio
import copy
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, KEYS, USAGE, Stage, load, write
from pydantic import BaseModel

from pipelex_like import (
    AllCandidatesFailedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    CredentialsError,
    InvalidResponseError,
    LLMHandleNotFoundError,
    Message,
    OpaquePart,
    RateLimitError,
    ServerError,
    TextPart,
    UnreachableError,
    Usage,
)
from pipelex_like.types import LlmReply, ToolCall, ToolCallPart

if TYPE_CHECKING:
    from collections.abc import AsyncIterable
    from pathlib import Path

    from pipelex_like.types import TextStreamEvent

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


async def collected(stream: AsyncIterable[TextStreamEvent]) -> list[TextStreamEvent]:
    return [event async for event in stream]


class Invoice(BaseModel):
    vendor: str
    total: float


async def test_a_result_tells_who_served_and_what_it_cost(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        result = await ai.generate_text("hi", model="preset:calm")
    assert result.text == "hello from a"
    assert result.requested == "preset:calm"
    assert (result.served_by.backend, result.served_by.handle, result.served_by.model_id) == ("a", "a-large", "a-1")
    assert result.usage == USAGE
    assert result.cost == Decimal(2)
    assert [attempt.outcome for attempt in result.attempts] == ["ok"]
    assert result.message == Message("assistant", (TextPart("hello from a"),))
    assert result.request_id.startswith("req_")
    assert not result.simulated
    assert stage.sent[0].settings == {"temperature": 0.1}
    assert result == pickle.loads(pickle.dumps(result)) == copy.deepcopy(result)


async def test_candidates_are_tried_in_order_and_each_attempt_is_kept(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [RateLimitError("a is busy", status=429)], "b": [CredentialsError("b knows no such key")]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi")
        again = await ai.generate_text("hi", cooldown=0)
    assert stage.order == ["a", "b", "c", "a"]
    assert result.text == "hello from c"
    assert [(one.backend, one.outcome, one.status) for one in result.attempts] == [
        ("a", "failed", 429),
        ("b", "failed", None),
        ("c", "ok", None),
    ]
    assert result.attempts[0].error is not None
    assert (result.attempts[0].error.type, result.attempts[0].error.message) == ("RateLimitError", "a is busy")
    assert result.cost == Decimal(2)
    assert len(again.attempts) == 1


@pytest.mark.parametrize(("retries", "requests"), [(None, 3), (0, 1), (1, 2)])
async def test_a_server_error_is_retried_within_the_count(tmp_path: Path, retries: int | None, requests: int) -> None:
    write(tmp_path)
    stage = Stage({"a": [ServerError("down", status=500) for _ in range(9)]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(ServerError) as raised:
            await ai.generate_text("hi", model="a-large", max_retries=retries)
    assert stage.order == ["a"] * requests
    assert len(raised.value.attempts) == requests
    assert raised.value.status == 500


async def test_a_backends_own_retries_hold_for_it_alone(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / ".pipelex/inference/backends.toml"
    file.write_text(file.read_text().replace('api_key = "${A_KEY}"', 'api_key = "${A_KEY}"\nmax_retries = 0'))
    stage = Stage({"a": [ServerError("a")], "b": [UnreachableError("b"), UnreachableError("b")]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi")
    assert stage.order == ["a", "b", "b", "b"]
    assert result.text == "hello from b"


async def test_max_attempts_bounds_all_requests(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({name: [ServerError(f"{name} is down")] * 5 for name in "abc"})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(AllCandidatesFailedError, match="max_attempts = 4") as raised:
            await ai.generate_text("hi", max_attempts=4)
    assert stage.order == ["a", "a", "a", "b"]
    assert len(raised.value.attempts) == 4


async def test_all_failed_lists_every_attempt_first_cause_first(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage(
        {
            "a": [RateLimitError("a is busy", retry_after=7, status=429)],
            "b": [CredentialsError("b refuses", status=401)],
        }
    )
    stage.missing["c"] = CapabilityError("c has no worker yet")
    async with load(tmp_path, stage) as ai:
        with pytest.raises(AllCandidatesFailedError) as raised:
            await ai.generate_text("hi")
    error = raised.value
    told = str(error)
    assert told.index("a is busy") < told.index("b refuses") < told.index("c has no worker yet")
    assert [one.outcome for one in error.attempts] == ["failed", "failed", "skipped"]
    assert (error.status, error.retry_after, error.retryable) == (429, 7, True)
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.attempts, copied.status) == (told, error.attempts, 429)


async def test_a_bad_request_stops_the_walk_and_a_call_may_say_otherwise(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [BadRequestError("wrong", status=400), BadRequestError("wrong", status=400)]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(BadRequestError) as raised:
            await ai.generate_text("hi")
        assert stage.order == ["a"]
        assert len(raised.value.attempts) == 1
        result = await ai.generate_text("hi", actions={"bad_request": "next"})
    assert result.served_by.backend == "b"


async def test_candidates_that_cannot_take_the_request_are_skipped_with_the_reason(tmp_path: Path) -> None:
    blind = '\ndefault_sdk = "openai"\n[a-large]\ninputs = ["text"]\noutputs = ["text"]\n'
    write(tmp_path, a=blind, deck='[aliases]\nchain = ["a-large", "b-large"]\n')
    async with load(tmp_path, stage := Stage()) as ai:
        result = await ai.generate_text("what is it?", model="chain", images=[PNG])
        assert result.served_by.backend == "b"
        assert result.attempts[0].outcome == "skipped"
        assert result.attempts[0].error is not None
        assert "images" in result.attempts[0].error.message
        with pytest.raises(CapabilityError, match=r"a \(a-large\)"):
            await ai.generate_text("what is it?", model="a-large", images=[PNG])
    assert stage.order == ["b"]


async def test_when_nobody_can_do_it_the_error_is_about_that(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage(missing={name: CapabilityError(f'backend "{name}" has no worker yet') for name in "abc"})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(CapabilityError, match="no worker yet") as raised:
            await ai.generate_text("hi")
    assert [one.outcome for one in raised.value.attempts] == ["skipped"] * 3


async def test_a_broken_backend_names_its_variable(tmp_path: Path) -> None:
    write(tmp_path, routing='active = "main"\n[profiles.main]\ndefault = "a"\nfallback_order = ["a"]\n')
    environ = {"B_KEY": "b", "C_KEY": "c"}
    async with load(tmp_path, stage := Stage(), environ=environ, lenient=True) as ai:
        with pytest.raises(CredentialsError, match="A_KEY") as raised:
            await ai.generate_text("hi", model="a-large")
    assert "https://a.example/keys" in str(raised.value)
    assert raised.value.attempts[0].outcome == "skipped"
    assert stage.sent == []


async def test_the_deadline_covers_the_whole_chain(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [RateLimitError("busy")], "b": [HANG]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(CallTimeoutError, match=r"b \(b-1\)") as raised:
            await ai.generate_text("hi", timeout=0.05)
    assert stage.order == ["a", "b"]
    assert stage.stopped == ["b"]
    assert [one.outcome for one in raised.value.attempts] == ["failed", "abandoned"]
    assert stage.sent[1].limits.timeout is not None
    assert stage.sent[1].limits.timeout <= 0.05


async def test_a_cancelled_call_ends_its_request_and_begins_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [HANG]}, waiting={"a": asyncio.Event()})
    async with load(tmp_path, stage) as ai:
        task = asyncio.create_task(ai.generate_text("hi"))
        await stage.waiting["a"].wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.stopped == ["a"]
        assert stage.order == ["a"]


async def test_limits_come_from_backend_profile_preset_and_call(tmp_path: Path) -> None:
    write(tmp_path, backends=BACKEND_LIMITS, deck=DECK_LIMITS, routing=ROUTING_LIMITS)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi", model="preset:p", max_event_bytes=99)
        await ai.generate_text("hi", model="a-large")
        await ai.generate_text("hi", model={"model": "a-large", "between_events_timeout": 3, "top_p": 0.5})
    first, second, third = (request.limits for request in stage.sent)
    assert (first.timeout, first.connect, first.first_event, first.between_events) == (11, 4, 2, 11)
    assert (first.max_event_bytes, first.max_stream_seconds) == (99, 60)
    assert (second.first_event, second.connect, second.max_stream_seconds) == (11, 5, 60)
    assert third.between_events == 3
    assert stage.sent[2].settings == {"top_p": 0.5}


BACKEND_LIMITS = """
[a]
enabled = true
api_key = "${A_KEY}"
timeout = 11
connect_timeout = 5
max_stream_seconds = 30
[b]
enabled = true
[c]
enabled = true
"""
DECK_LIMITS = """
[llm.presets]
p = { model = "a-large", connect_timeout = 4, first_event_timeout = 2 }
"""
ROUTING_LIMITS = """
active = "main"
[profiles.main]
fallback_order = ["a", "b", "c"]
max_stream_seconds = 60
"""


async def test_the_nearest_setting_wins_and_none_is_not_sent(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi", model="preset:calm", temperature=0.7, stop="END", extra={"x": [1]})
        await ai.generate_text("hi", model="preset:calm", temperature=None)
    assert stage.sent[0].settings == {"temperature": 0.7, "stop": "END", "extra": {"x": (1,)}}
    assert stage.sent[1].settings.get("temperature") is None


async def test_only_and_exclude_bound_every_attempt(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"b": [RateLimitError("busy")]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi", exclude=["a"])
        assert result.served_by.backend == "c"
        result = await ai.generate_text("hi", only=["b"])
        assert result.served_by.backend == "b"
        result = await ai.generate_text("hi", provider="c")
        assert result.served_by.backend == "c"
    assert stage.order == ["b", "c", "b", "c"]


async def test_an_object_that_does_not_fit_goes_on_and_is_paid_for(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage(
        {
            "a": [LlmReply(text='{"vendor": "ACME"}', usage=USAGE)],
            "b": [LlmReply(text="no JSON", usage=USAGE)],
            "c": [LlmReply(text='{"vendor": "ACME", "total": 3}', usage=USAGE)],
        }
    )
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_object("read it", Invoice, max_repairs=0, actions={"invalid_object": "next"})
    assert result.object == Invoice(vendor="ACME", total=3)
    assert [one.outcome for one in result.attempts] == ["failed", "failed", "ok"]
    assert result.attempts[0].error is not None
    assert "total: Field required" in result.attempts[0].error.message
    assert result.cost == Decimal(6)
    assert result.usage.input_tokens == 3_000_000
    schema = stage.sent[0].job.schema
    assert schema.name == "Invoice"
    assert not schema.wrapped


async def test_a_cut_object_says_that_it_was_cut(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [LlmReply(text='{"vendor": "A', usage=USAGE, finish_reason="length")]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(InvalidResponseError, match="max_tokens") as raised:
            await ai.generate_object("read it", Invoice, model="a-large")
    assert raised.value.attempts[0].usage == USAGE
    assert raised.value.attempts[0].cost == Decimal(2)


async def test_an_unknown_cost_is_none_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [CallTimeoutError("slow")]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi")
    assert result.served_by.backend == "b"
    assert result.cost is None
    assert result.cost_note is not None
    assert "a (a-1)" in result.cost_note


async def test_documents_and_pictures(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        read = await ai.extract(b"%PDF-1.7 ...", pages=[1, 2], max_nb_images=0)
        drawn = await ai.generate_images("a lighthouse", n=2, quality="high")
        assert (await ai.extract(b"%PDF-1.7 ...")).text == "one\n\ntwo"
        with pytest.raises(ValueError, match="count from 1"):
            await ai.extract(b"%PDF-1.7 ...", pages=[0])
        with pytest.raises(ValueError, match="n: expected"):
            await ai.generate_images("a lighthouse", n=0)
    assert [page.text for page in read.pages] == ["one", "two"]
    assert (read.usage.pages, read.cost) == (2, Decimal("0.02"))
    assert stage.sent[0].job.pages == (1, 2)
    assert (len(drawn.images), drawn.usage.images, drawn.cost) == (2, 2, Decimal("0.08"))


async def test_what_one_provider_understands_is_left_out_for_others(tmp_path: Path) -> None:
    write(tmp_path)
    opaque = OpaquePart(backend="a", data={"signature": "s"})
    stage = Stage({"a": [LlmReply(text="hm", usage=USAGE, opaque=(opaque,), reasoning="thinking")]})
    async with load(tmp_path, stage) as ai:
        first = await ai.generate_text("hi")
        history = [Message("user", (TextPart("hi"),)), first.message, Message("user", (TextPart("go on"),))]
        stage.script["a"] = [RateLimitError("busy")]
        second = await ai.generate_text(history)
    assert first.message.parts[0] == opaque
    assert opaque in stage.sent[1].job.messages[1].parts
    assert opaque not in stage.sent[2].job.messages[1].parts
    assert second.served_by.backend == "b"
    assert ['"a"' in line for line in second.adapted] == [True]


async def test_tool_calls_are_returned_and_stand_in_the_message(tmp_path: Path) -> None:
    write(tmp_path)
    call = ToolCall(id="1", name="add", arguments={"a": 1}, raw='{"a": 1}')
    stage = Stage({"a": [LlmReply(tool_calls=(call,), usage=Usage(), finish_reason="tool_calls")]})

    def add(a: int) -> int:
        """Add one."""
        raise AssertionError("a tool is never executed")

    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("add", tools=[add])
    assert result.tool_calls == (call,)
    assert result.message.parts == (ToolCallPart(call),)
    assert stage.sent[0].job.tools[0].name == "add"


async def test_wrong_options_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        with pytest.raises(TypeError, match='Did you mean "temperature"'):
            await ai.generate_text("hi", temprature=1)
        with pytest.raises(ValueError, match="temperature"):
            await ai.generate_text("hi", temperature=3)
        with pytest.raises(TypeError, match="timeout"):
            await ai.generate_text("hi", timeout="30")
        with pytest.raises(TypeError, match="max_cost"):
            await ai.generate_text("hi", max_cost="1")
        with pytest.raises(ValueError, match='Did you mean "rate_limit"'):
            await ai.generate_text("hi", actions={"ratelimit": "next"})
        with pytest.raises(TypeError, match="temprature"):
            await ai.generate_text("hi", model={"model": "a-large", "temprature": 1})
        with pytest.raises(ValueError, match="empty"):
            await ai.generate_text(" ")
        with pytest.raises(LLMHandleNotFoundError, match="a-large"):
            await ai.generate_text("hi", model="a-larg")
    assert stage.sent == []


async def test_an_object_result_can_be_pickled_and_a_stranger_error_passes_through(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [LlmReply(text='{"vendor": "A", "total": 1}', usage=USAGE), TimeoutError("a bug of a worker")]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_object("read it", Invoice)
        with pytest.raises(TimeoutError, match="a bug"):
            await ai.generate_text("hi", timeout=5)
    assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result)


async def test_keys_reach_the_worker_and_no_repr(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        shown = repr(ai) + repr(ai.backends) + repr(ai.bound) + repr(ai.sync) + str(ai.router.explain("chain"))
    assert not [key for key in KEYS.values() if key in shown]


class Note(BaseModel):
    words: str


async def test_arguments_of_a_wrong_type_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        for wrong in (5, ["a-large"], b"a-large"):
            with pytest.raises(TypeError, match="model: expected a reference"):
                await ai.generate_text("hi", model=wrong)
        for wrong in (["1"], [1.0], [None], 1, "1"):
            with pytest.raises(TypeError, match="pages: expected"):
                await ai.extract(b"%PDF-1.7", pages=wrong)
        for wrong in ("2", 1.5, None):
            with pytest.raises(TypeError, match="n: expected"):
                await ai.generate_images("x", n=wrong)
    assert stage.sent == []


async def test_a_worker_that_cannot_be_opened_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage(broken={"a": ValueError("Invalid URL key-a")})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi")
        assert (await collected(ai.stream_text("hi")))[-1].type == "done"
        with pytest.raises(CapabilityError, match=r"a .a-1.: its client cannot be opened: Invalid URL"):
            await ai.generate_text("hi", model="a-large")
    assert [attempt.outcome for attempt in result.attempts] == ["failed", "ok"]
    assert "key-a" not in result.attempts[0].error.message
    assert result.cost == Decimal(2)


async def test_an_object_in_a_fence_is_taken_out_of_it(tmp_path: Path) -> None:
    write(tmp_path)
    fenced = '```json\n{"words": "a ``` b"}\n```'
    async with load(tmp_path, Stage({"a": [LlmReply(text=fenced), LlmReply(text=f" {fenced}\n")]})) as ai:
        assert (await ai.generate_object("hi", Note)).object == Note(words="a ``` b")
        assert (await ai.generate_object("hi", {"type": "object"})).object == {"words": "a ``` b"}


async def test_a_refusal_in_place_of_an_object_is_told_as_one(tmp_path: Path) -> None:
    write(tmp_path)
    said = LlmReply(text="I cannot help with that.", usage=USAGE, finish_reason="content_filter")
    async with load(tmp_path, stage := Stage({"a": [said]})) as ai:
        with pytest.raises(ContentPolicyError, match="refused to answer: I cannot help with that") as raised:
            await ai.generate_object("hi", Note, model="a-large")
    assert stage.order == ["a"]
    assert raised.value.attempts[0].cost == Decimal(2)


@pytest.mark.parametrize("error", [InvalidResponseError, UnreachableError])
async def test_what_broke_under_a_200_may_have_been_charged(tmp_path: Path, error: type[CallError]) -> None:
    write(tmp_path)
    stage = Stage({"a": [error("broken off", status=200), error("broken off", status=200)]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_text("hi", max_retries=0)
    assert (result.served_by.backend, result.cost) == ("b", None)
    assert "a (a-1)" in result.cost_note


async def test_none_is_as_good_as_no_files_and_no_tools(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage({"c": [LlmReply(text='{"value": 3}')]})) as ai:
        await ai.generate_text("hi", images=None, documents=None, tools=None)
        await ai.generate_object("three", int, images=None, documents=None, max_repairs=0, model="c-large")
        async with ai.stream_text("hi", images=None, documents=None, tools=None) as stream:
            assert [event.type async for event in stream][-1] == "done"
        await ai.generate_images("a tree", images=None)
    assert stage.sent[0].job.messages[0].parts == (TextPart("hi"),)
    assert stage.order == ["a", "c", "a", "a"]
