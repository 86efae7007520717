"""Queued jobs through the whole engine: named on errors, taken up again, paid once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipelex_like import Inference
from pipelex_like.errors import AllCandidatesFailedError, CallTimeoutError, CapabilityError, NotFoundError
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKENDS = """
[fal]
enabled = true
endpoint = "{url}"
api_key = "{key}"
[openai]
enabled = true
endpoint = "{url}/v1"
api_key = "{key}"
"""
FAL = """
default_sdk = "fal"
[defaults]
model_type = "img_gen"
outputs = ["image"]
costs = {{ per_image = 0.025 }}
[painter]
model_id = "fal-ai/flux/dev"
[slow]
model_id = "fal-ai/fault-queued-8"
[never]
model_id = "fal-ai/fault-queued"
[shaky]
model_id = "fal-ai/fault-skip-1-status-500-times-1"
"""
OPENAI = """
[gpt-image-1]
sdk = "openai"
model_type = "img_gen"
outputs = ["image"]
costs = { per_image = 0.04 }
[fault-status-500]
sdk = "openai"
model_type = "img_gen"
outputs = ["image"]
"""
DECK = """
[aliases]
chain = ["never", "gpt-image-1"]
broken = ["never", "fault-status-500"]
[img_gen]
choice_default = "painter"
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def directory(tmp_path: Path, sandbox: Sandbox) -> Path:
    home = tmp_path / ".pipelex" / "inference"
    for name, text in {
        "backends.toml": BACKENDS.format(url=sandbox.url, key=sandbox.api_key),
        "backends/fal.toml": FAL.replace("{{", "{").replace("}}", "}"),
        "backends/openai.toml": OPENAI,
        "deck/base_deck.toml": DECK,
        "routing_profiles.toml": 'active = "main"\n[profiles.main]\nfallback_order = ["fal", "openai"]\n',
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.fixture
def ai(directory: Path, tmp_path: Path) -> Iterator[Inference]:
    with Inference.load(directory, environ={"HOME": str(tmp_path)}) as loaded:
        yield loaded


def methods(sandbox: Sandbox) -> list[str]:
    return [request.method for request in sandbox.requests]


@pytest.mark.parametrize("timeout", [0.8, 0.85, 0.9])
async def test_a_job_left_at_the_calls_deadline_is_taken_up_and_paid_once(
    ai: Inference, sandbox: Sandbox, timeout: float
) -> None:
    with pytest.raises(CallTimeoutError) as late:
        await ai.generate_images("a cat", model="slow", size="64x64", timeout=timeout)
    job_id = late.value.job_id
    assert job_id is not None
    assert f'resume="{job_id}"' in str(late.value)
    (attempt,) = late.value.attempts
    assert attempt.cost is None
    assert attempt.cost_note == f"queued job {job_id} of fal (fal-ai/fault-queued-8) was not finished; resume it"
    assert "PUT" not in methods(sandbox)
    before = len(sandbox.requests)
    result = await ai.generate_images(model="slow", resume=job_id)
    assert set(methods(sandbox)[before:]) == {"GET"}
    assert (result.cost, len(result.attempts)) == (Decimal("0.025"), 1)
    assert result.attempts[0].provider_request_id == job_id
    assert (result.images[0].width, result.seed) == (64, 42)
    await ai.aclose()


async def test_whoever_cancels_the_call_cancels_the_job(ai: Inference, sandbox: Sandbox) -> None:
    task = asyncio.create_task(ai.generate_images("a cat", model="never", timeout=60))
    while len(sandbox.requests) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert methods(sandbox)[-1] == "PUT"
    await ai.aclose()


async def test_a_repeat_after_a_broken_look_takes_the_same_job_up(ai: Inference, sandbox: Sandbox) -> None:
    result = await ai.generate_images("a cat", model="shaky", size="64x64")
    assert methods(sandbox).count("POST") == 1
    assert [attempt.outcome for attempt in result.attempts] == ["failed", "ok"]
    assert [attempt.cost for attempt in result.attempts] == [Decimal(0), Decimal("0.025")]
    assert (result.cost, result.cost_note) == (Decimal("0.025"), None)
    await ai.aclose()


async def test_resuming_goes_to_the_first_candidate_alone(ai: Inference, sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError) as gone:
        await ai.generate_images(model="chain", resume="5a4db0c5-none")
    assert [attempt.backend for attempt in gone.value.attempts] == ["fal"]
    assert methods(sandbox) == ["GET"]
    await ai.aclose()


async def test_who_keeps_no_jobs_says_so_before_anything_is_sent(ai: Inference, sandbox: Sandbox) -> None:
    with pytest.raises(CapabilityError) as refused:
        await ai.generate_images(model="gpt-image-1", resume="abc")
    assert "keeps no jobs" in str(refused.value)
    assert sandbox.requests == ()
    await ai.aclose()


async def test_several_candidates_that_fail_leave_the_job_on_the_error(ai: Inference, directory: Path) -> None:
    backends = directory / "backends.toml"
    backends.write_text(backends.read_text().replace("[openai]", "timeout = 0.8\n[openai]"))
    async with Inference.load(directory, environ={"HOME": str(directory)}) as bounded:
        with pytest.raises(AllCandidatesFailedError) as failed:
            await bounded.generate_images("a cat", model="broken", max_retries=0)
    assert failed.value.job_id is not None
    assert failed.value.job_id in str(failed.value)
    await ai.aclose()


@pytest.mark.parametrize(("resume", "kind"), [("", ValueError), (7, TypeError)])
async def test_odd_ids_are_refused(ai: Inference, resume: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="resume"):
        await ai.generate_images(resume=resume)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="prompt is empty"):
        await ai.generate_images()
    await ai.aclose()


def test_the_command_line_takes_a_job_up(directory: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from pipelex_like.cli.app import app

    run = ["--config-dir", str(directory), "--model", "slow", "--out", str(tmp_path / "a.png"), "--set", "size=64x64"]
    late = CliRunner().invoke(app, ["image", "a cat", "--timeout", "0.9", *run])
    assert late.exit_code != 0
    job_id = sandbox.requests[-1].path.split("/")[-2]
    assert f"--resume {job_id}" in " ".join(late.output.split()).replace("- ", "-")
    before = len(sandbox.requests)
    done = CliRunner().invoke(app, ["image", "--resume", job_id, *run])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert set(methods(sandbox)[before:]) == {"GET"}
    assert CliRunner().invoke(app, ["image", *run]).exit_code != 0
