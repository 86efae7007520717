"""After the end: a closed engine starts nothing anew, and what it cut off says why."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, Stage, load, write

from pipelex_like.types import TextPiece

if TYPE_CHECKING:
    from pathlib import Path


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pipelex_like"]


@pytest.mark.parametrize("used", [True, False])
def test_a_closed_engine_starts_no_thread(tmp_path: Path, used: bool) -> None:
    write(tmp_path)
    ai = load(tmp_path, stage := Stage())
    if used:
        ai.sync.generate_text("hi")
    stream = ai.sync.stream_text("hi")
    ai.close()
    before = list(stage.opened)
    with pytest.raises(RuntimeError, match="this Inference is closed"):
        ai.sync.generate_text("hi")
    with pytest.raises(RuntimeError, match="this Inference is closed"):
        next(stream)
    assert ours() == []
    assert stage.opened == before


async def test_a_stream_begun_before_the_close_and_read_after_it_opens_no_client(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        stream = ai.stream_text("hi")
    with pytest.raises(RuntimeError, match="this Inference is closed"):
        await anext(stream)
    assert stage.opened == []


def test_calls_under_way_when_it_closes_say_so(tmp_path: Path) -> None:
    write(tmp_path)
    ai = load(tmp_path, stage := Stage({"a": [HANG, [TextPiece("Once"), HANG]]}))
    raised: list[BaseException] = []

    def call() -> None:
        try:
            ai.sync.generate_text("hi")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    while not stage.sent:
        thread.join(0.01)
    stream = ai.sync.stream_text("hi")
    assert next(stream).type == "text"
    ai.close()
    thread.join(5)
    with pytest.raises(RuntimeError, match="closed while"):
        next(stream)
    assert [(type(error), "closed while" in str(error)) for error in raised] == [(RuntimeError, True)]
    assert ours() == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_stream_of_the_parent_is_refused_in_a_forked_child(tmp_path: Path) -> None:
    write(tmp_path)
    with load(tmp_path, Stage({"a": [[TextPiece("Once"), HANG]]})) as ai:
        stream = ai.sync.stream_text("hi")
        next(stream)
        child = os.fork()
        if child == 0:
            good = False
            try:
                try:
                    next(stream)
                except RuntimeError as error:
                    good = "another process" in str(error)
                stream.close()
                good = good and ai.sync.generate_text("hi").text == "hello from a"
            finally:
                os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        stream.close()


async def test_a_view_takes_one_name_as_a_call_does(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        assert (await ai.using(only="b").generate_text("hi")).served_by.backend == "b"
        assert (await ai.using(exclude="a").generate_text("hi")).served_by.backend == "b"
        assert (await ai.using(exclude=["a"]).using(exclude="b").generate_text("hi")).served_by.backend == "c"
        with pytest.raises(TypeError, match="only: expected names"):
            ai.using(only=3)


async def test_close_from_a_thread_while_a_loop_works_lets_its_requests_fail_over_to_nobody(tmp_path: Path) -> None:
    write(tmp_path)
    ai = load(tmp_path, stage := Stage({"a": [HANG]}))
    call = asyncio.create_task(ai.generate_text("hi"))
    while not stage.sent:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await ai.aclose()
    assert stage.order == ["a"]
    assert sorted(stage.closed) == sorted(stage.opened)
