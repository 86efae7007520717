"""Streams: fallback until the first event, honesty after it, nothing left open."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, USAGE, Stage, load, write
from pydantic import BaseModel

from pipelex_like import (
    CallTimeoutError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    TextResult,
    UnreachableError,
)
from pipelex_like.types import (
    EndPiece,
    LlmReply,
    ObjectEvent,
    ReasoningEvent,
    ReasoningPiece,
    TextEvent,
    TextPiece,
    ToolCall,
    ToolCallEvent,
    ToolCallPiece,
)

if TYPE_CHECKING:
    from pathlib import Path


class Invoice(BaseModel):
    vendor: str
    total: float


async def test_the_result_is_that_of_the_call_without_a_stream(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        whole = await ai.generate_text("hi")
        async with ai.stream_text("hi") as stream:
            with pytest.raises(RuntimeError, match="read it to its end"):
                stream.result()
            events = [event async for event in stream]
            result = stream.result()
    assert [event.type for event in events] == ["text", "text", "text", "done"]
    assert [event.text for event in events[:-1]] == ["hello", "from", "a"]
    assert events[-1].result is result
    for name in ("text", "usage", "cost", "served_by", "requested", "message", "finish_reason"):
        assert getattr(whole, name) == getattr(result, name)
    assert [event for event in events] == pickle.loads(pickle.dumps(events)) == copy.deepcopy(events)


async def test_every_sort_of_piece_becomes_its_event(tmp_path: Path) -> None:
    write(tmp_path)
    call = ToolCall(id="1", name="add")
    pieces = [ReasoningPiece("hm"), TextPiece("so"), ToolCallPiece(call), EndPiece(LlmReply(text="so", usage=USAGE))]
    async with load(tmp_path, Stage({"a": [pieces]})) as ai:
        events = [event async for event in ai.stream_text("hi")]
    assert events[:-1] == [ReasoningEvent("hm"), TextEvent("so"), ToolCallEvent(call)]


async def test_a_stream_that_fails_before_its_first_event_goes_on_elsewhere(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage(
        {
            "a": [
                [
                    ServerError("down"),
                ],
                [UnreachableError("gone")],
                RateLimitError("busy"),
            ],
            "b": [[]],
        }
    )
    async with load(tmp_path, stage) as ai, ai.stream_text("hi") as stream:
        texts = [event.text async for event in stream if event.type == "text"]
    result = stream.result()
    assert texts == ["hello", "from", "c"]
    assert stage.order == ["a", "a", "a", "b", "c"]
    assert [one.outcome for one in result.attempts] == ["failed"] * 4 + ["ok"]
    assert result.attempts[3].error is not None
    assert "without its end" in result.attempts[3].error.message


async def test_a_stream_that_breaks_after_its_first_event_says_so(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once "), TextPiece("upon"), UnreachableError("cut", status=None)]]})
    async with load(tmp_path, stage) as ai:
        seen = []
        with pytest.raises(StreamInterruptedError, match="cut") as raised:
            async for event in ai.stream_text("hi"):
                seen.append(event.text)
    error = raised.value
    assert seen == ["Once ", "upon"]
    assert stage.order == ["a"]
    assert isinstance(error.partial, TextResult)
    assert (error.partial.text, error.partial.cost, error.partial.finish_reason) == ("Once upon", None, "other")
    assert [one.outcome for one in error.attempts] == ["failed"]
    assert pickle.loads(pickle.dumps(error)).partial == error.partial
    assert isinstance(error.__cause__, UnreachableError)


async def test_a_stream_without_its_end_is_no_clean_end(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage({"a": [[TextPiece("Once")]]})) as ai:
        with pytest.raises(StreamInterruptedError, match="without its end"):
            async for _ in ai.stream_text("hi"):
                pass


async def test_nothing_left_to_try_gives_the_error_of_the_call(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage({"a": [ServerError("down")] * 3})) as ai:
        with pytest.raises(ServerError) as raised:
            await anext(ai.stream_text("hi", model="a-large"))
    assert len(raised.value.attempts) == 3


@pytest.mark.parametrize("begun", [True, False])
async def test_the_deadline_holds_in_a_stream(tmp_path: Path, begun: bool) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once"), HANG] if begun else [HANG]]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(StreamInterruptedError if begun else CallTimeoutError, match="within") as raised:
            async for _ in ai.stream_text("hi", timeout=0.05):
                pass
    assert [one.outcome for one in raised.value.attempts] == ["abandoned"]
    assert stage.stopped == ["a", "a stream"]


async def test_leaving_the_block_closes_the_upstream(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once"), HANG]]})
    async with load(tmp_path, stage) as ai:
        async with ai.stream_text("hi") as stream:
            assert await anext(stream) == TextEvent("Once")
            assert stage.stopped == []
        assert stage.stopped == ["a stream"]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_dropped_stream_is_closed_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once"), HANG]]})
    async with load(tmp_path, stage) as ai:
        with caplog.at_level(logging.WARNING, "pipelex_like"):
            async for _ in ai.stream_text("hi"):
                break
            gc.collect()
            for _ in range(10):
                await asyncio.sleep(0)
        assert stage.stopped == ["a stream"]
    assert [record.name for record in caplog.records] == ["pipelex_like"]
    assert "dropped" in caplog.text


async def test_a_stream_read_to_its_end_leaves_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        async for event in ai.stream_text("hi"):
            if event.type == "done":
                break
        ai.stream_text("never begun")
    gc.collect()
    assert caplog.records == []


async def test_a_cancelled_reader_closes_the_upstream(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once"), HANG]]}, waiting={"a": asyncio.Event()})

    async def read() -> None:
        async for _ in ai.stream_text("hi"):
            pass

    async with load(tmp_path, stage) as ai:
        task = asyncio.create_task(read())
        await stage.waiting["a"].wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.stopped == ["a", "a stream"]
        assert stage.order == ["a"]


async def test_an_object_grows_and_the_last_one_is_validated(tmp_path: Path) -> None:
    write(tmp_path)
    text = '{"vendor": "ACME Ltd", "total": 3.5}'
    pieces = [TextPiece(text[at : at + 8]) for at in range(0, len(text), 8)]
    stage = Stage({"a": [[ReasoningPiece("hm"), *pieces, EndPiece(LlmReply(text=text, usage=USAGE))]]})
    async with load(tmp_path, stage) as ai, ai.stream_object("read", Invoice) as stream:
        events = [event async for event in stream]
    objects = [event.partial for event in events if isinstance(event, ObjectEvent)]
    assert objects[0] == {"vendor": "ACME"}
    assert objects[-2] == {"vendor": "ACME Ltd", "total": 3.5}
    assert objects[-1] == Invoice(vendor="ACME Ltd", total=3.5)
    assert stream.result().object == objects[-1]
    assert stream.result().cost == Decimal(2)
    assert events[0] == ReasoningEvent("hm")


async def test_a_wrapped_object_grows_unwrapped(tmp_path: Path) -> None:
    write(tmp_path)
    text = '{"value": [1, 22, 3]}'
    pieces = [TextPiece(char) for char in text]
    stage = Stage({"a": [[*pieces, EndPiece(LlmReply(text=text, usage=USAGE))]]})
    async with load(tmp_path, stage) as ai:
        events = [event async for event in ai.stream_object("count", list[int])]
    assert events[0] == ObjectEvent([1])
    assert events[-2] == ObjectEvent([1, 22, 3])
    assert stage.sent[0].job.schema.wrapped


async def test_an_object_that_does_not_fit_fails_over_only_if_nothing_was_handed_over(tmp_path: Path) -> None:
    write(tmp_path)
    bad = '{"vendor": "A"}'
    good = '{"vendor": "A", "total": 1}'
    end = EndPiece(LlmReply(text=bad, usage=USAGE))
    stage = Stage(
        {
            "a": [[end], [end], [TextPiece(bad), end]],
            "b": [[TextPiece(good), EndPiece(LlmReply(text=good, usage=USAGE))]],
        }
    )
    async with load(tmp_path, stage) as ai:
        going_on = {"actions": {"invalid_object": "next"}}
        events = [event async for event in ai.stream_object("read", Invoice, **going_on)]
        assert events[-1].result.served_by.backend == "b"
        assert stage.order == ["a", "a", "b"]
        assert [part.text for part in stage.sent[1].job.messages[-2].parts] == [bad]
        with pytest.raises(StreamInterruptedError, match="total: Field required") as raised:
            async for _ in ai.stream_object("read", Invoice):
                pass
    assert isinstance(raised.value.__cause__, InvalidResponseError)
    assert raised.value.attempts[0].cost == Decimal(2)


async def test_arguments_are_checked_when_the_stream_is_made(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        with pytest.raises(TypeError, match="temprature"):
            ai.stream_text("hi", temprature=1)
