"""One record for every request that was sent, whatever became of it."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, USAGE, Account, Stage, Time, answered, load, settled, write
from pydantic import BaseModel

from pipelex_like import (
    CallTimeoutError,
    ServerError,
    StreamInterruptedError,
    UnreachableError,
    Usage,
)
from pipelex_like.types import EndPiece, LlmReply, ReasoningPiece, TextPiece

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like import Inference
    from pipelex_like.types import UsageRecord

WHOLE = EndPiece(LlmReply(text="one two", usage=USAGE, provider_request_id="up-1"))


class Word(BaseModel):
    word: str


async def ask(ai: Inference, verb: str, **options: object) -> object:
    if verb == "stream_text":
        async with ai.stream_text("hi", **options) as stream:
            async for _ in stream:
                pass
            return stream.result()
    return await getattr(ai, verb)("hi", **options)


@pytest.mark.parametrize("verb", ["generate_text", "stream_text"])
async def test_a_record_tells_all_of_an_answer(tmp_path: Path, verb: str) -> None:
    write(tmp_path)
    time, account = Time(), Account()

    class Slow(Stage):
        def next(self, backend: str) -> object:
            time.seconds += 3
            return super().next(backend)

    stage = Slow({"a": [answered("hello there", provider_request_id="up-1")]})
    async with load(tmp_path, stage, time=time, account=account) as ai:
        result = await ask(ai, verb, model="preset:calm", tags=["nightly", "blue"])
        assert ai.usage.recent == tuple(account.records)
        assert [*ai.usage.by("tag")] == ["nightly", "blue"]
        assert ai.usage.by("preset")["calm"].cost == Decimal(2)
        assert [*ai.usage.by("profile")] == ["main"]
    (record,) = account.records
    assert (record.backend, record.handle, record.model_id, record.sdk) == ("a", "a-large", "a-1", "openai")
    assert (record.reference, record.preset, record.profile, record.kind) == ("preset:calm", "calm", "main", "llm")
    assert (record.request_id, record.attempt) == (result.request_id, 1)
    assert (record.usage, record.measured, record.cost, record.cost_note) == (USAGE, True, Decimal(2), None)
    assert (record.outcome, record.error, record.status) == ("ok", None, None)
    assert (record.latency, record.at) == (3, time.now())
    assert record.first_token == (3 if verb == "stream_text" else None)
    assert record.streamed == (verb == "stream_text")
    assert (record.cached, record.simulated, record.over_limit) == (False, False, None)
    assert (record.provider_request_id, record.tags) == ("up-1", ("nightly", "blue"))


@pytest.mark.parametrize("verb", ["generate_text", "stream_text"])
async def test_each_request_of_a_call_has_its_own(tmp_path: Path, verb: str) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [ServerError("down", status=500)] * 3, "b": [UnreachableError("gone")] * 3}), Account()
    async with load(tmp_path, stage, time=Time(), account=account) as ai:
        result = await ask(ai, verb)
        assert (ai.usage.total.requests, ai.usage.total.failed, ai.usage.total.cost) == (7, 6, Decimal(2))
    assert [(record.attempt, record.backend, record.status) for record in account.records] == [
        (1, "a", 500),
        (2, "a", 500),
        (3, "a", 500),
        (4, "b", None),
        (5, "b", None),
        (6, "b", None),
        (7, "c", None),
    ]
    assert [record.cost for record in account.records] == [attempt.cost for attempt in result.attempts]
    assert sum(record.cost for record in account.records) == result.cost == Decimal(2)
    assert {record.request_id for record in account.records} == {result.request_id}


async def test_pages_pictures_and_objects_are_in_it(tmp_path: Path) -> None:
    write(tmp_path)
    account = Account()
    stage = Stage({"a": [LlmReply(text="nothing")]})
    async with load(tmp_path, stage, account=account) as ai:
        stage.script = {}
        await ai.extract(b"%PDF-1.7 x")
        await ai.generate_images("a boat", n=3)
        stage.script = {"a": [answered("no"), answered('{"word": "x"}')]}
        await ai.generate_object("hi", Word)
        assert ai.usage.by("kind")["extract"].pages == 2
        assert ai.usage.by("kind")["img_gen"].images == 3
    assert [(record.kind, record.outcome, record.cost) for record in account.records] == [
        ("extract", "ok", Decimal("0.02")),
        ("img_gen", "ok", Decimal("0.12")),
        ("llm", "failed", Decimal(2)),
        ("llm", "ok", Decimal(2)),
    ]
    assert account.records[2].error == "InvalidResponseError"


@pytest.mark.parametrize(
    ("usage", "measured", "cost"),
    [
        (USAGE, True, Decimal(2)),
        (Usage(input_tokens=1_000_000, estimated=True), False, Decimal(1)),
        (None, False, None),
        (Usage(), False, None),
    ],
    ids=["measured", "estimated", "missing", "nothing"],
)
async def test_what_was_not_counted_is_not_called_measured(
    tmp_path: Path, usage: Usage | None, measured: bool, cost: Decimal | None
) -> None:
    write(tmp_path)
    account = Account()
    async with load(tmp_path, Stage({"a": [answered(usage=usage)]}), account=account) as ai:
        result = await ai.generate_text("hi")
        assert ai.usage.total.unpriced == (cost is None)
    (record,) = account.records
    assert (record.measured, record.cost, result.cost) == (measured, cost, cost)
    assert (record.cost_note is not None) == (not measured)


async def test_an_unknown_price_is_no_zero(tmp_path: Path) -> None:
    write(tmp_path, a='default_sdk = "openai"\n[a-large]\ninputs = ["text"]\noutputs = ["text"]\n', deck="\n")
    account = Account()
    async with load(tmp_path, Stage(), account=account) as ai:
        result = await ai.generate_text("hi", model="a-large")
    assert account.records[0].cost is result.cost is None
    assert account.records[0].measured
    assert "no price is known" in account.records[0].cost_note


STREAMS = {
    "break": [TextPiece("one "), TextPiece("two"), HANG],
    "cancel before the first event": [HANG],
    "cancel after it": [TextPiece("one "), HANG],
    "dropped": [TextPiece("one "), HANG],
    "closed before it began": [HANG],
}


@pytest.mark.parametrize("how", STREAMS)
async def test_a_stream_that_is_left_is_closed_and_recorded_once(tmp_path: Path, how: str) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [STREAMS[how]]}, waiting={"a": asyncio.Event()}), Account()

    async def read() -> None:
        async for _ in ai.stream_text("hello there"):
            pass

    async with load(tmp_path, stage, account=account) as ai:
        if how == "break":
            async with ai.stream_text("hello there") as stream:
                async for _ in stream:
                    break
        elif how.startswith("cancel"):
            task = asyncio.create_task(read())
            await stage.waiting["a"].wait()
            task.cancel()
            await asyncio.wait({task})
        elif how == "dropped":
            async for _ in ai.stream_text("hello there"):
                break
            gc.collect()
            await settled()
        else:
            await ai.stream_text("hello there").aclose()
        assert ai._core.governor.gates.in_flight("a") == 0
    if how == "closed before it began":
        assert account.records == stage.sent == []
        return
    assert stage.stopped[-1] == "a stream"
    (record,) = account.records
    assert (record.outcome, record.error, record.streamed) == ("abandoned", "CancelledError", True)
    assert not record.measured
    if how == "cancel before the first event":
        assert (record.cost, record.first_token) == (None, None)
        assert record.cost_note
    else:
        # 11 bytes of prompt are 4 tokens, what had come is 2 (4 bytes); $1 and $2 a million.
        assert record.usage == Usage(input_tokens=4, output_tokens=2, estimated=True)
        assert (record.cost, record.first_token is not None) == (Decimal("0.000008"), True)


async def test_a_stream_cut_before_its_first_event_falls_over_and_is_paid_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [[UnreachableError("cut")]], "b": [[TextPiece("whole"), WHOLE]]}), Account()
    async with load(tmp_path, stage, account=account) as ai, ai.stream_text("hi", max_retries=0) as stream:
        texts = [event.text async for event in stream if event.type == "text"]
    assert texts == ["whole"]
    assert account.told == [("a", "failed", "UnreachableError"), ("b", "ok", None)]
    assert account.records[0].cost == 0
    assert account.records[0].first_token is None


@pytest.mark.parametrize("count", [1, 3, 7])
async def test_a_stream_cut_later_says_so_repeats_nothing_and_asks_nobody_else(tmp_path: Path, count: int) -> None:
    write(tmp_path)
    words = [f"w{number} " for number in range(count)]
    stage, account = Stage({"a": [[*map(TextPiece, words), UnreachableError("cut")]]}), Account()
    seen = []
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(StreamInterruptedError) as raised:
            async for event in ai.stream_text("hi"):
                seen.append(event.text)
    assert seen == words
    assert raised.value.partial.text == "".join(words)
    assert [attempt.outcome for attempt in raised.value.attempts] == ["failed"]
    assert stage.order == ["a"]
    assert account.told == [("a", "failed", "UnreachableError")]
    assert (account.records[0].cost, account.records[0].measured) == (None, False)
    assert account.records[0].first_token is not None


async def test_reasoning_counts_as_an_event_and_nothing_falls_over_after_it(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [[ReasoningPiece("hm"), UnreachableError("cut")]]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(StreamInterruptedError) as raised:
            async for _ in ai.stream_text("hi"):
                pass
    assert raised.value.partial.reasoning == "hm"
    assert stage.order == ["a"]


async def test_a_slow_reader_costs_no_time_of_the_deadline(tmp_path: Path) -> None:
    write(tmp_path)
    time, account = Time(), Account()
    async with load(tmp_path, Stage({"a": [answered("one two three")]}), time=time, account=account) as ai:
        async for event in ai.stream_text("hi", timeout=5):
            if event.type == "text":
                time.seconds += 4
    assert account.told == [("a", "ok", None)]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_deadline_in_a_stream_is_recorded_once(tmp_path: Path, begun: bool) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [[TextPiece("one"), HANG] if begun else [HANG]]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(StreamInterruptedError if begun else CallTimeoutError):
            async for _ in ai.stream_text("hi", timeout=0.05):
                pass
    assert account.told == [("a", "abandoned", "CallTimeoutError")]


@pytest.mark.parametrize("verb", ["generate_text", "stream_text"])
async def test_what_is_no_error_of_a_call_passes_through_and_leaves_a_record(tmp_path: Path, verb: str) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [TimeoutError("a bug of a worker")]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(TimeoutError, match="a bug of a worker"):
            await ask(ai, verb)
    assert account.told == [("a", "abandoned", "CancelledError")]


async def test_a_sink_that_breaks_harms_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Account):
        def write(self, record: UsageRecord) -> None:
            raise OSError("key-a is full")

    write(tmp_path)
    async with load(tmp_path, Stage(), account=Broken()) as ai:
        for _ in range(3):
            await ai.generate_text("hi")
        assert ai.usage.total.requests == 3
    assert len(caplog.records) == 1
    assert "key-a" not in caplog.text


async def test_records_of_many_loops_and_threads_all_arrive(tmp_path: Path) -> None:
    write(tmp_path, routing='+\n[ledger]\npath = "usage.jsonl"\n')
    account = Account()
    stage = Stage()
    with load(tmp_path, stage, account=account) as ai:

        def work(number: int) -> None:
            for _ in range(25):
                if number % 2:
                    ai.sync.generate_text("hi")
                else:
                    assert [event.type for event in ai.sync.stream_text("hi")][-1] == "done"

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        total = ai.usage.total
    assert total.requests == len(account.records) == 200
    assert total.cost == 400
    assert len({record.request_id for record in account.records}) == 200
    assert len((tmp_path / "usage.jsonl").read_text().splitlines()) == 200


def test_a_sync_stream_that_is_left_is_recorded_once(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [[TextPiece("one"), HANG]]}), Account()
    with load(tmp_path, stage, account=account) as ai, ai.sync.stream_text("hi") as stream:
        assert next(stream).text == "one"
    assert account.told == [("a", "abandoned", "CancelledError")]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_writes_its_own_records_into_the_same_ledger(tmp_path: Path) -> None:
    write(tmp_path, routing='+\n[budgets]\nday_max_cost = 100\n[ledger]\npath = "usage.sqlite"\n')
    with load(tmp_path, Stage()) as ai:
        ai.sync.generate_text("hi", model="a-large")
        child = os.fork()
        if child == 0:
            ended = 1
            try:
                ai.sync.generate_text("hi", model="b-large")
                ended = 0 if ai.usage.by("backend")["b"].requests == 1 else 2
                ai.close()
            finally:
                os._exit(ended)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        ai.sync.generate_text("hi", model="a-large")
    base = sqlite3.connect(tmp_path / "usage.sqlite")
    found = base.execute("SELECT backend, count(*), cost FROM attempts GROUP BY backend ORDER BY backend").fetchall()
    held = base.execute("SELECT count(*) FROM holds").fetchone()
    spent = base.execute("SELECT cost FROM hold_days").fetchall()
    base.close()
    assert found == [("a", 2, "2"), ("b", 1, "2")]
    assert held == (0,)
    assert [Decimal(cost) for (cost,) in spent] == [Decimal(6)]
