"""Two candidates side by side: who answers first is taken, and nobody is paid or asked twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, Account, Stage, answered, load, settled, write
from pydantic import BaseModel

from pipelex_like import (
    AllCandidatesFailedError,
    BadRequestError,
    BudgetError,
    CallTimeoutError,
    ServerError,
)
from pipelex_like.workers.base import Unfinished

if TYPE_CHECKING:
    from pathlib import Path

SOON = 0.03


def down(count: int = 9) -> list[object]:
    return [ServerError("down", status=500) for _ in range(count)]


def outcomes(attempts: object) -> list[tuple[str, str]]:
    return sorted((attempt.backend, attempt.outcome) for attempt in attempts)


async def test_who_answers_first_is_taken_and_the_other_closed_and_recorded_once(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        result = await ai.generate_text("hello there", hedge_after=SOON)
        assert result.text == "hello from b"
        assert stage.stopped == ["a"]
        assert stage.order == ["a", "b"]
        assert outcomes(result.attempts) == [("a", "abandoned"), ("b", "ok")]
        assert sorted(account.told) == [("a", "abandoned", "CancelledError"), ("b", "ok", None)]
        lost = next(record for record in account.records if record.backend == "a")
        # 11 bytes are 4 tokens at a dollar a million; its answer is not known to have begun.
        assert (lost.usage.input_tokens, lost.usage.estimated, lost.cost) == (4, True, Decimal("0.000004"))
        assert not lost.measured
        assert sorted(record.attempt for record in account.records) == [1, 2]
        # It was slow for us, not ill.
        assert (await ai.generate_text("hi")).served_by.backend == "a"


async def test_the_first_may_still_win(tmp_path: Path) -> None:
    write(tmp_path)
    go = asyncio.Event()

    async def slow() -> object:
        await go.wait()
        return answered("at last")

    stage, account = Stage({"a": [slow], "b": [HANG]}, waiting={"b": asyncio.Event()}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        call = asyncio.create_task(ai.generate_text("hi", hedge_after=SOON))
        await stage.waiting["b"].wait()
        go.set()
        assert (await call).text == "at last"
    assert stage.stopped == ["b"]
    assert sorted(account.told) == [("a", "ok", None), ("b", "abandoned", "CancelledError")]


async def test_a_quick_answer_asks_nobody_else(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi", hedge_after=5)
    assert stage.order == ["a"]


async def test_a_failure_does_not_wait_for_the_hedge(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": down(1)})
    async with load(tmp_path, stage) as ai:
        result = await asyncio.wait_for(ai.generate_text("hi", hedge_after=60, max_retries=0), 5)
    assert outcomes(result.attempts) == [("a", "failed"), ("b", "ok")]


async def test_each_further_pause_asks_one_more(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG], "b": [HANG]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        result = await ai.generate_text("hi", hedge_after=SOON)
    assert stage.order == ["a", "b", "c"]
    assert result.served_by.backend == "c"
    assert [outcome for _, outcome, _ in sorted(account.told)] == ["abandoned", "abandoned", "ok"]


async def test_where_both_fail_the_third_is_asked_and_where_all_fail_all_are_told(tmp_path: Path) -> None:
    write(tmp_path)
    both = asyncio.Event()

    async def fails() -> object:
        await both.wait()
        raise ServerError("down", status=500)

    stage, account = Stage({"a": [fails], "b": [fails], "c": [answered("third")]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        call = asyncio.create_task(ai.generate_text("hi", hedge_after=SOON, max_retries=0, cooldown=0))
        while len(stage.sent) < 2:
            await asyncio.sleep(0.005)
        both.set()
        assert (await call).text == "third"
        stage.script = {name: down(1) for name in "abc"}
        with pytest.raises(AllCandidatesFailedError) as raised:
            await ai.generate_text("hi", hedge_after=SOON, max_retries=0)
    assert outcomes(raised.value.attempts) == [("a", "failed"), ("b", "failed"), ("c", "failed")]
    assert len(account.records) == len(stage.sent) == 6


async def test_the_last_one_is_still_repeated_when_it_was_slow_to_fail(tmp_path: Path) -> None:
    write(tmp_path)

    async def slow() -> object:
        await asyncio.sleep(3 * SOON)
        raise ServerError("down", status=500)

    async with load(tmp_path, stage := Stage({"a": [slow]})) as ai:
        result = await ai.generate_text("hi", model="a-large", hedge_after=SOON)
    assert stage.order == ["a", "a"]
    assert result.text == "hello from a"


async def test_the_deadline_holds_for_all_of_them(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({name: [HANG] for name in "abc"}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(CallTimeoutError) as raised:
            await ai.generate_text("hi", hedge_after=SOON, timeout=0.4)
    assert sorted(stage.stopped) == ["a", "b", "c"]
    assert outcomes(raised.value.attempts) == [("a", "abandoned"), ("b", "abandoned"), ("c", "abandoned")]
    assert len(account.records) == 3


async def test_a_cancellation_closes_all_of_them(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG], "b": [HANG]}, waiting={"b": asyncio.Event()}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        call = asyncio.create_task(ai.generate_text("hi", hedge_after=SOON))
        await stage.waiting["b"].wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert sorted(stage.stopped) == ["a", "b"]
        await asyncio.sleep(3 * SOON)
    assert stage.order == ["a", "b"]
    assert [outcome for _, outcome, _ in account.told] == ["abandoned", "abandoned"]


async def test_a_stop_ends_it_for_all_who_have_not_begun(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [BadRequestError("wrong", status=400)]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(BadRequestError):
            await ai.generate_text("hi", hedge_after=SOON)
    assert stage.order == ["a"]


async def test_both_hold_money_and_the_loser_counts_at_its_estimate(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        # Each holds 1000 tokens of answer, and 1 of the prompt.
        enough = {"max_tokens": 1000, "max_total_tokens": 2002, "hedge_after": SOON}
        assert (await ai.generate_text("hi", model="chain", **enough)).served_by.backend == "b"
        stage.script["a"] = [HANG]
        with pytest.raises((CallTimeoutError, BudgetError)):
            await ai.generate_text("hi", **(enough | {"max_total_tokens": 2001}), timeout=0.4)
    assert stage.order == ["a", "b", "a"]


async def test_a_second_answer_at_the_same_moment_is_paid_and_recorded_as_it_was(tmp_path: Path) -> None:
    write(tmp_path)
    go = asyncio.Event()

    async def slow() -> object:
        await go.wait()
        return answered("one of two")

    stage, account = Stage({"a": [slow], "b": [slow]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        call = asyncio.create_task(ai.generate_text("hi", hedge_after=SOON))
        while len(stage.sent) < 2:
            await asyncio.sleep(0.005)
        go.set()
        result = await call
    assert result.served_by.backend == "a"
    assert result.cost == Decimal(4)
    assert sorted(account.told) == [("a", "ok", None), ("b", "abandoned", "CancelledError")]
    assert [record.cost for record in account.records] == [Decimal(2), Decimal(2)]
    assert [record.measured for record in account.records] == [True, True]


class Word(BaseModel):
    word: str


async def test_an_object_that_does_not_fit_is_mended_by_its_own_model(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [answered("no"), answered('{"word": "yes"}')]})
    async with load(tmp_path, stage) as ai:
        result = await ai.generate_object("hi", Word, hedge_after=60)
    assert stage.order == ["a", "a"]
    assert result.object == Word(word="yes")


async def test_who_waits_in_a_queue_when_another_wins_was_never_sent(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / ".pipelex/inference/backends.toml"
    file.write_text(file.read_text().replace("[a]\n", "[a]\nmax_concurrency = 1\n"))
    stage, account = Stage({"a": [HANG]}, waiting={"a": asyncio.Event()}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        first = asyncio.create_task(ai.generate_text("first", model="a-large"))
        await stage.waiting["a"].wait()
        result = await ai.generate_text("hi", hedge_after=SOON)
        assert outcomes(result.attempts) == [("a", "skipped"), ("b", "ok")]
        assert account.told == [("b", "ok", None)]
        first.cancel()
        await asyncio.wait({first})
        await settled()
        assert (await ai.generate_text("next", model="a-large")).text == "hello from a"


async def test_a_job_that_was_left_when_the_time_was_over_is_told(tmp_path: Path) -> None:
    write(tmp_path)

    async def ordered() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as stop:
            raise asyncio.CancelledError(*stop.args, Unfinished("job-1")) from None

    stage, account = Stage({"a": [ordered]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(CallTimeoutError, match="job-1") as raised:
            await ai.generate_images("a boat", hedge_after=SOON, timeout=0.15)
    assert raised.value.job_id == "job-1"
    assert account.told == [("a", "abandoned", "CallTimeoutError")]
