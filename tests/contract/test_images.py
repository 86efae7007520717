"""What every worker that draws promises, held against the sandbox through the whole way from TOML to wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from contract.recording import same_as_recorded
from contract.rows import PAINTERS, Row, configured, opened
from contract.test_llm import STATUSES, wrong

from pipelex_like import CallError, CallTimeoutError, CapabilityError, Inference, UnreachableError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox

rows = pytest.mark.parametrize("row", PAINTERS, ids=lambda row: row.name)


@rows
async def test_a_picture_is_measured_and_paid_for(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        drawn = await ai.generate_images("a lighthouse", model=row.reference, aspect_ratio="1:1")
    (picture,) = drawn.images
    assert picture.width == picture.height > 0
    assert picture.mime.startswith("image/")
    assert drawn.usage.images == 1
    assert (drawn.cost is None) == bool(drawn.cost_note)
    assert drawn.served_by.backend == row.backend
    assert [attempt.outcome for attempt in drawn.attempts] == ["ok"]
    same_as_recorded(f"{row.name}-images", sandbox, picture=0)


@rows
async def test_every_status_has_its_error(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        for count, (status, kind) in enumerate(STATUSES.items(), start=1):
            sandbox.faults = wrong(status=status)
            with pytest.raises(CallError) as caught:
                await ai.generate_images("a lighthouse", model=row.reference)
            told = caught.value
            assert type(told) in (kind, *({STATUSES[400]} if status == 413 else ()))
            assert told.status == status
            assert len(told.attempts) == 1
            assert len(sandbox.requests) == count
            assert row.backend in str(told)
            assert sandbox.api_key not in f"{told} {told!r} {told.__cause__!r} {told.attempts}"


@rows
async def test_a_provider_that_says_nothing_is_left(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="stall=0", more="timeout = 0.2") as ai:
        with pytest.raises(CallTimeoutError):
            await ai.generate_images("a lighthouse", model=row.reference)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("row", "fault"),
    # Hugging Face answers with the picture itself, so no JSON can be bad.
    [
        pytest.param(row, fault, id=f"{row.name}-{fault}")
        for row in PAINTERS
        for fault in ("badjson", "html", "empty", "cut=1")
        if (row.backend, fault) != ("huggingface", "badjson")
    ],
)
async def test_a_body_that_is_no_picture_is_no_answer(tmp_path: Path, sandbox: Sandbox, row: Row, fault: str) -> None:
    async with opened(tmp_path, row, sandbox, fault=fault) as ai:
        with pytest.raises(CallError) as caught:
            await ai.generate_images("a lighthouse", model=row.reference)
    assert len(caught.value.attempts) == 1


@rows
async def test_nobody_there(tmp_path: Path, row: Row) -> None:
    directory = configured(tmp_path, row, row.address("http://127.0.0.1:1"))
    async with Inference.load(directory, environ=row.environ("dummy-key")) as ai:
        with pytest.raises(UnreachableError):
            await ai.generate_images("a lighthouse", model=row.reference)


@rows
async def test_a_cancelled_call_closes_its_connection(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox, fault="stall=0") as ai:
        call = asyncio.ensure_future(ai.generate_images("a lighthouse", model=row.reference))
        async with asyncio.timeout(5):
            while not sandbox.requests:
                await asyncio.sleep(0.005)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while not sandbox.abandoned:
                await asyncio.sleep(0.005)


@rows
async def test_what_the_model_cannot_do_is_refused_before_it_costs(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        with pytest.raises(CapabilityError):
            await ai.generate_images("a lighthouse", model=row.reference, n=500)
    assert not sandbox.requests
