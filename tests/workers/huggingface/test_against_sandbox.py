"""Against the sandbox, which speaks the router's forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import access, candidate, job
from workers.huggingface.given_there import drawing, painter

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.workers.base import Limits
from pipelex_like.workers.huggingface.images import HuggingFaceImages
from pipelex_like.workers.huggingface.llm import HuggingFaceLlm
from pipelex_like.workers.huggingface.request import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.types import ImageReply

LIMITS = Limits(timeout=10, first_event=10, between_events=10)
TIGHT = Limits(timeout=0.5, max_response_bytes=100_000)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def drawn(sandbox: Sandbox, model_id: str, *, limits: Limits = LIMITS, **settings: object) -> ImageReply:
    worker = HuggingFaceImages(access(f"{sandbox.url}/v1", sandbox.api_key))
    try:
        return await worker.draw(drawing(**settings), candidate(model_id, kind="img_gen"), limits)
    finally:
        await worker.aclose()


@pytest.mark.parametrize("provider", [None, *FIELDS])
async def test_every_provider_draws_what_was_asked_for(sandbox: Sandbox, provider: str | None) -> None:
    given = {"size": "320x192", "seed": 3, "guidance_scale": 4, "nb_steps": 10, "negative_prompt": "x"}
    reply = await drawn(sandbox, painter(provider).model_id, **given)
    (image,) = reply.images
    assert (image.width, image.height, image.mime) == (320, 192, "image/png")
    assert not [line for line in reply.adapted if "asked for" in line]


FAULTS: dict[str, type[CallError]] = {
    "fault-status-500": ServerError,
    "fault-status-401": CredentialsError,
    "fault-status-404": NotFoundError,
    "fault-status-429-after-2": RateLimitError,
    "fault-status-503": OverloadedError,
    "fault-redirect": InvalidResponseError,
    "fault-stall-0": CallTimeoutError,
    "fault-cut-1": UnreachableError,
    "fault-reset-0": UnreachableError,
    "fault-html": InvalidResponseError,
    "fault-empty": InvalidResponseError,
}


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(FAULTS[name]) as caught:
        await drawn(sandbox, name, limits=TIGHT, size="64x64")
    assert type(caught.value) is FAULTS[name]


async def test_a_slow_provider_and_an_unknown_one_are_told(sandbox: Sandbox) -> None:
    with pytest.raises(CallTimeoutError, match="was not done"):
        await drawn(sandbox, "me/mine-slow:replicate", size="64x64")
    with pytest.raises(NotFoundError, match="No provider draws"):
        await drawn(sandbox, "me/mine-unserved:replicate", size="64x64")


async def test_text_goes_through_the_same_router(sandbox: Sandbox) -> None:
    worker = HuggingFaceLlm(access(f"{sandbox.url}/v1", sandbox.api_key))
    reply = await worker.generate(job(), candidate("katanemo/Arch-Router-1.5B:hf-inference"), LIMITS)
    await worker.aclose()
    assert reply.text
