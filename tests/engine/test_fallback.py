"""Who is asked, in which order, and who is left alone for a while."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING

import pytest
from engine.workbench import HANG, Account, Stage, Time, answered, load, settled, write

from pipelex_like import (
    AllCandidatesFailedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnreachableError,
)

if TYPE_CHECKING:
    from pathlib import Path

DOWN = {"max_retries": 0}


def down(count: int = 9) -> list[object]:
    return [ServerError("down", status=500) for _ in range(count)]


def outcomes(attempts: object) -> list[tuple[str, str]]:
    return [(attempt.backend, attempt.outcome) for attempt in attempts]


@pytest.mark.parametrize(("options", "order"), [(DOWN, "abc"), ({}, "aaabbbc"), ({"max_retries": 1}, "aabbc")])
async def test_the_chain_is_asked_in_its_order(tmp_path: Path, options: dict[str, object], order: str) -> None:
    write(tmp_path)
    stage, account = Stage({"a": down(), "b": down()}), Account()
    async with load(tmp_path, stage, time=Time(), account=account) as ai:
        result = await ai.generate_text("hi", **options)
    assert "".join(stage.order) == order
    assert outcomes(result.attempts) == [(name, "failed") for name in order[:-1]] + [("c", "ok")]
    assert account.told == [(name, "failed", "ServerError") for name in order[:-1]] + [("c", "ok", None)]
    assert [record.attempt for record in account.records] == list(range(1, len(order) + 1))
    assert {record.request_id for record in account.records} == {result.request_id}


async def test_who_failed_is_passed_over_until_its_cooldown_ends_and_then_probed_once(tmp_path: Path) -> None:
    write(tmp_path)
    stage, time, account = Stage({"a": down(1), "b": down(1)}), Time(), Account()
    async with load(tmp_path, stage, time=time, account=account) as ai:
        await ai.generate_text("hi", **DOWN)
        stage.sent.clear()
        second = await ai.generate_text("hi", **DOWN)
        assert stage.order == ["c"]
        assert outcomes(second.attempts) == [("a", "skipped"), ("b", "skipped"), ("c", "ok")]
        assert "cooling down for another 5.0 s after ServerError" in second.attempts[0].error.message
        time.seconds += 4.9
        await ai.generate_text("hi", **DOWN)
        assert stage.order == ["c", "c"]
        time.seconds += 0.2
        gate = asyncio.Event()

        async def slow() -> object:
            await gate.wait()
            return answered("back")

        stage.script["a"] = [slow]
        probe = asyncio.create_task(ai.generate_text("hi", **DOWN))
        await settled()
        other = await ai.generate_text("hi", **DOWN)
        assert outcomes(other.attempts)[0] == ("a", "skipped")
        assert "being tried by another call" in other.attempts[0].error.message
        gate.set()
        assert (await probe).text == "back"
        stage.sent.clear()
        assert (await ai.generate_text("hi", **DOWN)).served_by.backend == "a"
    assert stage.order == ["a"]
    # What was not sent is in no account.
    assert not [record for record in account.records if record.outcome == "skipped"]


async def test_cooldowns_double_up_to_a_minute(tmp_path: Path) -> None:
    write(tmp_path, deck='[aliases]\npair = ["a-large", "b-large"]\n')
    stage, time = Stage({"a": down(7)}), Time()
    async with load(tmp_path, stage, time=time) as ai:
        for length in (5, 10, 20, 40, 60, 60):
            stage.sent.clear()
            await ai.generate_text("hi", model="pair", **DOWN)
            assert stage.order == ["a", "b"]
            time.seconds += length - 0.1
            await ai.generate_text("hi", model="pair", **DOWN)
            assert stage.order == ["a", "b", "b"], length
            time.seconds += 0.2


async def test_a_lone_candidate_is_asked_although_it_cools(tmp_path: Path) -> None:
    write(tmp_path)
    async with load(tmp_path, stage := Stage({"a": down(1)}), time=Time()) as ai:
        with pytest.raises(ServerError):
            await ai.generate_text("hi", model="a-large", **DOWN)
        result = await ai.generate_text("hi", model="a-large", **DOWN)
    assert stage.order == ["a", "a"]
    assert outcomes(result.attempts) == [("a", "ok")]


async def test_where_all_cool_they_are_asked_after_all(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({name: down(1) for name in "abc"})
    async with load(tmp_path, stage, time=Time()) as ai:
        with pytest.raises(AllCandidatesFailedError):
            await ai.generate_text("hi", **DOWN)
        stage.sent.clear()
        result = await ai.generate_text("hi", **DOWN)
    assert stage.order == ["a"]
    assert outcomes(result.attempts) == [("a", "skipped"), ("b", "skipped"), ("c", "skipped"), ("a", "ok")]


@pytest.mark.parametrize(
    ("kind", "status", "cools"),
    [
        (ServerError, 500, True),
        (OverloadedError, 503, True),
        (RateLimitError, 429, True),
        (QuotaError, 429, True),
        (CallTimeoutError, None, True),
        (UnreachableError, None, True),
        (InvalidResponseError, 200, True),
        (BadRequestError, 400, False),
        (ContextWindowError, 400, False),
        (ContentPolicyError, 400, False),
        (CredentialsError, 401, False),
    ],
)
async def test_only_the_backends_own_faults_cool_it(
    tmp_path: Path, kind: type[CallError], status: int | None, cools: bool
) -> None:
    write(tmp_path)
    stage = Stage({"a": [kind("x", status=status)]})
    going_on = {"actions": {"bad_request": "next", "content_policy": "next"}, "max_retries": 0}
    async with load(tmp_path, stage, time=Time()) as ai:
        assert (await ai.generate_text("hi", **going_on)).served_by.backend == "b"
        result = await ai.generate_text("hi", **going_on)
    assert result.served_by.backend == ("b" if cools else "a")


async def test_the_callers_own_deadline_and_a_cancellation_cool_nobody(tmp_path: Path) -> None:
    write(tmp_path)
    stage, account = Stage({"a": [HANG, HANG]}, waiting={"a": asyncio.Event()}), Account()
    async with load(tmp_path, stage, account=account) as ai:
        with pytest.raises(CallTimeoutError):
            await ai.generate_text("hi", timeout=0.05)
        stage.waiting["a"].clear()
        task = asyncio.create_task(ai.generate_text("hi"))
        await stage.waiting["a"].wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await ai.generate_text("hi")).served_by.backend == "a"
    assert stage.order == ["a", "a", "a"]
    assert [outcome for _, outcome, _ in account.told] == ["abandoned", "abandoned", "ok"]


async def test_a_connection_that_fails_cools_the_whole_backend_and_a_model_only_itself(tmp_path: Path) -> None:
    write(tmp_path)
    two = '\n[a-small]\ninputs = ["text"]\noutputs = ["text"]\n'
    write(tmp_path, a=f"+{two}", deck='[aliases]\nlarge = ["a-large", "b-large"]\nsmall = ["a-small", "b-large"]\n')
    stage = Stage({"a": down(1)})
    async with load(tmp_path, stage, time=(time := Time())) as ai:
        assert (await ai.generate_text("hi", model="large", **DOWN)).served_by.backend == "b"
        assert (await ai.generate_text("hi", model="small", **DOWN)).served_by.backend == "a"
        time.seconds += 100
        stage.script["a"] = [UnreachableError("gone")]
        assert (await ai.generate_text("hi", model="large", **DOWN)).served_by.backend == "b"
        assert (await ai.generate_text("hi", model="small", **DOWN)).served_by.backend == "b"


async def test_cooldown_of_a_backend_and_none_at_all(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / ".pipelex/inference/backends.toml"
    file.write_text(file.read_text().replace("[b]\n", "[b]\ncooldown = 30\n"))
    stage, time = Stage({"a": down(1), "b": down(1)}), Time()
    async with load(tmp_path, stage, time=time) as ai:
        await ai.generate_text("hi", **DOWN)
        time.seconds += 6
        stage.script["a"] = down(1)
        result = await ai.generate_text("hi", **DOWN)
        assert outcomes(result.attempts) == [("a", "failed"), ("b", "skipped"), ("c", "ok")]
        assert (await ai.generate_text("hi", cooldown=0, **DOWN)).served_by.backend == "a"


async def test_a_probe_that_is_cancelled_leaves_the_next_one_free(tmp_path: Path) -> None:
    write(tmp_path)
    stage, time = Stage({"a": [*down(1), HANG]}, waiting={"a": asyncio.Event()}), Time()
    async with load(tmp_path, stage, time=time) as ai:
        await ai.generate_text("hi", **DOWN)
        time.seconds += 6
        task = asyncio.create_task(ai.generate_text("hi", **DOWN))
        await stage.waiting["a"].wait()
        task.cancel()
        await asyncio.wait({task})
        assert (await ai.generate_text("hi", **DOWN)).served_by.backend == "a"


async def test_a_stream_cools_and_passes_over_too(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({"a": down(1)})
    async with load(tmp_path, stage, time=Time()) as ai:
        for _ in range(2):
            async with ai.stream_text("hi", **DOWN) as stream:
                assert [event.type async for event in stream][-1] == "done"
        assert outcomes(stream.result().attempts) == [("a", "skipped"), ("b", "ok")]
    assert stage.order == ["a", "b", "b"]


@pytest.mark.parametrize("verb", ["extract", "generate_images"])
async def test_documents_and_pictures_fall_back_and_cool_alike(tmp_path: Path, verb: str) -> None:
    deck = '[aliases]\nreaders = ["a-reader", "b-reader"]\npainters = ["a-painter", "b-painter"]\n'
    write(tmp_path, deck=deck)
    stage, account = Stage({"a": down(1)}), Account()
    asked = {"extract": (b"%PDF-1.7 x", "readers"), "generate_images": ("a boat", "painters")}[verb]
    async with load(tmp_path, stage, time=Time(), account=account) as ai:
        for _ in range(2):
            result = await getattr(ai, verb)(asked[0], model=asked[1], **DOWN)
    assert stage.order == ["a", "b", "b"]
    assert outcomes(result.attempts) == [("a", "skipped"), ("b", "ok")]
    assert [outcome for _, outcome, _ in account.told] == ["failed", "ok", "ok"]
    assert account.records[-1].usage.pages + account.records[-1].usage.images > 0
    assert account.records[-1].cost == result.cost


TABLE = '[{name}]\nenabled = true\napi_key = "${{{key}}}"\n[{name}.actions]\nrate_limit = "{action}"\n'
PLACES = {
    "backend": {
        "backends": "".join(
            TABLE.format(name=name, key=f"{name.upper()}_KEY", action=action)
            for name, action in (("a", "retry"), ("b", "stop"), ("c", "next"))
        )
    },
    "profile": {"routing": "+\n[profiles.main.actions]\nrate_limit = 'stop'\n"},
    "preset": {"deck": "+\nstrict = { model = 'chain', actions = { rate_limit = 'stop' } }\n"},
}


@pytest.mark.parametrize(
    ("place", "order"), [("backend", "aaab"), ("profile", "a"), ("preset", "a"), ("call", "a"), ("nowhere", "abcc")]
)
async def test_actions_are_declared_where_policies_stand(tmp_path: Path, place: str, order: str) -> None:
    write(tmp_path, **PLACES.get(place, {}))
    stage = Stage({name: [RateLimitError("busy", status=429)] * 9 for name in "abc"})
    asked = {"actions": {"rate_limit": "stop"}} if place == "call" else {}
    model = "preset:strict" if place == "preset" else "chain"
    async with load(tmp_path, stage, time=Time()) as ai:
        with pytest.raises(CallError) as raised:
            await ai.generate_text("hi", model=model, max_attempts=4, **asked)
    told = "".join(attempt.backend for attempt in raised.value.attempts)
    assert told == "".join(stage.order) == order


async def test_the_callers_actions_win_over_all_others(tmp_path: Path) -> None:
    write(tmp_path, routing="+\n[profiles.main.actions]\nserver = 'stop'\nrate_limit = 'stop'\n")
    stage = Stage({"a": [*down(1), RateLimitError("busy")], "b": [RateLimitError("busy")]})
    async with load(tmp_path, stage, time=Time()) as ai:
        result = await ai.generate_text("hi", actions={"server": "next", "rate_limit": "next"})
    assert stage.order == ["a", "b", "c"]
    assert result.served_by.backend == "c"


@pytest.mark.parametrize("scope", [{"only": ["b", "c"]}, {"exclude": ["a"]}])
async def test_only_and_exclude_hold_for_every_attempt_even_where_all_cool(
    tmp_path: Path, scope: dict[str, list[str]]
) -> None:
    write(tmp_path)
    stage = Stage({"b": down(), "c": down()})
    async with load(tmp_path, stage, time=Time()) as ai:
        for _ in range(3):
            with pytest.raises(AllCandidatesFailedError):
                await ai.generate_text("hi", **scope, **DOWN)
    assert set(stage.order) == {"b", "c"}


async def test_only_of_a_preset_holds_for_every_attempt(tmp_path: Path) -> None:
    write(tmp_path, deck="+\nhome = { model = 'chain', only = ['b'] }\n")
    stage = Stage({"b": down()})
    async with load(tmp_path, stage, time=Time()) as ai:
        with pytest.raises(ServerError):
            await ai.generate_text("hi", model="preset:home")
    assert stage.order == ["b", "b", "b"]


async def test_each_candidate_gets_the_settings_of_its_own_spec(tmp_path: Path) -> None:
    low = '\ndefault_sdk = "openai"\n[a-large]\ninputs = ["text"]\noutputs = ["text"]\nmax_tokens = 100\n'
    write(tmp_path, a=low, deck='[aliases]\npair = ["a-large", "b-large"]\n')
    stage = Stage({"a": down()})
    async with load(tmp_path, stage, time=Time()) as ai:
        await ai.generate_text("hi", model="pair", max_tokens=500, **DOWN)
    assert [request.settings["max_tokens"] for request in stage.sent] == [100, 500]


async def test_a_prompt_that_can_fit_nowhere_near_is_passed_over(tmp_path: Path) -> None:
    short = '\ndefault_sdk = "openai"\n[a-large]\ninputs = ["text"]\noutputs = ["text"]\ncontext_window = 10\n'
    write(tmp_path, a=short, deck='[aliases]\npair = ["a-large", "b-large"]\n')
    async with load(tmp_path, stage := Stage(), time=Time()) as ai:
        assert (await ai.generate_text("x" * 80, model="pair")).served_by.backend == "a"
        result = await ai.generate_text("x" * 81, model="pair")
        assert result.attempts[0].outcome == "skipped"
        assert "context_window" in result.attempts[0].error.message
        with pytest.raises(ContextWindowError):
            await ai.generate_text("x" * 81, model="a-large")
    assert stage.order == ["a", "b"]


async def test_the_error_of_all_survives_a_pickle_and_names_each(tmp_path: Path) -> None:
    write(tmp_path)
    stage = Stage({name: down(1) for name in "abc"})
    async with load(tmp_path, stage, time=Time()) as ai:
        with pytest.raises(AllCandidatesFailedError) as raised:
            await ai.generate_text("hi", **DOWN)
        with pytest.raises(AllCandidatesFailedError) as again:
            stage.script |= {name: down(1) for name in "abc"}
            await ai.generate_text("hi", **DOWN)
    assert outcomes(pickle.loads(pickle.dumps(raised.value)).attempts) == [(name, "failed") for name in "abc"]
    assert [outcome for _, outcome in outcomes(again.value.attempts)] == ["skipped"] * 3 + ["failed"] * 3
