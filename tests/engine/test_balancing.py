"""The order of a group's candidates, from TOML to whom is asked first."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, Stage, Time, answered, load, write

from pipelex_like import ServerError

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTED = "+\n[llm.presets.shared]\nmodel = 'chain'\nbalance = 'weighted'\nweights = { a = 0, b = 3 }\n"


@pytest.mark.parametrize(("luck", "first"), [(0.0, "b"), (0.74, "b"), (0.76, "c"), (0.99, "c")])
async def test_weights_are_drawn_by_chance_and_the_weight_0_comes_last(tmp_path: Path, luck: float, first: str) -> None:
    write(tmp_path, deck=WEIGHTED)
    stage = Stage({name: [ServerError("down")] for name in "bc"})
    async with load(tmp_path, stage, time=Time(luck=luck)) as ai:
        result = await ai.generate_text("hi", model="preset:shared", max_retries=0)
    assert stage.order == [first, "c" if first == "b" else "b", "a"]
    assert result.served_by.backend == "a"


async def test_shares_come_out_as_weighted(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        for _ in range(300):
            await ai.generate_text("hi", balance="weighted", weights={"a": 2, "b/b-large": 1, "c": 0})
    counts = Counter(stage.order)
    assert counts["c"] == 0
    assert 150 < counts["a"] < 250


async def test_who_has_least_in_flight_is_asked_first(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({name: [HANG] for name in "abc"}, waiting={name: asyncio.Event() for name in "abc"})
    least = {"balance": "least_in_flight"}
    async with load(tmp_path, stage) as ai:
        tasks = []
        for name in "abc":
            tasks.append(asyncio.create_task(ai.generate_text("hi", **least)))
            await stage.waiting[name].wait()
        assert stage.order == ["a", "b", "c"]
        tasks[1].cancel()
        await asyncio.wait({tasks[1]})
        assert (await ai.generate_text("hi", **least)).served_by.backend == "b"
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_who_was_quickest_is_asked_first_once_all_are_measured(tmp_path: Path) -> None:
    write(tmp_path, routing=ROUTING.format(way="lowest_latency"))
    time = Time()

    def taking(seconds: float) -> object:
        async def deed() -> object:
            time.seconds += seconds
            return answered()

        return deed

    stage = Stage({"a": [taking(3)] * 9, "b": [taking(1)] * 9, "c": [taking(2)] * 9})
    async with load(tmp_path, stage, time=time) as ai:
        for _ in range(5):
            await ai.generate_text("hi")
        assert stage.order == ["a", "b", "c", "b", "b"]
        stage.script["b"] = [taking(9)] * 9
        for _ in range(3):
            await ai.generate_text("hi")
    assert stage.order[5:] == ["b", "c", "c"]


async def test_the_cheapest_is_asked_first_and_an_unknown_price_last(tmp_path: Path) -> None:
    spec = '\ndefault_sdk = "openai"\n[{0}-large]\ninputs = ["text"]\noutputs = ["text"]\ncosts = {1}\n'
    write(
        tmp_path,
        a=spec.format("a", "{}"),
        b=spec.format("b", "{ input = 5, output = 1 }"),
        c=spec.format("c", "{ input = 1, output = 2 }"),
        deck="[aliases]\nchain = ['a-large', 'b-large', 'c-large']\n",
    )
    stage = Stage({name: [ServerError("down")] * 2 for name in "bc"})
    async with load(tmp_path, stage, time=Time()) as ai:
        cheapest = {"model": "chain", "balance": "cheapest", "max_retries": 0, "cooldown": 0}
        await ai.generate_text("hi", **cheapest, reserve_output_tokens=10_000)
        assert stage.order == ["b", "c", "a"]
        # With a long prompt and a short answer it is the other way round.
        await ai.generate_text("hi " * 1000, **cheapest, max_tokens=1)
    assert stage.order[3:] == ["c", "b", "a"]


async def test_without_a_way_the_declared_order_holds(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        for _ in range(3):
            await ai.generate_text("hi")
    assert stage.order == ["a"] * 3


async def test_balance_keeps_the_cooling_ones_out(tmp_path: Path) -> None:
    write(tmp_path, routing=ROUTING.format(way="least_in_flight"))
    stage = Stage({"a": [ServerError("down")]})
    async with load(tmp_path, stage, time=Time()) as ai:
        await ai.generate_text("hi", max_retries=0)
        await ai.generate_text("hi", max_retries=0)
    assert stage.order == ["a", "b", "b"]


ROUTING = """
active = "main"
[profiles.main]
fallback_order = ["a", "b", "c"]
balance = "{way}"
"""
