"""The real SDK against the sandbox: every family that it knows, its faults, http and https."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from workers.fal.asked import PICTURE, drawing, painter
from workers.fal.test_recorded_requests import EVERY_SETTING
from workers.given import LIMITS, access

from pipelex_like.errors import CallError, CallTimeoutError, ServerError
from pipelex_like.sandbox import Sandbox
from pipelex_like.sandbox.formats.fal_inputs import KNOWN
from pipelex_like.workers.fal.families import _BY_APPLICATION
from pipelex_like.workers.fal.images import FalImages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.types import ImageJob, ImageReply
    from pipelex_like.workers.base import Limits


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def draw(
    sandbox: Sandbox, job: ImageJob, application: str = "fal-ai/flux/dev", limits: Limits = LIMITS
) -> ImageReply:
    worker = FalImages(access(sandbox.url, sandbox.api_key))
    try:
        return await worker.draw(job, painter(application), limits)
    finally:
        await worker.aclose()


def test_the_sandbox_knows_every_application_that_the_worker_does() -> None:
    assert set(KNOWN) == set(_BY_APPLICATION)


@pytest.mark.parametrize("application", sorted(_BY_APPLICATION))
async def test_every_setting_is_sent_as_the_application_takes_it(sandbox: Sandbox, application: str) -> None:
    family = _BY_APPLICATION[application]
    pictures = (PICTURE,) * min(1, family.ability.references or 0)
    reply = await draw(sandbox, drawing(*pictures, **EVERY_SETTING | {"output_format": "png"}), application)
    assert [image.mime for image in reply.images] == ["image/png"]
    assert reply.images[0].width > reply.images[0].height
    assert not [line for line in reply.adapted if "asked for" in line]


async def test_several_pictures_in_their_size(sandbox: Sandbox) -> None:
    reply = await draw(sandbox, drawing(n=3, size="320x256"))
    assert {(image.width, image.height) for image in reply.images} == {(320, 256)}
    assert len({image.data for image in reply.images}) == 3


@pytest.mark.parametrize("inline", [True, False])
async def test_pictures_may_come_inside_the_answer(sandbox: Sandbox, inline: bool) -> None:
    reply = await draw(sandbox, drawing(size="64x64", extra={"sync_mode": inline}))
    assert reply.images[0].width == 64


async def test_a_job_left_at_a_deadline_is_taken_up(sandbox: Sandbox) -> None:
    application = "fal-ai/fault-queued-6"
    with pytest.raises(CallTimeoutError) as late:
        await draw(sandbox, drawing(size="64x64"), application, replace(LIMITS, timeout=0.5))
    assert late.value.job_id is not None
    before = len(sandbox.requests)
    reply = await draw(sandbox, drawing(resume=late.value.job_id), application)
    assert (reply.provider_request_id, reply.images[0].width) == (late.value.job_id, 64)
    assert {request.method for request in sandbox.requests[before:]} == {"GET"}


async def test_a_cancelled_call_cancels_the_job(sandbox: Sandbox) -> None:
    before = len(sandbox.requests)
    task = asyncio.create_task(draw(sandbox, drawing(), "fal-ai/fault-queued"))
    while len(sandbox.requests) < before + 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    last = sandbox.requests[-1]
    assert last.method == "PUT"
    assert last.path.endswith("/cancel")
    with pytest.raises(CallError) as gone:
        await draw(sandbox, drawing(resume=last.path.split("/")[-2]), "fal-ai/fault-queued")
    assert gone.value.status == 499


async def test_a_job_that_fails_is_a_fault_of_the_server(sandbox: Sandbox) -> None:
    with pytest.raises(ServerError) as failed:
        await draw(sandbox, drawing(), "fal-ai/fault-failed")
    assert "The runner failed" in str(failed.value)
    assert failed.value.job_id is None


async def test_https_with_an_authority_of_ones_own() -> None:
    pytest.importorskip("cryptography")
    with Sandbox(tls=True) as sandbox:
        worker = FalImages(access(sandbox.url, sandbox.api_key, ca_file=str(sandbox.ca_file)))
        reply = await worker.draw(drawing(size="64x64"), painter(), LIMITS)
        await worker.aclose()
    assert reply.images[0].width == 64
