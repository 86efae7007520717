"""Answers that were given before, or are being given to somebody else: what a call gets, and what is in the account."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, KEYS, USAGE, Account, Stage, Time, answered, load, settled, write
from pydantic import BaseModel

from pipelex_like import BudgetError, CallTimeoutError, ServerError, Usage
from pipelex_like.types import EndPiece, LlmReply, ReasoningPiece, TextPiece, ToolCall, ToolCallPiece

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like import Inference
    from pipelex_like.types import UsageRecord

PDF = b"%PDF-1.7 x"
STORES = {"memory": "", "file": '+\n[cache]\npath = "answers.sqlite"\n'}


class Word(BaseModel):
    word: str


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write(tmp_path, routing=STORES[request.param])
    return tmp_path


async def ask(ai: Inference, verb: str, **options: object) -> object:
    match verb:
        case "generate_text":
            return await ai.generate_text("hi", **options)
        case "stream_text":
            async with ai.stream_text("hi", **options) as stream:
                async for _ in stream:
                    pass
                return stream.result()
        case "generate_object":
            return await ai.generate_object("hi", Word, **options)
        case "stream_object":
            async with ai.stream_object("hi", Word, **options) as stream:
                async for _ in stream:
                    pass
                return stream.result()
        case "extract":
            return await ai.extract(PDF, **options)
        case _:
            return await ai.generate_images("a boat", n=2, **options)


GIVES = {
    "generate_text": "text",
    "stream_text": "text",
    "generate_object": "object",
    "stream_object": "object",
    "extract": "pages",
    "generate_images": "images",
}


@pytest.mark.parametrize("verb", GIVES)
async def test_a_kept_answer_is_the_same_costs_nothing_and_is_marked(stored: Path, verb: str) -> None:
    text = '{"word": "x"}' if "object" in verb else "one two"
    stage, account = Stage({"a": [answered(text)]}), Account()
    async with load(stored, stage, account=account) as ai:
        first = await ask(ai, verb, cache=True)
        second = await ask(ai, verb, cache=True)
        total = ai.usage.total
    assert stage.order == ["a"]
    assert getattr(first, GIVES[verb]) == getattr(second, GIVES[verb])
    assert (first.cached, first.attempts[-1].cached) == (False, False)
    assert (second.cached, second.attempts[-1].cached, second.attempts[-1].outcome) == (True, True, "ok")
    assert first.cost > 0
    assert (second.cost, second.usage) == (Decimal(0), Usage())
    assert second.served_by == first.served_by
    assert [(record.cached, record.cost) for record in account.records] == [(False, first.cost), (True, Decimal(0))]
    assert (total.requests, total.from_cache, total.cost) == (2, 1, first.cost)


@pytest.mark.parametrize("verbs", [("generate_text", "stream_text"), ("stream_text", "generate_text")])
async def test_a_stream_and_a_whole_answer_are_kept_as_one(stored: Path, verbs: tuple[str, str]) -> None:
    async with load(stored, stage := Stage({"a": [answered("one two")]})) as ai:
        first, second = [await ask(ai, verb, cache=True) for verb in verbs]
    assert stage.order == ["a"]
    # The pieces of the stage lack their spaces; the reply at the end counts.
    assert first.text == second.text == "one two"
    assert second.cached


async def test_a_replayed_stream_has_all_its_events(tmp_path: Path) -> None:
    write(tmp_path)
    call = ToolCall(id="1", name="add", raw="{}", arguments={})
    reply = LlmReply(text="so it is", reasoning="hm", tool_calls=(call,), usage=USAGE, finish_reason="tool_calls")
    pieces = [ReasoningPiece("hm"), TextPiece("so it "), TextPiece("is"), ToolCallPiece(call), EndPiece(reply)]
    async with load(tmp_path, stage := Stage({"a": [pieces]})) as ai:
        for _ in range(2):
            events = [event async for event in ai.stream_text("hi", cache=True)]
            assert "".join(event.text for event in events if event.type == "text") == "so it is"
            assert "".join(event.text for event in events if event.type == "reasoning") == "hm"
            assert [event.call for event in events if event.type == "tool_call"] == [call]
    assert stage.order == ["a"]
    assert events[-1].result.cached


async def test_it_holds_over_runs_where_a_file_keeps_it_and_never_for_other_credentials(tmp_path: Path) -> None:
    write(tmp_path, routing=STORES["file"])
    for environ, requests in ((KEYS, 1), (KEYS, 0), (KEYS | {"A_KEY": "another"}, 1), (KEYS, 0)):
        async with load(tmp_path, stage := Stage(), environ=environ) as ai:
            await ai.generate_text("hi", cache=True)
        assert len(stage.sent) == requests, environ


async def test_a_reload_with_another_key_shares_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        await ai.generate_text("hi", cache=True)
        file = tmp_path / ".pipelex/inference/backends.toml"
        file.write_text(file.read_text().replace("${A_KEY}", "${B_KEY}"))
        ai.reload()
        assert not (await ai.generate_text("hi", cache=True)).cached
    assert stage.order == ["a", "a"]


async def test_it_is_off_unless_asked_for_and_may_be_asked_for_in_files(tmp_path: Path) -> None:
    write(tmp_path, deck="+\nkept = { model = 'a-large', cache = 60 }\n")
    async with load(tmp_path, stage := Stage(), time=(time := Time())) as ai:
        for _ in range(2):
            await ai.generate_text("hi")
        assert len(stage.sent) == 2
        for _ in range(2):
            await ai.generate_text("hi", model="preset:kept")
        assert len(stage.sent) == 3
        await ai.generate_text("hi", model="preset:kept", cache=False)
        assert len(stage.sent) == 4
        time.seconds += 61
        assert not (await ai.generate_text("hi", model="preset:kept")).cached


async def test_what_differs_is_asked_for_anew(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        for prompt, options in (
            ("hi", {}),
            ("hi ", {}),
            ("hi", {"temperature": 0.5}),
            ("hi", {"system": "be kind"}),
            ("hi", {"model": "b-large"}),
        ):
            assert not (await ai.generate_text(prompt, cache=True, **options)).cached
    assert len(stage.sent) == 5


@pytest.mark.parametrize("verb", ["generate_text", "stream_text"])
async def test_failures_and_cut_answers_are_not_kept(tmp_path: Path, verb: str) -> None:
    write(tmp_path)
    stage = Stage({"a": [ServerError("down"), answered("cut", finish_reason="length"), answered("whole")]})
    asked = {"model": "a-large", "cache": True, "max_retries": 0}
    async with load(tmp_path, stage) as ai:
        with pytest.raises(ServerError):
            await ask(ai, verb, **asked)
        assert (await ask(ai, verb, **asked)).text == "cut"
        assert (await ask(ai, verb, **asked)).text == "whole"
        assert (await ask(ai, verb, **asked)).cached


async def test_an_object_that_did_not_fit_is_not_kept_and_what_mended_it_is(tmp_path: Path) -> None:
    write(tmp_path)
    good = answered('{"word": "x"}')
    stage, account = Stage({"a": [answered("no"), good, answered("no"), good]}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        for _ in range(2):
            assert (await ai.generate_object("hi", Word, cache=True)).object == Word(word="x")
    assert len(stage.sent) == 3
    assert [(record.outcome, record.cached) for record in account.records] == [
        ("failed", False),
        ("ok", False),
        ("failed", False),
        ("ok", True),
    ]


async def test_a_kept_answer_needs_no_budget_and_no_health(tmp_path: Path) -> None:
    write(tmp_path, routing="+\n[budgets]\nrun_max_cost = 2.5\n")
    stage, account = Stage({"a": [answered(), ServerError("down")]}), Account()
    async with load(tmp_path, stage, time=Time(), account=account) as ai:
        await ai.generate_text("hi", model="a-large", cache=True, max_tokens=1000)
        with pytest.raises(ServerError):
            await ai.generate_text("other", model="a-large", max_tokens=1000, max_retries=0)
        assert (await ai.generate_text("hi", cache=True, max_tokens=1000)).cached
        with pytest.raises(BudgetError):
            await ai.generate_text("hi", cache=True, max_tokens=500_000, reserve_output_tokens=500_000)
    assert [record.outcome for record in account.records] == ["ok", "failed", "ok"]


async def test_a_file_that_is_no_database_harms_no_call(tmp_path: Path) -> None:
    write(tmp_path, routing=STORES["file"])
    (tmp_path / "answers.sqlite").write_text("something else")
    async with load(tmp_path, stage := Stage()) as ai:
        for _ in range(2):
            assert not (await ai.generate_text("hi", cache=True)).cached
    assert (tmp_path / "answers.sqlite").read_text() == "something else"
    assert stage.order == ["a", "a"]


class Gate:
    """Answers when it is let go."""

    def __init__(self, deed: LlmReply | Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.deed = deed or answered("shared")

    async def __call__(self) -> LlmReply:
        self.begun.set()
        await self.go.wait()
        if isinstance(self.deed, Exception):
            raise self.deed
        return self.deed


def calls(ai: Inference, count: int, **options: object) -> list[asyncio.Task[object]]:
    asked = {"coalesce": True, **options}
    return [asyncio.create_task(ai.generate_text("hi", **asked)) for _ in range(count)]


async def test_equal_calls_at_once_share_one_request(tmp_path: Path) -> None:
    write(tmp_path)
    gate, account = Gate(), Account()
    async with load(tmp_path, stage := Stage({"a": [gate]}), account=account) as ai:
        tasks = calls(ai, 10)
        await gate.begun.wait()
        await settled()
        gate.go.set()
        results = await asyncio.gather(*tasks)
        await ai.generate_text("hi", coalesce=True)
    assert stage.order == ["a", "a"]
    assert [result.text for result in results] == ["shared"] * 10
    assert [result.cached for result in results] == [False] + [True] * 9
    assert [result.cost for result in results] == [Decimal(2)] + [Decimal(0)] * 9
    assert [result.attempts[-1].cached for result in results] == [False] + [True] * 9
    assert sum(record.cost for record in account.records) == Decimal(4)
    assert [record.cached for record in account.records].count(True) == 9


async def test_calls_do_not_meet_unless_both_want_to(tmp_path: Path) -> None:
    write(tmp_path)
    gates = [Gate(), Gate(), Gate()]
    async with load(tmp_path, stage := Stage({"a": [*gates]})) as ai:
        tasks = [*calls(ai, 1), *calls(ai, 1, coalesce=False), *calls(ai, 1, temperature=0.3)]
        await settled()
        for gate in gates:
            gate.go.set()
        await asyncio.gather(*tasks)
    assert len(stage.sent) == 3


async def test_documents_and_pictures_share_too(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage()) as ai:
        read = await asyncio.gather(*(ai.extract(PDF, coalesce=True) for _ in range(5)))
        drawn = await asyncio.gather(*(ai.generate_images("x", coalesce=True) for _ in range(5)))
    assert stage.order == ["a", "a"]
    assert sum(one.cost for one in read) == Decimal("0.02")
    assert sum(one.cost for one in drawn) == Decimal("0.04")


async def test_a_failure_is_everybodys_and_each_goes_on_for_itself(tmp_path: Path) -> None:
    write(tmp_path)
    gate, account = Gate(ServerError("down", status=500)), Account()
    async with load(tmp_path, stage := Stage({"a": [gate]}), time=Time(), account=account) as ai:
        tasks = calls(ai, 4, max_retries=0)
        await gate.begun.wait()
        await settled()
        gate.go.set()
        results = await asyncio.gather(*tasks)
    assert {result.served_by.backend for result in results} == {"b"}
    assert stage.order[0] == "a"
    assert set(stage.order[1:]) == {"b"}
    assert sum(record.cost for record in account.records) == 2 * (len(stage.order) - 1)


@pytest.mark.parametrize("limited", [False, True], ids=["free", "one at a time, under a budget"])
@pytest.mark.parametrize("how", ["cancel", "deadline"])
@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_who_asked_first_may_go_and_the_request_is_still_in_the_account(
    tmp_path: Path, limited: bool, how: str, ends: str
) -> None:
    write(tmp_path, routing="+\n[budgets]\nrun_max_total_tokens = 2000000\n" if limited else "")
    if limited:
        file = tmp_path / ".pipelex/inference/backends.toml"
        file.write_text(file.read_text().replace("[a]\n", "[a]\nmax_concurrency = 1\n"))
    gate, account = Gate(None if ends == "well" else ServerError("down", status=500)), Account()
    stage = Stage({"a": [gate]})
    one = {"model": "a-large", "max_retries": 0, "max_tokens": 1000}
    async with load(tmp_path, stage, account=account) as ai:
        first = calls(ai, 1, **one, **({"timeout": 0.05} if how == "deadline" else {}))[0]
        await gate.begun.wait()
        others = calls(ai, 2, **one)
        await settled()
        if how == "cancel":
            first.cancel()
        await asyncio.wait({first})
        assert account.records == []
        if how == "deadline":
            assert isinstance(error := first.exception(), CallTimeoutError)
            assert [attempt.outcome for attempt in error.attempts] == ["abandoned"]
        gate.go.set()
        results = await asyncio.gather(*others, return_exceptions=True)
        assert [getattr(result, "text", "failed") for result in results] == [
            "shared" if ends == "well" else "failed"
        ] * 2
        assert ai._core.governor.gates.in_flight("a") == 0
        assert ai._core.governor.budget._run.standing().held_tokens == 0
        assert (await ai.generate_text("next", model="a-large", max_tokens=1000)).text == "hello from a"
    sent = [record for record in account.records if not is_shared(record)]
    assert len(sent) == len(stage.sent) == 2
    assert [record.cost for record in sent] == [Decimal(2 if ends == "well" else 0), Decimal(2)]
    assert len({(record.request_id, record.attempt) for record in account.records}) == len(account.records)


def is_shared(record: UsageRecord) -> bool:
    return record.cached


async def test_who_waits_in_the_queue_may_go_and_leaves_no_place_taken(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / ".pipelex/inference/backends.toml"
    file.write_text(file.read_text().replace("[a]\n", "[a]\nmax_concurrency = 1\n"))
    gate, account = Gate(), Account()
    async with load(tmp_path, stage := Stage({"a": [gate]}), account=account) as ai:
        before = asyncio.create_task(ai.generate_text("before", model="a-large"))
        await gate.begun.wait()
        first, second = calls(ai, 2, model="a-large")
        await settled()
        first.cancel()
        await asyncio.wait({first})
        gate.go.set()
        await before
        assert (await second).text == "hello from a"
        assert (await asyncio.wait_for(ai.generate_text("after", model="a-large"), 5)).text == "hello from a"
        assert ai._core.governor.gates.in_flight("a") == 0
    assert len([record for record in account.records if not record.cached]) == len(stage.sent) == 3


async def test_the_last_one_to_go_ends_the_request_and_it_is_recorded_once(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG]}, waiting={"a": asyncio.Event()}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        tasks = calls(ai, 3)
        await stage.waiting["a"].wait()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert stage.stopped == ["a"]
    assert account.told == [("a", "abandoned", "CancelledError")]


async def test_sharing_and_keeping_go_together(tmp_path: Path) -> None:
    write(tmp_path)
    gate = Gate()
    async with load(tmp_path, stage := Stage({"a": [gate]})) as ai:
        tasks = calls(ai, 3, cache=True)
        await gate.begun.wait()
        gate.go.set()
        await asyncio.gather(*tasks)
        assert (await ai.generate_text("hi", cache=True)).cached
    assert stage.order == ["a"]
