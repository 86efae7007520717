"""What every worker of language models promises, held against the sandbox through the whole way from TOML to wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from contract.recording import same_as_recorded
from contract.rows import ROWS, Row, configured, opened
from pydantic import BaseModel

from pipelex_like import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContextWindowError,
    CredentialsError,
    Inference,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    Tool,
    UnreachableError,
)
from pipelex_like.sandbox.faults import Fault, FaultRule, FaultTable

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000010800000000d1495256"
    "0000000b49444154789c6360f80f00010201001b6b8c3c0000000049454e44ae426082"
)
PROMPT = "Invoice number: HL-7. Total: 12.50 EUR. Say what it is."
WEATHER = Tool(
    name="weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
SETTINGS = {"temperature": 0.5, "max_tokens": 400}
STATUSES: dict[int, type[CallError]] = {
    400: BadRequestError,
    401: CredentialsError,
    403: AccessDeniedError,
    404: NotFoundError,
    408: CallTimeoutError,
    409: ServerError,
    413: ContextWindowError,
    422: BadRequestError,
    429: RateLimitError,
    500: ServerError,
    503: OverloadedError,
    529: OverloadedError,
}

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


class Invoice(BaseModel):
    number: str
    total: float


@rows
async def test_text_is_the_same_streamed_and_not(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        whole = await ai.generate_text(PROMPT, model=row.reference, system="Be brief.", **SETTINGS)
        pieces: list[str] = []
        async with ai.stream_text(PROMPT, model=row.reference, system="Be brief.", **SETTINGS) as stream:
            async for event in stream:
                if event.type == "text":
                    pieces.append(event.text)
            streamed = stream.result()
    assert whole.text
    assert "".join(pieces) == streamed.text == whole.text
    assert streamed.usage == whole.usage
    assert whole.usage.input_tokens
    assert whole.usage.output_tokens
    assert (streamed.cost, streamed.cost_note) == (whole.cost, whole.cost_note)
    assert (whole.cost is None) == bool(whole.cost_note)
    assert whole.served_by.backend == streamed.served_by.backend == row.backend
    assert [attempt.outcome for attempt in (*whole.attempts, *streamed.attempts)] == ["ok", "ok"]
    assert len(sandbox.requests) == 2
    same_as_recorded(row.name, sandbox, text=0, stream=1)


@rows
async def test_an_object_a_tool_and_a_picture(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        made = await ai.generate_object(PROMPT, Invoice, model=row.reference)
        assert made.object == Invoice(number="HL-7", total=12.5)
        asked = {"model": row.reference, "tools": [WEATHER], "tool_choice": "required"}
        called = await ai.generate_text("Weather: city: Ulm", **asked)  # pyright: ignore
        assert [call.name for call in called.tool_calls] == ["weather"]
        assert called.tool_calls[0].arguments["city"]
        assert called.finish_reason == "tool_calls"
        async with ai.stream_text("Weather: city: Ulm", **asked) as stream:  # pyright: ignore
            events = [event async for event in stream]
            calls = [event.call for event in events if event.type == "tool_call"]
        assert [(call.name, call.arguments) for call in calls] == [("weather", called.tool_calls[0].arguments)]
        seen = ai.generate_text("What is it?", model=row.reference, images=[PNG])
        if "images" in row.lacks:
            with pytest.raises(CapabilityError, match="images"):
                await seen
            same_as_recorded(row.name, sandbox, object=0, tool=1)
            return
        assert (await seen).text
    same_as_recorded(row.name, sandbox, object=0, tool=1, image=3)


@rows
async def test_an_object_is_streamed(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai, ai.stream_object(PROMPT, Invoice, model=row.reference) as stream:
        events = [event async for event in stream]
    assert events[-1].type == "done"
    assert events[-1].result.object == Invoice(number="HL-7", total=12.5)


def wrong(**fault: object) -> FaultTable:
    """A table by which this goes wrong with every answer."""
    return FaultTable((FaultRule(fault=Fault(**fault)),))  # pyright: ignore


@rows
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_every_status_has_its_error(tmp_path: Path, sandbox: Sandbox, row: Row, streamed: bool) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        for count, (status, kind) in enumerate(STATUSES.items(), start=1):
            sandbox.faults = wrong(status=status)
            with pytest.raises(kind) as caught:
                await _text(ai, row, streamed=streamed)
            told = caught.value
            assert (type(told), told.status) == (kind, status)
            assert len(told.attempts) == 1
            assert len(sandbox.requests) == count
            assert row.backend in str(told)
            assert sandbox.api_key not in f"{told} {told!r} {told.__cause__!r} {told.attempts}"


async def _text(ai: Inference, row: Row, *, streamed: bool = False) -> str:
    if not streamed:
        return (await ai.generate_text(PROMPT, model=row.reference, **SETTINGS)).text
    async with ai.stream_text(PROMPT, model=row.reference, **SETTINGS) as stream:
        return "".join([event.text async for event in stream if event.type == "text"])


@rows
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_provider_that_says_nothing_is_left(tmp_path: Path, sandbox: Sandbox, row: Row, streamed: bool) -> None:
    async with opened(tmp_path, row, sandbox, fault="stall=0", more="timeout = 0.2") as ai:
        with pytest.raises(CallTimeoutError):
            await _text(ai, row, streamed=streamed)
    assert len(sandbox.requests) == 1


@rows
async def test_a_stream_that_stalls_is_left(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    more = "timeout = 5\nbetween_events_timeout = 0.2"
    async with opened(tmp_path, row, sandbox, fault="stall=8; long=50", more=more) as ai:
        with pytest.raises(StreamInterruptedError) as caught:
            await _text(ai, row, streamed=True)
    assert caught.value.partial is not None
    assert len(sandbox.requests) == 1


@rows
async def test_a_broken_stream_never_looks_whole(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        for count, fault in enumerate(({"cut": 8}, {"reset": 8}, {"error": 8}, {"noend": True}), start=1):
            sandbox.faults = wrong(long=50, **fault)
            with pytest.raises(CallError) as caught:
                await _text(ai, row, streamed=True)
            assert isinstance(caught.value, StreamInterruptedError), (fault, repr(caught.value))
            assert len(sandbox.requests) == count


@rows
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_body_that_is_no_json_is_no_answer(tmp_path: Path, sandbox: Sandbox, row: Row, streamed: bool) -> None:
    # An event that is no JSON may stand behind one that was handed over.
    errors = (InvalidResponseError, UnreachableError, *([StreamInterruptedError] if streamed else []))
    async with opened(tmp_path, row, sandbox) as ai:
        for count, fault in enumerate(("badjson", "html", "empty"), start=1):
            sandbox.faults = wrong(**{fault: True})
            with pytest.raises(errors):
                await _text(ai, row, streamed=streamed)
            assert len(sandbox.requests) == count, fault


@rows
async def test_an_error_inside_a_200_is_an_error(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="error=0") as ai:
        with pytest.raises(CallError):
            await _text(ai, row)


@rows
async def test_nobody_there(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    directory = configured(tmp_path, row, row.address("http://127.0.0.1:1"))
    async with Inference.load(directory, environ=row.environ("dummy-key")) as ai:
        with pytest.raises(UnreachableError) as caught:
            await _text(ai, row)
    assert "endpoint" in str(caught.value)


@rows
async def test_a_redirect_is_not_followed(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault=f"redirect={sandbox.url}/elsewhere") as ai:
        with pytest.raises(CallError):
            await _text(ai, row)
    assert len(sandbox.requests) == 1


@rows
async def test_a_body_without_end_is_capped(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="huge=8", more="max_response_bytes = 1000000") as ai:
        with pytest.raises(CallError, match="bytes"):
            await _text(ai, row)


@rows
async def test_odd_usage_keeps_the_answer(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        for usage in ("missing", "negative", "text"):
            sandbox.faults = wrong(usage=usage)
            result = await ai.generate_text(PROMPT, model=row.reference)
            assert result.text
            assert (result.cost == 0) if row.free else (result.cost is None and result.cost_note), usage


@rows
async def test_a_cancelled_call_closes_its_connection(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="stall=0") as ai:
        call = asyncio.ensure_future(_text(ai, row))
        async with asyncio.timeout(5):
            while not sandbox.requests:
                await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(5):
            while not sandbox.abandoned:
                await asyncio.sleep(0.005)
    assert len(sandbox.requests) == 1


@rows
async def test_a_stream_left_early_closes_its_connection(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="between=0.05; long=400") as ai:
        async with ai.stream_text(PROMPT, model=row.reference) as stream:
            async for event in stream:
                if event.type == "text":
                    break
        async with asyncio.timeout(5):
            while not sandbox.abandoned:
                await asyncio.sleep(0.005)
