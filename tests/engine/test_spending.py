"""Limits on spending: what is put by before a request, what takes its place, and the account of it all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, Account, Stage, Time, answered, load, settled, write
from pydantic import BaseModel
from typer.testing import CliRunner

from pipelex_like import (
    AllCandidatesFailedError,
    BudgetError,
    CallTimeoutError,
    InvalidResponseError,
    ServerError,
    StreamInterruptedError,
    Usage,
)
from pipelex_like.cli.app import app
from pipelex_like.types import EndPiece, LlmReply, TextPiece
from pipelex_like.usage.holds import Holds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like import Inference

TESTS = Path(__file__).parents[1]
SPENT = Usage(input_tokens=1, output_tokens=1000)
ONE = Decimal("0.002001")
"""What a request is expected to cost, and costs: one token of prompt at $1 a million, a thousand of answer at $2."""
ASKED = {"model": "a-large", "max_tokens": 1000}


class Word(BaseModel):
    word: str


def exact(**more: object) -> LlmReply:
    return answered(usage=SPENT, **more)


def governed(root: Path, *lines: str, ledger: str | None = None, deck: str = "") -> None:
    """Write the directory with these lines under [budgets]."""
    kept = "" if ledger is None else f'\n[ledger]\npath = "{ledger}"\n'
    write(root, routing="+\n[budgets]\n" + "\n".join(lines) + "\n" + kept, deck=deck)


def rows(file: Path) -> list[tuple[str, str | None]]:
    with sqlite3.connect(file) as base:
        found = base.execute("SELECT outcome, cost FROM attempts ORDER BY request_id, attempt").fetchall()
    base.close()
    return found


def slow_until(go: asyncio.Event, reply: LlmReply | None = None) -> Callable[[], object]:
    async def deed() -> object:
        await go.wait()
        return reply or exact()

    return deed


async def ask(ai: Inference, verb: str, **options: object) -> object:
    if verb == "stream_text":
        return [event async for event in ai.stream_text("hi", **options)]
    return await getattr(ai, verb)("hi", **options)


@pytest.mark.parametrize("ledger", [None, "usage.sqlite"])
@pytest.mark.parametrize(
    "limit", ["run_max_cost = 0.02001", "day_max_cost = 0.02001", "run_max_total_tokens = 10010", "both"]
)
async def test_a_hundred_calls_at_once_against_a_budget_for_ten(tmp_path: Path, limit: str, ledger: str | None) -> None:
    lines = ("run_max_cost = 0.02001", "day_max_total_tokens = 10010") if limit == "both" else (limit,)
    governed(tmp_path, *lines, ledger=ledger)
    go, account = asyncio.Event(), Account()
    stage = Stage({"a": [slow_until(go)] * 100})
    async with load(tmp_path, stage, account=account) as ai:
        tasks = [asyncio.create_task(ai.generate_text("hi", **ASKED)) for _ in range(100)]
        refused = 0
        while refused < 90:
            await asyncio.sleep(0.005)
            refused = sum(task.done() for task in tasks)
        go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", **ASKED)
        total = ai.usage.total
    answers = [result for result in results if not isinstance(result, BaseException)]
    assert len(answers) == len(stage.sent) == len(account.records) == 10
    assert [type(result) for result in results if isinstance(result, BaseException)] == [BudgetError] * 90
    assert (total.requests, total.failed, total.cost) == (10, 0, 10 * ONE)
    assert sum(record.cost for record in account.records) == 10 * ONE == sum(answer.cost for answer in answers)
    assert not [record for record in account.records if record.over_limit]
    if ledger is not None:
        assert rows(tmp_path / ledger) == [("ok", str(ONE))] * 10
        told = CliRunner().invoke(app, ["usage", "--ledger", str(tmp_path / ledger), "--json"])
        assert json.loads(told.stdout)["total"]["cost_usd"] == float(10 * ONE)
        assert json.loads(told.stdout)["total"]["requests"] == 10


@pytest.mark.parametrize("verb", ["generate_text", "stream_text"])
async def test_the_error_says_which_limit_and_names_no_request(tmp_path: Path, verb: str) -> None:
    governed(tmp_path, "run_max_cost = 0.003")
    stage, account = Stage({"a": [exact(), exact()]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        await ask(ai, verb, **ASKED)
        with pytest.raises(BudgetError, match=r"run_max_cost = \$0.003 would be passed: \$0.002001 is spent") as raised:
            await ask(ai, verb, **ASKED)
    assert [attempt.outcome for attempt in raised.value.attempts] == ["skipped"]
    assert len(stage.sent) == len(account.records) == 1


async def test_what_was_answered_cheaper_leaves_the_rest_to_others(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 0.0021")
    cheap = answered(usage=Usage(input_tokens=1, output_tokens=1))
    async with load(tmp_path, stage := Stage({"a": [cheap] * 20})) as ai:
        for _ in range(20):
            await ai.generate_text("hi", **ASKED)
    assert len(stage.sent) == 20


@pytest.mark.parametrize(
    ("deed", "left"),
    [
        (lambda: ServerError("down", status=500), True),
        (lambda: CallTimeoutError("slow"), False),
        (lambda: ServerError("down", status=500, retryable=False), True),
    ],
    ids=["refused, so free", "unknown, so its hold", "failed for good"],
)
async def test_a_failure_counts_as_what_it_cost_and_at_its_hold_where_that_is_unknown(
    tmp_path: Path, deed: Callable[[], Exception], left: bool
) -> None:
    governed(tmp_path, "run_max_cost = 0.003")
    async with load(tmp_path, stage := Stage({"a": [deed(), exact()]}), time=Time()) as ai:
        with pytest.raises((ServerError, CallTimeoutError)):
            await ai.generate_text("hi", **ASKED, max_retries=0)
        if left:
            await ai.generate_text("hi", **ASKED)
        else:
            with pytest.raises(BudgetError):
                await ai.generate_text("hi", **ASKED)
    assert len(stage.sent) == 1 + left


@pytest.mark.parametrize("how", ["cancel", "deadline", "break", "dropped"])
async def test_one_that_was_given_up_under_way_holds_nothing_any_more(tmp_path: Path, how: str) -> None:
    governed(tmp_path, "run_max_total_tokens = 100000", ledger="usage.db")
    stage, account = Stage({"a": [HANG if how in ("cancel", "deadline") else [TextPiece("x"), HANG]]}), Account()
    stage.waiting["a"] = asyncio.Event()
    async with load(tmp_path, stage, account=account) as ai:
        if how == "cancel":
            task = asyncio.create_task(ai.generate_text("hi", **ASKED))
            await stage.waiting["a"].wait()
            task.cancel()
            await asyncio.wait({task})
        elif how == "deadline":
            with pytest.raises(CallTimeoutError):
                await ai.generate_text("hi", **ASKED, timeout=0.05)
        else:
            stream = ai.stream_text("hi", **ASKED)
            await anext(stream)
            await stream.aclose()
        standing = ai._core.governor.budget._run.standing()
    assert standing.held_tokens == 0
    # A stream tells how far it came: 1 token of prompt, 1 of answer; else all that was put by counts.
    assert standing.tokens == (1001 if how in ("cancel", "deadline") else 2)
    assert [record.outcome for record in account.records] == ["abandoned"]


async def test_a_day_is_one_for_all_who_share_a_ledger(tmp_path: Path) -> None:
    governed(tmp_path, "day_max_cost = 0.0061", ledger="day.sqlite")
    stage = Stage({"a": [exact()] * 9})
    time = Time()
    async with load(tmp_path, stage, time=time) as one, load(tmp_path, stage, time=Time()) as two:
        await one.generate_text("hi", **ASKED)
        await two.generate_text("hi", **ASKED)
        await one.generate_text("hi", **ASKED)
        for ai in (one, two):
            with pytest.raises(BudgetError, match="day_max_cost"):
                await ai.generate_text("hi", **ASKED)
        time.seconds += 86_400
        await one.generate_text("hi", **ASKED)
        with pytest.raises(BudgetError):
            await two.generate_text("hi", **ASKED)
    assert [cost for _, cost in rows(tmp_path / "day.sqlite")] == [str(ONE)] * 4
    # One who comes later the same day finds what was spent.
    async with load(tmp_path, stage, time=Time()) as three:
        with pytest.raises(BudgetError):
            await three.generate_text("hi", **ASKED)


@pytest.mark.parametrize("place", ["call", "preset", "profile"])
async def test_max_cost_is_for_all_attempts_of_one_call(tmp_path: Path, place: str) -> None:
    # Enough for two requests, not for three.
    line = "max_cost = 0.0045"
    write(
        tmp_path,
        deck=f"+\nsparing = {{ model = 'chain', {line if place == 'preset' else 'top_p = 0.5'} }}\n",
        routing=f'active = "main"\n[profiles.main]\n{line if place == "profile" else ""}\n',
    )
    stage = Stage({name: [CallTimeoutError("slow"), exact()] for name in "abc"})
    asked = {
        "model": "preset:sparing",
        "max_tokens": 1000,
        **({"max_cost": Decimal("0.0045")} if place == "call" else {}),
    }
    async with load(tmp_path, stage, time=Time()) as ai:
        with pytest.raises(AllCandidatesFailedError, match=r"max_cost = \$0.0045 would be passed") as raised:
            await ai.generate_text("hi", **asked, cooldown=0)
        # Every call has its own.
        assert (await ai.generate_text("hi", **asked)).text == "hello"
    assert stage.order == ["a", "b", "a"]
    assert [attempt.outcome for attempt in raised.value.attempts] == ["failed", "failed", "skipped"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_repair_counts_too(tmp_path: Path, streamed: bool) -> None:
    write(tmp_path)
    bad = answered("no", usage=SPENT)
    deed: object = [EndPiece(bad)] if streamed else bad
    async with load(tmp_path, stage := Stage({"a": [deed, deed]})) as ai:
        asked = {**ASKED, "max_total_tokens": 1500}
        with pytest.raises(BudgetError, match="max_total_tokens = 1500"):
            if streamed:
                async for _ in ai.stream_object("hi", Word, **asked):
                    pass
            else:
                await ai.generate_object("hi", Word, **asked)
    assert stage.order == ["a"]


async def test_a_cheaper_candidate_may_still_fit(tmp_path: Path) -> None:
    cheap = 'default_sdk = "openai"\n[b-large]\ninputs = ["text"]\ncosts = { input = 0, output = 0.1 }\n'
    write(tmp_path, b=cheap, deck="[aliases]\npair = ['a-large', 'b-large']\n")
    async with load(tmp_path, stage := Stage()) as ai:
        result = await ai.generate_text("hi", model="pair", max_tokens=1000, max_cost=Decimal("0.001"))
    assert stage.order == ["b"]
    assert [attempt.outcome for attempt in result.attempts] == ["skipped", "ok"]


async def test_a_model_without_a_price_is_refused_where_dollars_are_limited_only(tmp_path: Path) -> None:
    unpriced = '\ndefault_sdk = "openai"\n[a-large]\noutputs = ["text"]\ninputs = ["text"]\n'
    write(tmp_path, a=unpriced, deck="[aliases]\npair = ['a-large', 'b-large']\n")
    async with load(tmp_path, stage := Stage()) as ai:
        with pytest.raises(BudgetError, match="`costs`"):
            await ai.generate_text("hi", model="a-large", max_cost=1)
        assert stage.order == []
        assert (await ai.generate_text("hi", model="pair", max_cost=1)).served_by.backend == "b"
        result = await ai.generate_text("hi", model="a-large", max_total_tokens=9999)
    assert result.cost is None
    assert "no price is known" in result.cost_note


async def test_a_settlement_may_pass_the_limit_once_and_the_record_says_so(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 0.01")
    dear = answered(usage=Usage(input_tokens=1, output_tokens=20_000))
    stage, account = Stage({"a": [exact(), dear, exact()]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        await ai.generate_text("hi", **ASKED)
        result = await ai.generate_text("hi", **ASKED)
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", **ASKED)
    assert result.cost == Decimal("0.040001")
    assert [record.over_limit is None for record in account.records] == [True, False]
    assert account.records[1].over_limit.startswith("run_max_cost = $0.01 is passed by $0.032002")


async def test_the_sandbox_costs_no_real_money(tmp_path: Path) -> None:
    backends = "".join(f'[{name}]\nenabled = true\napi_key = "k"\n' for name in "abc")
    governed(tmp_path, "run_max_cost = 0.000001", "day_max_total_tokens = 1", ledger="usage.sqlite")
    file = tmp_path / ".pipelex/inference/backends.toml"
    file.write_text(backends + "[sandbox]\nenabled = true\nonly_when_named = true\n")
    spec = "default_sdk = 'openai'\n[toy]\ninputs = ['text']\noutputs = ['text']\ncosts = { input = 1, output = 2 }\n"
    (tmp_path / ".pipelex/inference/backends/sandbox.toml").write_text(spec)
    account = Account()
    async with load(tmp_path, stage := Stage(), account=account) as ai:
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", **ASKED)
        for _ in range(3):
            result = await ai.generate_text("hi", model="sandbox/toy")
            assert (result.simulated, result.cost) == (True, Decimal(2))
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", model="sandbox/toy", max_total_tokens=5)
    assert stage.order == ["sandbox"] * 3
    assert [record.simulated for record in account.records] == [True] * 3


async def test_pictures_and_pages_are_put_by_as_well(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 0.1")
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_images("x", model="a-painter", n=2)
        with pytest.raises(BudgetError, match=r"this one may cost \$0.04"):
            await ai.generate_images("x", model="a-painter", n=1)
        await ai.extract(b"%PDF-1.7 /Type /Page x", model="a-reader")
        with pytest.raises(BudgetError):
            await ai.extract(b"%PDF-1.7 x", model="a-reader", pages=[1, 2, 3])
    assert stage.order == ["a", "a"]


async def test_a_reload_keeps_what_was_spent_and_takes_the_new_limits(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 0.0021")
    async with load(tmp_path, Stage({"a": [exact()] * 3})) as ai:
        await ai.generate_text("hi", **ASKED)
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", **ASKED)
        governed(tmp_path, "run_max_cost = 0.0042")
        ai.reload()
        await ai.generate_text("hi", **ASKED)
        with pytest.raises(BudgetError, match=r"\$0.004002 is spent"):
            await ai.generate_text("hi", **ASKED)


async def test_a_stream_that_broke_counts_at_its_hold(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 0.003")
    stage = Stage({"a": [[TextPiece("one"), ServerError("cut")]]})
    async with load(tmp_path, stage) as ai:
        with pytest.raises(StreamInterruptedError):
            await ask(ai, "stream_text", **ASKED)
        with pytest.raises(BudgetError):
            await ask(ai, "stream_text", **ASKED)


async def test_objects_that_never_fit_are_paid_for(tmp_path: Path) -> None:
    governed(tmp_path, "run_max_cost = 1")
    account = Account()
    async with load(tmp_path, Stage({"a": [exact(), exact()]}), account=account) as ai:
        with pytest.raises(InvalidResponseError):
            await ai.generate_object("hi", Word, **ASKED)
        assert ai.usage.total.cost == 2 * ONE
    assert [record.cost for record in account.records] == [ONE, ONE]


async def test_a_budget_that_cannot_be_looked_up_lets_nothing_through(tmp_path: Path) -> None:
    governed(tmp_path, "day_max_cost = 1", ledger="folder.sqlite")
    (tmp_path / "folder.sqlite").mkdir()
    async with load(tmp_path, stage := Stage()) as ai:
        with pytest.raises(BudgetError, match="cannot be looked up"):
            await ai.generate_text("hi", **ASKED)
    assert stage.sent == []


async def test_one_who_goes_while_money_is_put_by_leaves_none_behind(tmp_path: Path) -> None:
    governed(tmp_path, "day_max_cost = 1", ledger="usage.sqlite")
    account = Account()
    async with load(tmp_path, stage := Stage(), account=account) as ai:
        await ai.generate_text("hi", **ASKED)
        for _ in range(20):
            task = asyncio.create_task(ai.generate_text("hi", **ASKED))
            await settled()
            task.cancel()
            await asyncio.wait({task})
        await asyncio.sleep(0.05)
        holds = Holds(tmp_path / "usage.sqlite")
        assert holds.unsettled() == ()
        holds.close()
    assert len(stage.sent) == len(account.records)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from engine.workbench import Stage, load

async def killed():
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with load(Path(sys.argv[1]), Stage({"a": [killed]})) as ai:
        await ai.generate_text("hi", model="a-large", max_tokens=1000)

asyncio.run(main())
"""


async def test_a_kill_between_answer_and_account_is_counted_once(tmp_path: Path) -> None:
    governed(tmp_path, "day_max_cost = 0.0041", ledger="usage.sqlite")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(TESTS)}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    async with load(tmp_path, stage := Stage({"a": [exact()] * 3})) as ai:
        await ai.generate_text("hi", **ASKED)
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", **ASKED)
    holds = Holds(tmp_path / "usage.sqlite")
    left = holds.unsettled()
    holds.close()
    assert [(hold.cost, hold.tokens) for hold in left] == [(ONE, 1001)]
    assert len(stage.sent) == 1
    assert rows(tmp_path / "usage.sqlite") == [("ok", str(ONE))]
