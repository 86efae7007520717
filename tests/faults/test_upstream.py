"""What goes wrong upstream, numbered as in the list of fault cases: bounded, accounted for, and without a secret."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from faults.bench import CANARY, GOOD, WIRES, Bench, given_up, hung_up, listening, load, told_nothing, write
from pydantic import BaseModel
from workers.upstream import Upstream, json_answer

from pipelex_like import (
    AllCandidatesFailedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox, parse_faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pipelex_like import Inference, TextResult

EVERY = pytest.mark.parametrize("wire", WIRES)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    listening(caplog)
    return caplog


async def ask(ai: Inference, *, streamed: bool = False, **options: object) -> TextResult:
    if not streamed:
        return await ai.generate_text("Say something.", model="asked", **options)
    async with ai.stream_text("Say something.", model="asked", **options) as stream:
        async for _ in stream:
            pass
        return stream.result()


def outcomes(found: object) -> list[tuple[str, str, str | None]]:
    return [(one.backend, one.outcome, one.error and one.error.type) for one in found.attempts]


def accounted(bench: Bench, found: object) -> None:
    """Assert that the account holds each attempt that was sent, once, and nothing else."""
    sent = [one for one in found.attempts if one.outcome != "skipped"]
    records = bench.account.records
    assert [(one.backend, one.outcome, one.cost) for one in sent] == [
        (record.backend, record.outcome, record.cost) for record in records
    ]
    assert [record.attempt for record in records] == list(range(1, len(records) + 1))
    assert bench.ai.usage.total.requests == len(records)


@EVERY
@BOTH
async def test_1_a_500_once_then_200(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-500-times-1", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=streamed)
        assert outcomes(result) == [("first", "failed", "ServerError"), ("first", "ok", None)]
        assert bench.time.naps == [0.25]
        accounted(bench, result)
        assert result.cost == bench.account.records[1].cost > 0
        told_nothing(bench, caplog)
    await hung_up(sandbox)


@EVERY
async def test_2_a_429_with_retry_after(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-429-after-7-times-1", wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai)
        assert outcomes(result) == [("first", "failed", "RateLimitError"), ("first", "ok", None)]
        assert bench.time.naps == [7]
        accounted(bench, result)
        told_nothing(bench, caplog)


@EVERY
async def test_3_a_retry_after_of_a_day(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-429-after-86400", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, actions={"rate_limit": "retry"})
        assert outcomes(result) == [("first", "failed", "RateLimitError"), ("second", "ok", None)]
        with pytest.raises(RateLimitError) as raised:
            await ai.generate_text("Say something.", model="first/fault-status-429-after-86400")
        assert len(raised.value.attempts) == 1
        assert raised.value.retry_after == 86_400
        assert bench.time.naps == []
        told_nothing(bench, caplog, raised.value)


HOUSE = 'active = "main"\n[profiles.main]\ndefault = "first"\nfallback_order = ["second"]\n{more}'


@EVERY
@pytest.mark.parametrize("failover", [False, True], ids=["not declared", "declared"])
async def test_4_a_401_on_ones_own_key_asks_the_house_only_where_that_is_declared(
    tmp_path: Path, sandbox: Sandbox, wire: str, failover: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(
        tmp_path,
        sandbox,
        GOOD,
        wire=wire,
        more='headers = { x-who = "mine" }',
        routing=HOUSE.format(more="failover = true\n" if failover else ""),
    )
    directory = tmp_path / ".pipelex/inference"
    backends = (directory / "backends.toml").read_text().replace("${KEY}", "${OWN_KEY:-sk-canary-wrong}", 1)
    (directory / "backends.toml").write_text(backends)
    for name in ("first", "second"):
        file = directory / f"backends/{name}.toml"
        file.write_text(file.read_text().replace(f"[{name}-own]", "[shared]"))
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        if failover:
            result = await ai.generate_text("Say something.", model="shared")
            assert outcomes(result) == [("first", "failed", "CredentialsError"), ("second", "ok", None)]
            accounted(bench, result)
        else:
            with pytest.raises(CredentialsError) as raised:
                await ai.generate_text("Say something.", model="shared")
            assert outcomes(raised.value) == [("first", "failed", "CredentialsError")]
            accounted(bench, raised.value)
            assert "sk-canary-wrong" not in str(raised.value)
            told_nothing(bench, caplog, raised.value)
    assert [request.headers.get("x-who") for request in sandbox.requests] == ["mine", None][: 1 + failover]


@EVERY
@BOTH
async def test_5_a_400_is_not_retried(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-400", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        with pytest.raises(BadRequestError) as raised:
            await ask(ai, streamed=streamed)
        assert outcomes(raised.value) == [("first", "failed", "BadRequestError")]
        assert (raised.value.status, len(sandbox.requests)) == (400, 1)
        accounted(bench, raised.value)
        assert bench.account.records[0].cost == 0
        told_nothing(bench, caplog, raised.value)


@EVERY
@BOTH
async def test_6_connection_refused(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}{WIRES[wire].path}"
    write(tmp_path, sandbox, GOOD, GOOD, wire=wire, endpoint=closed)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=streamed)
        assert outcomes(result) == [("first", "failed", "UnreachableError")] * 3 + [("second", "ok", None)]
        assert bench.time.naps == [0.25, 0.5]
        accounted(bench, result)
        assert [record.cost for record in bench.account.records[:3]] == [0, 0, 0]
        # All of the backend cools down, not only this model.
        with pytest.raises(UnreachableError) as raised:
            await ai.generate_text("Say something.", model="first/another", max_retries=0)
        told_nothing(bench, caplog, raised.value)


@EVERY
@BOTH
async def test_7_a_read_timeout_before_the_first_token(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-stall", GOOD, wire=wire, more="timeout = 0.15")
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=streamed)
        assert outcomes(result) == [("first", "failed", "CallTimeoutError"), ("second", "ok", None)]
        await given_up(sandbox)
        accounted(bench, result)
        assert (bench.account.records[0].cost, result.cost) == (None, None)
        told_nothing(bench, caplog)


@EVERY
@BOTH
async def test_8_a_body_at_a_byte_a_second_ends_with_the_deadline(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-slow-10", GOOD, wire=wire)
    bench = load(tmp_path, sandbox, real_time=True)
    async with bench.ai as ai:
        with pytest.raises(CallTimeoutError) as raised:
            async with asyncio.timeout(5):
                await ask(ai, streamed=streamed, timeout=0.2)
        assert outcomes(raised.value) == [("first", "abandoned", "CallTimeoutError")]
        await given_up(sandbox)
        assert len(sandbox.requests) == 1
        accounted(bench, raised.value)
        told_nothing(bench, caplog, raised.value)


@pytest.mark.parametrize(
    ("wire", "streamed"),
    # The first event of Google's streams is text already.
    [(wire, streamed) for wire in WIRES for streamed in (False, True) if (wire, streamed) != ("google", True)],
)
@pytest.mark.parametrize("fault", ["cut-1", "reset-1"])
async def test_an_answer_that_broke_off_may_have_been_charged(
    tmp_path: Path, sandbox: Sandbox, wire: str, fault: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, f"fault-{fault}", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=streamed, max_retries=0)
        assert outcomes(result) == [("first", "failed", "UnreachableError"), ("second", "ok", None)]
        accounted(bench, result)
        assert (bench.account.records[0].cost, result.cost) == (None, None)
        assert bench.account.records[0].cost_note in result.cost_note
        told_nothing(bench, caplog)


async def broken(bench: Bench, **options: object) -> tuple[str, StreamInterruptedError]:
    """Read a stream that breaks after it has begun."""
    seen = ""
    with pytest.raises(StreamInterruptedError) as raised:
        async for event in bench.ai.stream_text("Say something.", model="asked", **options):
            assert event.type == "text"
            seen += event.text
    error = raised.value
    assert seen
    assert error.partial.text == seen
    assert [attempt.backend for attempt in error.attempts] == ["first"]
    accounted(bench, error)
    assert bench.account.records[0].cost is None
    assert not bench.account.records[0].measured
    assert len(bench.sandbox.requests) == 1
    return seen, error


@EVERY
async def test_9_a_stream_that_stalls(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-long-40+stall-8", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai:
        _, error = await broken(bench, between_events_timeout=0.15)
        assert isinstance(error.__cause__, CallTimeoutError)
        await given_up(sandbox)
        told_nothing(bench, caplog, error)


@EVERY
@pytest.mark.parametrize(
    "fault", ["noend", "cut-8", "reset-8", "cutjson-8"], ids=["10 half-closed", "cut", "reset", "11 cut inside JSON"]
)
async def test_10_and_11_a_stream_without_its_end(
    tmp_path: Path, sandbox: Sandbox, wire: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, f"fault-long-40+{fault}", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai:
        _, error = await broken(bench)
        told_nothing(bench, caplog, error)
    await hung_up(sandbox)


@EVERY
@pytest.mark.parametrize("fault", ["cut", "reset", "cutjson-0", "error"])
async def test_a_stream_that_breaks_before_its_first_event_falls_over(
    tmp_path: Path, sandbox: Sandbox, wire: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, f"fault-{fault}", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=True, max_retries=0)
        assert [(backend, outcome) for backend, outcome, _ in outcomes(result)] == [
            ("first", "failed"),
            ("second", "ok"),
        ]
        accounted(bench, result)
        told_nothing(bench, caplog)


@EVERY
@BOTH
@pytest.mark.parametrize("fault", ["badjson", "html", "empty"], ids=["12 bad JSON", "13 HTML", "14 nothing"])
async def test_12_to_14_what_cannot_be_read_under_a_200(
    tmp_path: Path, sandbox: Sandbox, wire: str, fault: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, f"fault-{fault}", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        if (wire, fault, streamed) == ("google", "badjson", True):
            # Its first event is text already.
            await broken(bench)
            return
        result = await ask(ai, streamed=streamed, max_retries=0)
        # A stream that ends before its first event may as well be a connection that broke.
        error = "UnreachableError" if streamed and fault == "empty" else "InvalidResponseError"
        assert outcomes(result) == [("first", "failed", error), ("second", "ok", None)]
        accounted(bench, result)
        # It may have been charged for, and nobody knows.
        assert bench.account.records[0].cost is None
        told_nothing(bench, caplog)
        with pytest.raises(InvalidResponseError) as raised:
            await ai.generate_text("Say something.", model=f"first/fault-{fault}")
        assert len(raised.value.attempts) == 1
        told_nothing(bench, caplog, raised.value)


@EVERY
@BOTH
async def test_15_a_gigabyte_is_not_read(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-huge", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        bound = {} if wire == "openai" else {"max_response_bytes": 2**20, "max_event_bytes": 2**20}
        if (wire, streamed) == ("google", True):
            await broken(bench, **bound)
            await given_up(sandbox)
            return
        result = await ask(ai, streamed=streamed, **bound)
        assert outcomes(result) == [("first", "failed", "InvalidResponseError"), ("second", "ok", None)]
        await given_up(sandbox)
        accounted(bench, result)
        told_nothing(bench, caplog)


@EVERY
@BOTH
@pytest.mark.parametrize("fault", ["missing", "negative", "text"])
async def test_16_odd_usage_keeps_the_answer(
    tmp_path: Path, sandbox: Sandbox, wire: str, fault: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, f"fault-usage-{fault}", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ask(ai, streamed=streamed)
        assert outcomes(result) == [("first", "ok", None)]
        assert result.text
        accounted(bench, result)
        (record,) = bench.account.records
        assert not record.measured
        assert record.cost is None or record.cost > 0
        assert record.cost_note
        assert min(record.usage.input_tokens, record.usage.output_tokens) >= 0
        told_nothing(bench, caplog)


@EVERY
async def test_17_an_error_inside_a_stream_that_called_itself_good(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-long-40+error-8", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai:
        _, error = await broken(bench)
        assert "simulated fault" in str(error)
        told_nothing(bench, caplog, error)


@EVERY
@BOTH
async def test_18_a_redirect_is_refused_and_no_key_goes_along(
    tmp_path: Path, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with Upstream() as elsewhere:
        elsewhere.answers += [json_answer({"stolen": True})] * 9
        table = parse_faults(
            f"""
            [[fault]]
            model = "moved"
            redirect = "{elsewhere.url}/latest/meta-data/"
            """
        )
        with Sandbox(api_key=CANARY, faults=table) as sandbox:
            write(tmp_path, sandbox, "moved", GOOD, wire=wire)
            bench = load(tmp_path, sandbox)
            async with bench.ai as ai:
                result = await ask(ai, streamed=streamed)
                assert outcomes(result) == [("first", "failed", "InvalidResponseError"), ("second", "ok", None)]
                accounted(bench, result)
                with pytest.raises(InvalidResponseError, match="redirect") as raised:
                    await ai.generate_text("Say something.", model="first/fault-redirect")
                told_nothing(bench, caplog, raised.value)
            assert elsewhere.seen == []


@EVERY
@BOTH
async def test_19_all_down_ends_within_bounds_and_lists_every_attempt(
    tmp_path: Path, sandbox: Sandbox, wire: str, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-500", "fault-html", "fault-status-503", "fault-reset", wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        with pytest.raises(AllCandidatesFailedError) as raised:
            await ask(ai, streamed=streamed)
        error = raised.value
        names = [name for _, _, name in outcomes(error)]
        assert names == ["ServerError"] * 3 + ["InvalidResponseError", "OverloadedError"] + ["UnreachableError"] * 3
        assert sum(bench.time.naps) < 60
        for place in range(1, 9):
            assert f"\n  {place}. failed: " in str(error)
        accounted(bench, error)
        told_nothing(bench, caplog, error)
        sent = len(sandbox.requests)
        with pytest.raises(AllCandidatesFailedError) as again:
            await ask(ai, streamed=streamed, max_attempts=2)
        assert len(sandbox.requests) == sent + 2
        told_nothing(bench, caplog, again.value)


class Word(BaseModel):
    word: str


@EVERY
async def test_objects_meet_the_same_faults(
    tmp_path: Path, sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, sandbox, "fault-status-503", "fault-badjson", GOOD, wire=wire)
    bench = load(tmp_path, sandbox)
    async with bench.ai as ai:
        result = await ai.generate_object("Say a word.", Word, model="asked", max_retries=0)
        assert isinstance(result.object, Word)
        assert [outcome for _, outcome, _ in outcomes(result)] == ["failed", "failed", "ok"]
        accounted(bench, result)
        told_nothing(bench, caplog)


async def test_calls_side_by_side_do_not_disturb_each_other(tmp_path: Path, sandbox: Sandbox) -> None:
    write(tmp_path, sandbox, "fault-delay-0.05-status-500", GOOD)
    bench = load(tmp_path, sandbox)

    async def both() -> AsyncIterator[TextResult | CallError]:
        for streamed in (False, True):
            yield await ask(bench.ai, streamed=streamed, max_retries=0, cooldown=0)

    async def work() -> int:
        return len([result async for result in both()])

    async with bench.ai:
        assert await asyncio.gather(*(work() for _ in range(10))) == [2] * 10
        assert len(bench.account.records) == len(sandbox.requests) == 40
        assert bench.ai.usage.total.failed == 20
        assert not [record for record in bench.account.records if record.error not in (None, ServerError.__name__)]
