"""Equal requests in flight: one upstream, and what each waiter gets."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from pipelex_like.engine.coalescing import Coalescer
from pipelex_like.errors import ServerError
from pipelex_like.types import Attempt
from pipelex_like.workers.base import Unfinished


class Upstream:
    """Answers when it is let go, and counts what became of its requests."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.count = Counter[str]()

    async def answer(self) -> str:
        self.count["asked"] += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError as stop:
            await asyncio.sleep(0)
            self.count["cancelled"] += 1
            raise asyncio.CancelledError(*stop.args, Unfinished("job-1")) from None
        return "answer"

    async def fail(self) -> str:
        self.count["asked"] += 1
        await self.go.wait()
        try:
            raise OSError("the line is dead")
        except OSError as cause:
            raise ServerError("broken", status=500) from cause


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def is_empty(coalescer: Coalescer) -> bool:
    return not coalescer._loops and len(asyncio.all_tasks()) == 1


async def test_equal_requests_share_one_upstream_and_only_the_first_did_not_join() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    waiters = [asyncio.create_task(coalescer.share("k", upstream.answer)) for _ in range(50)]
    await settle()
    upstream.go.set()
    answers = await asyncio.gather(*waiters)
    assert [value for value, _ in answers] == ["answer"] * 50
    assert [joined for _, joined in answers] == [False] + [True] * 49
    assert upstream.count == {"asked": 1}
    await settle()
    assert is_empty(coalescer)


async def test_other_keys_and_later_requests_are_asked_for_themselves() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    upstream.go.set()
    two = await asyncio.gather(coalescer.share("k", upstream.answer), coalescer.share("l", upstream.answer))
    later = await coalescer.share("k", upstream.answer)
    assert [*two, later] == [("answer", False)] * 3
    assert upstream.count["asked"] == 3


@pytest.mark.parametrize("gone", [0, 1], ids=["who began", "who joined"])
async def test_one_who_is_cancelled_leaves_the_others_their_answer(gone: int) -> None:
    coalescer, upstream = Coalescer(), Upstream()
    waiters = [asyncio.create_task(coalescer.share("k", upstream.answer)) for _ in range(3)]
    await settle()
    waiters[gone].cancel()
    await settle()
    assert waiters[gone].cancelled()
    late = asyncio.create_task(coalescer.share("k", upstream.answer))
    await settle()
    upstream.go.set()
    others = [waiter for index, waiter in enumerate(waiters) if index != gone]
    assert [value for value, _ in await asyncio.gather(*others, late)] == ["answer"] * 3
    assert late.result() == ("answer", True)
    assert upstream.count == {"asked": 1}


async def test_the_last_one_cancelled_closes_the_upstream_before_it_leaves() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    waiters = [asyncio.create_task(coalescer.share("k", upstream.answer)) for _ in range(3)]
    await settle()
    for waiter in waiters:
        waiter.cancel()
    ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert upstream.count == {"asked": 1, "cancelled": 1}
    assert is_empty(coalescer)


async def test_whoever_asks_while_a_given_up_request_ends_begins_anew() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    first = asyncio.create_task(coalescer.share("k", upstream.answer))
    await settle()
    first.cancel()
    await asyncio.sleep(0)
    second = asyncio.create_task(coalescer.share("k", upstream.answer))
    await settle()
    upstream.go.set()
    assert await second == ("answer", False)
    assert upstream.count == {"asked": 2, "cancelled": 1}
    await settle()
    assert is_empty(coalescer)


async def test_a_deadline_of_the_only_waiter_tells_of_the_job_that_was_left() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.02):
            await coalescer.share("k", upstream.answer)
    assert Unfinished("job-1") in caught.value.__cause__.args  # pyright: ignore


async def test_a_failure_reaches_all_and_nobody_can_change_anothers_error() -> None:
    coalescer, upstream = Coalescer(), Upstream()
    waiters = [asyncio.create_task(coalescer.share("k", upstream.fail)) for _ in range(3)]
    await settle()
    upstream.go.set()
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert [(type(error), str(error)) for error in errors] == [(ServerError, "broken")] * 3
    assert len({id(error) for error in errors}) == 3
    assert [str(error.__cause__) for error in errors if isinstance(error, ServerError)] == ["the line is dead"] * 3
    first, second, _ = errors
    assert isinstance(first, ServerError)
    assert isinstance(second, ServerError)
    first.attempts = (Attempt(backend="a", handle="h", model_id="m", outcome="failed"),)
    assert second.attempts == ()
    assert second.status == 500
    assert upstream.count["asked"] == 1
    await settle()
    assert is_empty(coalescer)


async def test_a_failure_that_nobody_waits_for_any_more_is_no_complaint_of_the_loop() -> None:
    complaints = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            raise ServerError("on its way out")

    waiter = asyncio.create_task(Coalescer().share("k", stubborn))
    await settle()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    del waiter
    await settle()
    assert complaints == []


async def test_an_error_that_cannot_be_copied_is_the_same_for_all() -> None:
    class OddError(Exception):
        def __init__(self, *, needed: str) -> None:
            super().__init__(needed)

    async def ask() -> str:
        await asyncio.sleep(0)
        raise OddError(needed="x")

    coalescer = Coalescer()
    waiters = [coalescer.share("k", ask) for _ in range(2)]
    first, second = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(first, OddError)
    assert first is second


@pytest.mark.parametrize("in_good_order", [True, False])
def test_loops_do_not_share_and_a_loop_that_died_leaves_nothing(in_good_order: bool) -> None:
    coalescer = Coalescer()
    asked = list[object]()

    async def never() -> str:
        asked.append(asyncio.get_running_loop())
        await asyncio.Event().wait()
        return ""

    async def soon() -> str:
        asked.append(asyncio.get_running_loop())
        return "answer"

    async def begin() -> asyncio.Task[tuple[str, bool]]:
        waiter = asyncio.create_task(coalescer.share("k", never))
        await settle()
        return waiter

    dead = asyncio.new_event_loop()
    dead.set_exception_handler(lambda *_: None)
    waiter = dead.run_until_complete(begin())
    assert asyncio.run(coalescer.share("k", soon)) == ("answer", False)
    assert len({*asked}) == 2
    if in_good_order:
        for task in asyncio.all_tasks(dead):
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            dead.run_until_complete(waiter)
    dead.close()
    asyncio.run(coalescer.share("k", soon))
    assert coalescer._loops == {}
