"""What the caller does: leaves, reads slowly, or asks for what there is not. Numbered as in the list of fault cases."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest
from faults.bench import GOOD, WIRES, given_up, hung_up, listening, load, told_nothing, write

from pipelex_like import CallError, ConfigError, LLMHandleNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox

EVERY = pytest.mark.parametrize("wire", WIRES)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    listening(caplog)
    return caplog


@EVERY
@pytest.mark.parametrize("how", ["break", "cancel", "dropped", "exception"])
async def test_20_leaving_a_stream_closes_the_upstream_and_settles_what_had_come(
    tmp_path: Path, sandbox: Sandbox, wire: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-long-40+stall-8", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    begun = asyncio.Event()

    async def read(ai: object) -> None:
        async with ai.stream_text("Say something long.", model="asked") as stream:
            async for _ in stream:
                begun.set()
                if how == "break":
                    break
                if how == "exception":
                    raise ZeroDivisionError

    async with bench.ai as ai:
        if how == "dropped":
            async for _ in ai.stream_text("Say something long.", model="asked"):
                break
            gc.collect()
        else:
            task = asyncio.create_task(read(ai))
            await begun.wait()
            if how == "cancel":
                await asyncio.sleep(0.02)
                task.cancel()
            await asyncio.wait({task})
        await given_up(sandbox)
        assert len(sandbox.requests) == 1
        (record,) = bench.account.records
        assert (record.outcome, record.streamed, record.measured) == ("abandoned", True, False)
        assert record.usage.estimated
        assert record.usage.input_tokens > 0
        assert record.usage.output_tokens > 0
        assert record.cost > 0
        assert (await ai.generate_text("Go on.", model=f"first/{GOOD}")).text
        told_nothing(bench, caplog)
    await hung_up(sandbox)


@EVERY
async def test_20_cancelling_a_call_closes_the_upstream_and_begins_nothing_else(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-stall-1", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        task = asyncio.create_task(ai.generate_text("Say something.", model="asked"))
        async with asyncio.timeout(5):
            while not sandbox.requests:
                await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await given_up(sandbox)
        assert len(sandbox.requests) == 1
        assert bench.account.told == [("first", "abandoned", "CancelledError")]
        assert bench.account.records[0].cost is None
        told_nothing(bench, caplog)
    await hung_up(sandbox)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_21_a_slow_reader_holds_the_upstream_back(tmp_path: Path, sandbox: Sandbox, wire: str) -> None:
    write(tmp_path, sandbox, "fault-long-100000", wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        async with ai.stream_text("Say something.", model="asked", max_tokens=1_000_000) as stream:
            await anext(stream)
            # Megabytes are there to be sent; were they read ahead, the sandbox would be done by then.
            await asyncio.sleep(0.2)
        await given_up(sandbox)


async def test_21_the_time_of_a_slow_reader_is_not_the_upstreams(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, "fault-long-20")
    bench = load(tmp_path, sandbox)
    count = 0
    async with bench.ai as ai:
        async for event in ai.stream_text("Say.", model="asked", timeout=2, between_events_timeout=0.1):
            if event.type == "text" and count < 3:
                await asyncio.sleep(0.15)
                bench.time.seconds += 60
                count += 1
    assert count == 3
    assert bench.account.told == [("first", "ok", None)]


EVIL = "b\r\nx-evil: 1\r\n\r\nGET /evil HTTP/1.1"


@EVERY
async def test_24_a_line_break_in_the_name_of_a_model_reaches_no_header(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        try:
            await ai.generate_text("Say something.", model=f"first/{EVIL}", max_retries=0)
        except (CallError, LLMHandleNotFoundError) as error:
            told_nothing(bench, caplog, error)
        assert (await ai.generate_text("Say something.", model=f"first/{GOOD}")).text
    assert len(sandbox.requests) <= 2
    assert not [request for request in sandbox.requests if "x-evil" in request.headers or request.path == "/evil"]


@EVERY
async def test_24_a_line_break_in_a_header_is_an_error_before_anything_is_sent(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, GOOD, wire=wire, more='headers = { x-good = "b\\r\\nx-evil: 1" }')
    with pytest.raises((ConfigError, CallError)) as raised:
        async with load(tmp_path, sandbox).ai as ai:
            await ai.generate_text("Say something.", model="asked", max_retries=0)
    assert sandbox.requests == ()
    assert str(raised.value)


async def test_24_a_line_break_in_the_key_is_an_error_that_does_not_show_it(
    tmp_path: Path, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, GOOD)
    with pytest.raises((ConfigError, CallError)) as raised:
        async with load(tmp_path, sandbox, key="sk-canary\r\nx-evil: 1").ai as ai:
            await ai.generate_text("Say something.", model="asked", max_retries=0)
    assert sandbox.requests == ()
    assert "sk-canary" not in f"{raised.value}{caplog.text}"


async def test_25_an_unknown_model_sends_nothing_and_names_the_nearest(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, GOOD)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        for call in (ai.generate_text("hi", model="first-onw"), ai.generate_object("hi", int, model="first-onw")):
            with pytest.raises(LLMHandleNotFoundError, match="first-own"):
                await call
        with pytest.raises(LLMHandleNotFoundError, match="first-own"):
            ai.stream_text("hi", model="first-onw")
    assert sandbox.requests == ()
    assert bench.account.records == []


def test_25_a_loop_of_aliases_is_told_when_it_is_loaded(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, GOOD)
    (tmp_path / ".pipelex/inference/deck/base_deck.toml").write_text("[aliases]\none = 'two'\ntwo = 'one'\n")
    with pytest.raises(ConfigError, match=r"one.*two|two.*one"):
        load(tmp_path, sandbox)
