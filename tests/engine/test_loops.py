"""Loops, threads, forks, views and swaps: clients live where they were made, and end where they live."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, USAGE, Stage, count, load, write

from pipelex_like import ConfigError, Inference, ResolveError, ServerError, StreamInterruptedError
from pipelex_like.engine.sync import Sync
from pipelex_like.engine.verbs import Verbs
from pipelex_like.types import EndPiece, LlmReply, TextPiece

if TYPE_CHECKING:
    from pathlib import Path

VERBS = ("generate_text", "stream_text", "generate_object", "stream_object", "extract", "generate_images")


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pipelex_like"]


@pytest.mark.parametrize("verb", VERBS)
def test_sync_and_async_have_one_signature(verb: str) -> None:
    ours, theirs = inspect.signature(getattr(Sync, verb)), inspect.signature(getattr(Verbs, verb))
    assert ours.parameters == theirs.parameters
    assert getattr(Sync, verb).__doc__ == getattr(Verbs, verb).__doc__


def test_the_facade_has_every_verb_and_no_other() -> None:
    public = {name for name, value in vars(Verbs).items() if callable(value) and not name.startswith("_")}
    assert public == set(VERBS)
    assert public == {name for name, value in vars(Sync).items() if callable(value) and not name.startswith("_")}


def test_sync_calls(tmp_path: Path) -> None:
    write(tmp_path)
    with load(tmp_path, stage := Stage()) as ai:
        assert ours() == []
        assert ai.sync.generate_text("hi").text == "hello from a"
        assert ai.sync.extract(b"%PDF-1.7").text == "one\n\ntwo"
        assert len(ai.sync.generate_images("x").images) == 1
        with ai.sync.stream_text("hi") as stream:
            assert [event.type for event in stream] == ["text", "text", "text", "done"]
        assert stream.result().text == "hello from a"
        assert [event.type for event in ai.sync.stream_text("hi")][-1] == "done"
        assert ours() == ["pipelex_like"]
    assert ours() == []
    assert count(stage.opened) == count(stage.closed) == {"a": 3}
    with pytest.raises(RuntimeError, match="closed"):
        ai.sync.generate_text("hi")
    ai.close()


def test_a_long_sync_stream_waits_for_its_reader(tmp_path: Path) -> None:
    write(tmp_path)
    pieces = [TextPiece(f"{number} ") for number in range(500)]
    stage = Stage({"a": [[*pieces, EndPiece(LlmReply(text="all", usage=USAGE))]]})
    with load(tmp_path, stage) as ai:
        texts = [event.text for event in ai.sync.stream_text("hi") if event.type == "text"]
    assert texts == [f"{number} " for number in range(500)]


def test_sync_streams_raise_and_close(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": [[TextPiece("Once"), ServerError("cut")], [TextPiece("Once"), HANG], [TextPiece("x"), HANG]]})
    with load(tmp_path, stage) as ai:
        stream = ai.sync.stream_text("hi")
        assert next(stream).type == "text"
        with pytest.raises(StreamInterruptedError):
            next(stream)
        assert list(stream) == []
        with ai.sync.stream_text("hi") as stream:
            next(stream)
        assert stage.stopped == ["a stream", "a", "a stream"]
        assert list(stream) == []
        next(ai.sync.stream_text("hi"))  # dropped: the close of the engine ends it
        gc.collect()
    assert stage.stopped[-1] == "a stream"


async def test_sync_inside_a_loop_raises_at_once(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        for call in (ai.sync.generate_text, ai.sync.stream_text):
            with pytest.raises(RuntimeError, match="await"):
                call("hi")
    assert stage.sent == []
    assert ours() == []


def test_three_runs_in_a_row(tmp_path: Path) -> None:
    write(tmp_path)
    ai = load(tmp_path, stage := Stage())
    for _ in range(3):
        assert asyncio.run(ai.generate_text("hi")).text == "hello from a"
    assert len(stage.opened) == 3
    assert stage.closed == stage.opened, "each client is closed on its own loop, before that is gone"
    ai.close()


def test_one_loop_has_one_client_per_backend(tmp_path: Path) -> None:
    write(tmp_path)

    async def many(ai: Inference) -> None:
        await asyncio.gather(*(ai.generate_text("hi", model=model) for model in ["a-large", "b-large"] * 20))

    with load(tmp_path, stage := Stage()) as ai:
        asyncio.run(many(ai))
    assert count(stage.opened) == {"a": 1, "b": 1}


def test_eight_threads_mixing_sync_and_async(tmp_path: Path) -> None:
    write(tmp_path)

    def work(ai: Inference, number: int) -> set[str]:
        async def both() -> list[str]:
            results = await asyncio.gather(*(ai.generate_text("hi") for _ in range(5)))
            return [result.text for result in results]

        texts: set[str] = set()
        for _ in range(5):
            texts |= set(asyncio.run(both())) if number % 2 else {ai.sync.generate_text("hi").text}
            texts |= {event.text for event in ai.sync.stream_text("hi") if event.type == "text"}
        return texts

    with load(tmp_path, stage := Stage()) as ai, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: work(ai, number), range(8)))
    assert answers == [{"hello from a", "hello", "from", "a"}] * 8
    assert sorted(stage.opened) == sorted(stage.closed)
    assert len(stage.opened) == 4 * 5 + 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_anew(tmp_path: Path) -> None:
    write(tmp_path)
    with load(tmp_path, stage := Stage()) as ai:
        ai.sync.generate_text("hi")
        child = os.fork()
        if child == 0:
            try:
                good = ai.sync.generate_text("hi").text == "hello from a" and count(stage.opened) == {"a": 2}
                good = good and asyncio.run(ai.generate_text("hi")).text == "hello from a"
                ai.close()
                good = good and ours() == []
            finally:
                os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ai.sync.generate_text("hi").text == "hello from a"
        assert count(stage.opened) == {"a": 1}


async def test_a_reload_during_a_stream(tmp_path: Path) -> None:
    write(tmp_path)
    pieces = [TextPiece("1"), TextPiece("2"), EndPiece(LlmReply(text="12", usage=USAGE))]
    stage = Stage({"a": [pieces]})
    async with load(tmp_path, stage) as ai:
        old = ai.deck
        async with ai.stream_text("hi") as stream:
            await anext(stream)
            file = tmp_path / ".pipelex/inference/backends.toml"
            file.write_text(file.read_text().replace("${A_KEY}", "${B_KEY}"))
            ai.reload()
            assert ai.deck is not old
            assert stage.closed == []
            rest = [event.type async for event in stream]
        await asyncio.sleep(0)
        assert rest == ["text", "done"]
        assert count(stage.closed) == {"a": 1}, "the old client ends with the last call of the old deck"
        await ai.generate_text("hi")
        assert count(stage.opened) == {"a": 2}


async def test_a_reload_keeps_clients_whose_access_is_the_same_and_closes_idle_others(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi", model="a-large")
        await ai.generate_text("hi", model="b-large")
        file = tmp_path / ".pipelex/inference/backends.toml"
        file.write_text(file.read_text().replace("${B_KEY}", "another"))
        ai.reload()
        await asyncio.sleep(0.01)
        assert count(stage.closed) == {"b": 1}
        await ai.generate_text("hi", model="a-large")
        await ai.generate_text("hi", model="b-large")
    assert count(stage.opened) == {"a": 1, "b": 2}
    assert count(stage.closed) == {"a": 1, "b": 2}


async def test_a_reload_that_fails_keeps_the_old_deck(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        file = tmp_path / ".pipelex/inference/routing_profiles.toml"
        file.write_text("active = ")
        with pytest.raises(ConfigError):
            ai.reload()
        assert (await ai.generate_text("hi")).text == "hello from a"


async def test_views_narrow_and_share(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        second = ai.using(profile="second")
        assert second.profile.name == "second"
        assert ai.profile.name == "main"
        assert (await second.generate_text("hi")).served_by.backend == "b"
        assert (await ai.using(only=["b", "c"]).generate_text("hi", only=["c"])).served_by.backend == "c"
        assert (await ai.using(exclude=["a"]).generate_text("hi", exclude=["b"])).served_by.backend == "c"
        assert (await ai.generate_text("hi", profile="second")).served_by.backend == "b"
        with pytest.raises(ResolveError):
            await ai.using(only=["a"]).using(only=["b"]).generate_text("hi")
        with pytest.raises(ConfigError, match='Did you mean "second"'):
            ai.using(profile="secnd")
    assert count(stage.opened) == {"b": 1, "c": 1}


async def test_use_profile_switches_for_everybody_and_views_keep_theirs(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, Stage()) as ai:
        view, pinned = ai.using(exclude=["c"]), ai.using(profile="main")
        ai.use_profile("second")
        assert ai.profile.name == "second"
        assert (await view.generate_text("hi")).served_by.backend == "b"
        assert (await pinned.generate_text("hi")).served_by.backend == "a"
        with pytest.raises(ConfigError):
            ai.use_profile("secnd")
        assert ai.profile.name == "second"
        ai.reload()
        assert ai.profile.name == "second"


def test_dropped_unclosed_it_is_silent_and_leaves_no_thread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    ai = load(tmp_path, Stage())
    ai.sync.generate_text("hi")
    thread = next(thread for thread in threading.enumerate() if thread.name == "pipelex_like")
    del ai
    gc.collect()
    thread.join(5)
    assert ours() == []
    assert capsys.readouterr() == ("", "")


async def test_a_plain_with_block_inside_a_loop_closes_its_clients(tmp_path: Path) -> None:
    write(tmp_path)
    with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi")
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.closed == stage.opened


async def test_closing_ends_threads_and_clients_of_both_worlds(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi")
        await asyncio.to_thread(ai.sync.generate_text, "hi")
        assert ours() == ["pipelex_like"]
    assert ours() == []
    assert sorted(stage.closed) == sorted(stage.opened)
    assert len(stage.opened) == 2
