"""Repeats of the same candidate: how long is waited before them, and what ends them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from engine.workbench import Account, Stage, Time, answered, load, settled, write

from pipelex_like import (
    AllCandidatesFailedError,
    CallError,
    CallTimeoutError,
    InvalidResponseError,
    OverloadedError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like import Inference, TextResult


def down(count: int = 9) -> list[object]:
    return [ServerError("down", status=500) for _ in range(count)]


def busy(after: float | None, count: int = 9) -> list[object]:
    return [RateLimitError("busy", status=429, retry_after=after) for _ in range(count)]


@pytest.mark.parametrize("luck", [0.0, 0.5, 0.999])
async def test_pauses_grow_and_are_drawn_by_chance(tmp_path: Path, luck: float) -> None:
    write(tmp_path)
    time = Time(luck=luck)
    async with load(tmp_path, stage := Stage({"a": down()}), time=time) as ai:
        with pytest.raises(ServerError):
            await ai.generate_text("hi", model="a-large", max_retries=7)
    assert len(stage.sent) == 8
    naps = [luck * most for most in (0.5, 1, 2, 4, 8, 8, 8)]
    assert time.naps == pytest.approx([nap for nap in naps if nap], abs=1e-6)


async def test_what_the_provider_asks_for_is_waited(tmp_path: Path) -> None:
    write(tmp_path)
    time, account = Time(), Account()
    async with load(tmp_path, stage := Stage({"a": busy(7, 2)}), time=time, account=account) as ai:
        result = await ai.generate_text("hi", model="a-large")
    assert time.naps == [7, 7]
    assert stage.order == ["a"] * 3
    assert result.duration == 14
    assert [record.latency for record in account.records] == [0, 0, 0]


@pytest.mark.parametrize(("after", "cap", "naps"), [(61, None, []), (60, None, [60]), (119, 120, [119]), (3, 2, [])])
async def test_a_longer_wish_than_the_cap_ends_a_lone_candidate_at_once(
    tmp_path: Path, after: float, cap: float | None, naps: list[float]
) -> None:
    write(tmp_path)
    time = Time()
    async with load(tmp_path, stage := Stage({"a": busy(after)}), time=time) as ai:
        with pytest.raises(RateLimitError) as raised:
            await ai.generate_text("hi", model="a-large", retry_after_cap=cap, max_retries=1)
    assert time.naps == naps
    assert len(stage.sent) == len(raised.value.attempts) == 1 + len(naps)
    assert raised.value.retry_after == after


async def test_a_day_is_not_waited_but_the_next_candidate_asked(tmp_path: Path) -> None:
    write(tmp_path)
    time = Time()
    stage = Stage({"a": [OverloadedError("loading", status=503, retry_after=86_400)]})
    async with load(tmp_path, stage, time=time) as ai:
        result = await ai.generate_text("hi", actions={"overloaded": "retry"})
        time.seconds += 61
        # However long it asks for, a minute later somebody may look.
        assert (await ai.generate_text("hi")).served_by.backend == "a"
    assert result.served_by.backend == "b"
    assert time.naps == []


async def test_the_last_of_a_chain_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({name: busy(2, 1) for name in "abc"})
    async with load(tmp_path, stage, time=(time := Time())) as ai:
        result = await ai.generate_text("hi")
    assert stage.order == ["a", "b", "c", "c"]
    assert time.naps == [2]
    assert result.served_by.backend == "c"


async def test_a_pause_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    write(tmp_path)
    stage, time = Stage({"a": [OverloadedError("loading", retry_after=20)]}), Time()
    retry = {"actions": {"overloaded": "retry"}}
    async with load(tmp_path, stage, time=time) as ai:
        result = await ai.generate_text("hi", timeout=20, **retry)
        assert result.served_by.backend == "b"
        stage.script["a"] = [OverloadedError("loading", retry_after=20)]
        with pytest.raises(OverloadedError):
            await ai.generate_text("hi", model="a-large", timeout=20, **retry)
    assert time.naps == []


async def test_a_deadline_that_passed_between_requests_ends_the_call(tmp_path: Path) -> None:
    write(tmp_path)
    time, account = Time(), Account()

    async def long() -> object:
        time.seconds += 31
        raise ServerError("down", status=500)

    stage = Stage({"a": [long]})
    async with load(tmp_path, stage, time=time, account=account) as ai:
        with pytest.raises(CallTimeoutError, match="within 30 s") as raised:
            await ai.generate_text("hi", timeout=30)
    assert stage.order == ["a"]
    assert [attempt.outcome for attempt in raised.value.attempts] == ["failed"]
    assert account.told == [("a", "failed", "ServerError")]


async def test_each_request_may_last_as_long_as_is_left(tmp_path: Path) -> None:
    write(tmp_path)
    time = Time()

    async def long() -> object:
        time.seconds += 12
        raise CallTimeoutError("slow")

    async with load(tmp_path, stage := Stage({"a": [long]}), time=time) as ai:
        await ai.generate_text("hi", timeout=30)
    assert [request.limits.timeout for request in stage.sent] == [30, 18]


@pytest.mark.parametrize(("most", "order"), [(1, "a"), (2, "aa"), (4, "aaab"), (7, "aaabbbc")])
async def test_max_attempts_bounds_repeats_and_candidates_together(tmp_path: Path, most: int, order: str) -> None:
    write(tmp_path)
    stage, account = Stage({name: down() for name in "abc"}), Account()
    async with load(tmp_path, stage, time=Time(), account=account) as ai:
        with pytest.raises(CallError) as raised:
            await ai.generate_text("hi", max_attempts=most)
    assert "".join(stage.order) == order
    assert len(raised.value.attempts) == len(account.records) == most


async def test_an_object_that_cannot_be_mended_any_more_goes_nowhere_else_unasked(tmp_path: Path) -> None:
    write(tmp_path)
    for options in ({"max_retries": 0}, {"max_retries": 0, "max_repairs": 3}):
        stage = Stage({"a": [answered("no JSON")]})
        async with load(tmp_path, stage, time=Time()) as ai:
            with pytest.raises(InvalidResponseError):
                await ai.generate_object("hi", int, **options)
            assert stage.order == ["a"], options
            with pytest.raises(InvalidResponseError):
                stage.script["a"] = [answered("no JSON")]
                async for _ in ai.stream_object("hi", int, **options):
                    pass
            assert stage.order == ["a", "a"], options


async def test_where_the_repairs_end_the_declared_next_is_asked(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [answered("no JSON")], "b": [answered('{"value": 3}')]})
    async with load(tmp_path, stage, time=Time()) as ai:
        result = await ai.generate_object("hi", int, max_retries=0, actions={"invalid_object": "next"})
    assert result.object == 3
    assert stage.order == ["a", "b"]


def crowded(root: Path, *, limit: int = 1, waiting: int | None = None) -> None:
    more = f"max_concurrency = {limit}\n" + ("" if waiting is None else f"max_waiting = {waiting}\n")
    write(root)
    file = root / ".pipelex/inference/backends.toml"
    file.write_text(file.read_text().replace("[a]\n", f"[a]\n{more}"))


class Doors:
    """Lets requests go one by one, and counts how many are inside."""

    def __init__(self) -> None:
        self.inside: list[asyncio.Event] = []
        self.most = 0
        self.now = 0

    async def __call__(self) -> object:
        door = asyncio.Event()
        self.inside.append(door)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await door.wait()
        finally:
            self.now -= 1
        return answered()


def asked(ai: Inference, prompt: str, **options: object) -> asyncio.Task[TextResult]:
    return asyncio.create_task(ai.generate_text(prompt, model="a-large", **options))


async def test_no_more_than_max_concurrency_are_sent_and_in_their_order(tmp_path: Path) -> None:
    crowded(tmp_path, limit=2)
    doors = Doors()
    stage = Stage({"a": [doors] * 6})
    async with load(tmp_path, stage) as ai:
        tasks = []
        for number in range(6):
            tasks.append(asked(ai, f"number {number}"))
            await settled()
        assert len(stage.sent) == 2
        for sent in (3, 4, 5, 6):
            doors.inside[sent - 3].set()
            await settled()
            assert len(stage.sent) == sent
        for door in doors.inside:
            door.set()
        await asyncio.gather(*tasks)
    assert doors.most == 2
    prompts = [request.job.messages[0].text for request in stage.sent]
    assert prompts == [f"number {number}" for number in range(6)]


async def test_who_finds_the_queue_full_goes_elsewhere_or_fails_at_once(tmp_path: Path) -> None:
    crowded(tmp_path, waiting=1)
    doors, account = Doors(), Account()
    stage = Stage({"a": [doors] * 3})
    async with load(tmp_path, stage, account=account) as ai:
        tasks = [asked(ai, "one"), asked(ai, "two")]
        await settled()
        with pytest.raises(OverloadedError, match="max_waiting") as raised:
            await ai.generate_text("three", model="a-large")
        assert [attempt.outcome for attempt in raised.value.attempts] == ["skipped"]
        assert (await ai.generate_text("four")).served_by.backend == "b"
        # Nobody failed: it does not cool down for it.
        doors.inside[0].set()
        await settled()
        doors.inside[1].set()
        await asyncio.gather(*tasks)
        stage.script["a"] = []
        assert (await ai.generate_text("five")).served_by.backend == "a"
    assert account.told == [("b", "ok", None), ("a", "ok", None), ("a", "ok", None), ("a", "ok", None)]


async def test_a_deadline_in_the_queue_sends_nothing_and_is_in_no_account(tmp_path: Path) -> None:
    crowded(tmp_path)
    doors, account = Doors(), Account()
    stage = Stage({"a": [doors] * 2})
    async with load(tmp_path, stage, account=account) as ai:
        first = asked(ai, "one")
        await settled()
        with pytest.raises(CallTimeoutError) as raised:
            await ai.generate_text("two", model="a-large", timeout=0.05)
        assert [attempt.outcome for attempt in raised.value.attempts] == ["skipped"]
        assert account.records == []
        doors.inside[0].set()
        await first
    assert len(stage.sent) == len(account.records) == 1


@pytest.mark.parametrize("where", ["in the queue", "in a pause"])
async def test_a_cancellation_before_anything_is_sent_is_in_no_account(tmp_path: Path, where: str) -> None:
    crowded(tmp_path)
    doors, account = Doors(), Account()
    stage = Stage({"a": [doors] * 2 if where == "in the queue" else busy(1000)})
    async with load(tmp_path, stage, account=account) as ai:
        if where == "in the queue":
            first = asked(ai, "one")
            await settled()
        second = asked(ai, "two", retry_after_cap=2000)
        await settled()
        await asyncio.sleep(0.01)
        second.cancel()
        with suppress(asyncio.CancelledError):
            await second
        if where == "in the queue":
            doors.inside[0].set()
            await first
        stage.script["a"] = []
        await asked(ai, "three")
    told = [outcome for _, outcome, _ in account.told]
    assert told == (["ok", "ok"] if where == "in the queue" else ["failed", "ok"])


async def test_a_stream_holds_its_place_until_it_ends(tmp_path: Path) -> None:
    crowded(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        stream = ai.stream_text("one", model="a-large")
        await anext(stream)
        second = asked(ai, "two")
        await settled()
        assert len(stage.sent) == 1
        await stream.aclose()
        await second
    assert len(stage.sent) == 2


async def test_the_pause_of_a_repeat_holds_no_place(tmp_path: Path) -> None:
    crowded(tmp_path)
    asleep, go = asyncio.Event(), asyncio.Event()

    class Slow(Time):
        async def sleep(self, seconds: float) -> None:
            asleep.set()
            await go.wait()

    stage = Stage({"a": down(1)})
    async with load(tmp_path, stage, time=Slow()) as ai:
        first = asked(ai, "one")
        await asleep.wait()
        assert (await asked(ai, "two")).text == "hello from a"
        go.set()
        await first
    assert len(stage.sent) == 3


async def test_all_failing_under_a_limit_leaves_every_place_free(tmp_path: Path) -> None:
    crowded(tmp_path, limit=2)
    stage = Stage({"a": [*down(4), *busy(None, 4)], "b": down(20), "c": down(20)})
    async with load(tmp_path, stage, time=Time()) as ai:
        for _ in range(8):
            with pytest.raises(AllCandidatesFailedError):
                await ai.generate_text("hi", max_retries=0, cooldown=0)
        tasks = [asked(ai, "hi") for _ in range(5)]
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
