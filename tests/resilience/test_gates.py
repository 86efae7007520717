from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.errors import OverloadedError
from pipelex_like.resilience.gates import Gates

if TYPE_CHECKING:
    from collections.abc import Generator


async def settled() -> None:
    """Let everything that is ready on this loop run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def queued(gates: Gates, *, limit: int | None = 1, waiting: int = 1000) -> asyncio.Task[None]:
    """Begin to enter on the running loop, as far as it goes."""
    task = asyncio.get_running_loop().create_task(gates.enter("b", limit=limit, waiting=waiting))
    await settled()
    return task


@contextmanager
def thread_with_loop() -> Generator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def queued_on(loop: asyncio.AbstractEventLoop, gates: Gates) -> asyncio.Task[None]:
    return asyncio.run_coroutine_threadsafe(queued(gates), loop).result(10)


def settle(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.run_coroutine_threadsafe(settled(), loop).result(10)


def test_a_free_slot_is_taken_without_waiting() -> None:
    gates = Gates()
    for limit in (1, None):
        with pytest.raises(StopIteration):
            gates.enter("b", limit=limit, waiting=0).send(None)
    assert gates.in_flight("b") == 2
    gates.leave("b")
    assert gates.in_flight("b") == 1


async def test_backends_do_not_share() -> None:
    gates = Gates()
    await gates.enter("a", limit=1, waiting=0)
    await gates.enter("b", limit=1, waiting=0)
    assert (gates.in_flight("a"), gates.in_flight("b"), gates.in_flight("c")) == (1, 1, 0)


def test_leaving_without_having_entered_changes_nothing() -> None:
    gates = Gates()
    gates.leave("b")
    assert gates.in_flight("b") == 0
    asyncio.run(gates.enter("b", limit=1, waiting=0))
    gates.leave("b")
    gates.leave("b")
    assert gates.in_flight("b") == 0


async def test_first_come_first_served() -> None:
    gates = Gates()
    await gates.enter("b", limit=2, waiting=10)
    await gates.enter("b", limit=2, waiting=10)
    tasks = [await queued(gates, limit=2) for _ in range(5)]
    served: list[list[int]] = []
    for _ in range(5):
        gates.leave("b")
        await settled()
        served.append([place for place, task in enumerate(tasks) if task.done()])
        assert gates.in_flight("b") == 2
    assert served == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]


async def test_nobody_overtakes_a_slot_that_was_handed_over() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=10)
    waiting = await queued(gates)
    gates.leave("b")
    late = await queued(gates)
    await settled()
    assert (waiting.done(), late.done()) == (True, False)
    gates.leave("b")
    await late


async def test_the_queue_is_bounded_and_the_error_says_what_to_do() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=2)
    tasks = [await queued(gates, waiting=2) for _ in range(2)]
    with pytest.raises(OverloadedError) as caught:
        await gates.enter("b", limit=1, waiting=2)
    assert caught.value.status is None
    assert caught.value.retryable
    assert '"b"' in str(caught.value)
    assert "max_concurrency = 1" in str(caught.value)
    assert "max_waiting = 2" in str(caught.value)
    assert gates.in_flight("b") == 1
    tasks[0].cancel()
    await settled()
    tasks.append(await queued(gates, waiting=2))
    assert not tasks[-1].done(), "a place in the queue has become free"
    for _ in range(3):
        gates.leave("b")
    await asyncio.gather(*tasks[1:])


async def test_no_queue_at_all() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=0)
    with pytest.raises(OverloadedError):
        await gates.enter("b", limit=1, waiting=0)
    gates.leave("b")
    await gates.enter("b", limit=1, waiting=0)


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=10)
    first, second = await queued(gates), await queued(gates)
    first.cancel()
    await settled()
    assert first.cancelled()
    gates.leave("b")
    await second
    assert gates.in_flight("b") == 1


@pytest.mark.parametrize("steps", [0, 1])
async def test_a_slot_handed_to_a_cancelled_waiter_is_passed_on(steps: int) -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=10)
    first, second = await queued(gates), await queued(gates)
    gates.leave("b")
    for _ in range(steps):
        await asyncio.sleep(0)
    assert not first.done()
    first.cancel()
    await settled()
    assert first.cancelled()
    assert second.done()
    assert gates.in_flight("b") == 1
    gates.leave("b")
    assert gates.in_flight("b") == 0


async def test_a_deadline_that_ends_in_the_queue() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await gates.enter("b", limit=1, waiting=10)
    gates.leave("b")
    assert gates.in_flight("b") == 0
    await gates.enter("b", limit=1, waiting=0)


async def test_a_changed_limit_takes_effect() -> None:
    gates = Gates()
    await gates.enter("b", limit=1, waiting=10)
    tasks = [await queued(gates) for _ in range(3)]
    tasks.append(await queued(gates, limit=3))
    assert [task.done() for task in tasks] == [True, True, False, False]
    tasks.append(await queued(gates, limit=1))
    for _ in range(2):
        gates.leave("b")
        await settled()
    assert [task.done() for task in tasks] == [True, True, False, False, False]
    tasks.append(await queued(gates, limit=None))
    assert all(task.done() for task in tasks)
    assert gates.in_flight("b") == 5


def test_first_come_first_served_over_threads_and_loops() -> None:
    gates = Gates()
    asyncio.run(gates.enter("b", limit=1, waiting=10))
    with thread_with_loop() as one, thread_with_loop() as two:
        loops = [one, two, two, one, two, one]
        tasks = [queued_on(loop, gates) for loop in loops]
        for place in range(len(tasks)):
            gates.leave("b")
            settle(one)
            settle(two)
            assert [task.done() for task in tasks] == [other <= place for other in range(len(tasks))]
        gates.leave("b")
        assert gates.in_flight("b") == 0


def test_a_loop_that_was_closed_loses_its_place() -> None:
    gates = Gates()
    asyncio.run(gates.enter("b", limit=1, waiting=1))
    dead = asyncio.new_event_loop()
    abandoned = dead.run_until_complete(queued(gates))
    dead.close()

    async def others() -> None:
        waiting = await queued(gates, waiting=1)
        assert not waiting.done(), "the dead one takes no room in the queue"
        gates.leave("b")
        await asyncio.wait_for(waiting, 10)

    asyncio.run(others())
    assert gates.in_flight("b") == 1
    assert not abandoned.done()
    abandoned._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]


def test_a_closed_loop_at_the_head_of_the_queue_is_passed_over() -> None:
    gates = Gates()
    asyncio.run(gates.enter("b", limit=1, waiting=10))
    dead = asyncio.new_event_loop()
    abandoned = dead.run_until_complete(queued(gates))
    with thread_with_loop() as loop:
        waiting = queued_on(loop, gates)
        dead.close()
        gates.leave("b")
        settle(loop)
        assert waiting.done()
    assert gates.in_flight("b") == 1
    abandoned._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]


def test_a_loop_that_stands_still_holds_nobody_up_and_comes_back() -> None:
    gates = Gates()
    still = asyncio.new_event_loop()
    still.run_until_complete(gates.enter("b", limit=1, waiting=10))
    waiting = still.run_until_complete(queued(gates))
    with thread_with_loop() as loop:
        other = queued_on(loop, gates)
        gates.leave("b")
        settle(loop)
        assert other.done()
        assert not waiting.done()
        still.run_until_complete(settled())
        assert not waiting.done(), "it has lined up anew"
        still.run_until_complete(_left(gates))
        assert waiting.done()
    assert gates.in_flight("b") == 1
    still.close()


async def _left(gates: Gates) -> None:
    gates.leave("b")
    await settled()


def test_a_slot_that_a_stopped_loop_did_not_fetch_is_taken_back() -> None:
    gates = Gates()
    still = asyncio.new_event_loop()
    still.run_until_complete(gates.enter("b", limit=1, waiting=10))
    waiting = still.run_until_complete(queued(gates))

    async def leave() -> None:
        gates.leave("b")

    still.run_until_complete(leave())
    assert not waiting.done()
    assert gates.in_flight("b") == 1
    asyncio.run(gates.enter("b", limit=1, waiting=0))
    assert gates.in_flight("b") == 1
    still.run_until_complete(settled())
    assert not waiting.done()
    still.run_until_complete(_left(gates))
    assert waiting.done()
    assert gates.in_flight("b") == 1
    still.close()


def test_the_limit_holds_for_threads_that_come_cancel_and_go() -> None:
    gates = Gates()
    counting = threading.Lock()
    inside = most = entered = 0

    async def call(random: Random) -> None:
        nonlocal inside, most, entered
        await gates.enter("b", limit=3, waiting=1000)
        try:
            with counting:
                inside += 1
                entered += 1
                most = max(most, inside)
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
        finally:
            with counting:
                inside -= 1
            gates.leave("b")

    async def calls(seed: int) -> None:
        random = Random(seed)
        tasks = [asyncio.create_task(call(random)) for _ in range(40)]
        for task in random.sample(tasks, 12):
            await asyncio.sleep(0)
            task.cancel()
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        assert {type(end) for end in ends if end is not None} <= {asyncio.CancelledError}

    def run(seed: int) -> None:
        asyncio.run(calls(seed))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(24)))
    assert most == 3
    assert entered >= 24 * 28
    assert (inside, gates.in_flight("b")) == (0, 0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_begins_empty() -> None:
    gates = Gates()
    asyncio.run(gates.enter("b", limit=1, waiting=0))
    child = os.fork()
    if child == 0:
        good = False
        try:
            good = gates.in_flight("b") == 0
            asyncio.run(gates.enter("b", limit=1, waiting=0))
            good = good and gates.in_flight("b") == 1
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gates.in_flight("b") == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from([1, 2, 3, None])),
        st.tuples(st.just("leave"), st.none()),
        st.tuples(st.just("cancel"), st.integers(min_value=0, max_value=5)),
        st.tuples(st.just("leave and cancel"), st.integers(min_value=0, max_value=5)),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_behaves_as_a_plain_queue(steps: list[tuple[str, int | None]]) -> None:
    asyncio.run(_compared(steps))


async def _compared(steps: list[tuple[str, int | None]]) -> None:
    gates = Gates()
    inside: list[asyncio.Task[None]] = []
    queue: deque[asyncio.Task[None]] = deque()
    limit: int | None = None
    for what, number in steps:
        if what == "enter":
            limit = number
            queue.append(await queued(gates, limit=number))
        if what.startswith("leave") and inside:
            inside.pop()
            gates.leave("b")
        if what.endswith("cancel") and number is not None and number < len(queue):
            queue[number].cancel()
            del queue[number]
        await settled()
        while queue and (limit is None or len(inside) < limit):
            inside.append(queue.popleft())
        assert all(task.done() for task in inside)
        assert not any(task.done() for task in queue)
        assert gates.in_flight("b") == len(inside)
    for task in queue:
        task.cancel()
    await settled()
