"""The same worker against the simulated provider, which checks requests as strictly as the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, WEATHER, access, candidate, job

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import EndPiece, FrozenDict, ImageJob, LlmJob, Message, TextPart
from pipelex_like.workers.base import Limits
from pipelex_like.workers.openai.images import OpenAiImages
from pipelex_like.workers.openai.llm import OpenAiLlm

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = candidate("sandbox-text")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


async def test_streamed_and_not_have_the_same_text_and_usage(sandbox: Sandbox) -> None:
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    whole = await worker.generate(job(system="Be kind."), TEXT, LIMITS)
    end = [piece async for piece in worker.stream(job(system="Be kind."), TEXT, LIMITS)][-1]
    await worker.aclose()
    assert isinstance(end, EndPiece)
    assert whole.text
    assert whole.usage
    assert (end.reply.text, end.reply.usage) == (whole.text, whole.usage)


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_an_object_by_every_method(sandbox: Sandbox, method: str) -> None:
    asked = LlmJob(messages=(Message("user", (TextPart("number: 77\ntotal: 12"),)),), schema=INVOICE)
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    reply = await worker.generate(asked, candidate("sandbox-text", structure_method=method), LIMITS)
    await worker.aclose()
    assert orjson.loads(reply.text)["number"] == "77"


async def test_a_tool_that_is_required_is_called(sandbox: Sandbox) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="weather"))
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    reply = await worker.generate(asked, TEXT, LIMITS)
    await worker.aclose()
    assert [call.name for call in reply.tool_calls] == ["weather"]


async def test_a_picture_of_the_size_asked_for(sandbox: Sandbox) -> None:
    worker = OpenAiImages(access(sandbox.url, sandbox.api_key))
    chosen = candidate("sandbox-image", kind="img_gen", rules=FrozenDict(aspect_ratio="gpt_image_2"))
    asked = ImageJob(prompt="a boat", settings=FrozenDict(size="64x32", quality="low", output_format="png"))
    reply = await worker.draw(asked, chosen, LIMITS)
    await worker.aclose()
    (image,) = reply.images
    assert (image.mime, image.width, image.height, reply.adapted) == ("image/png", 64, 32, ())


FAULTS = {
    "fault-status-500": ServerError,
    "fault-status-401": CredentialsError,
    "fault-status-429-after-2": RateLimitError,
    "fault-redirect": InvalidResponseError,
    "fault-stall-0": CallTimeoutError,
    "fault-cut-1": UnreachableError,
    "fault-reset-0": UnreachableError,
    "fault-cutjson": InvalidResponseError,
    "fault-badjson": InvalidResponseError,
    "fault-html": InvalidResponseError,
    "fault-empty": InvalidResponseError,
    "fault-slow-1": CallTimeoutError,
    "fault-huge-1": InvalidResponseError,
}
# A stream without an event has broken off; one that is slow or stalls is told by the wait for its first event.
STREAMED = {
    **FAULTS,
    "fault-cutjson": UnreachableError,
    "fault-empty": UnreachableError,
    "fault-noend": UnreachableError,
    "fault-stall-2": CallTimeoutError,
    "fault-cut-2": UnreachableError,
    "fault-error-2": ServerError,
}
TIGHT = Limits(timeout=0.5, first_event=0.5, between_events=0.5, max_response_bytes=100_000, max_event_bytes=100_000)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_of_a_call_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(FAULTS[name]):
        await worker.generate(job(), candidate(name), TIGHT)
    await worker.aclose()


@pytest.mark.parametrize("name", STREAMED)
async def test_every_fault_of_a_stream_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(CallError) as caught:
        _ = [piece async for piece in worker.stream(job(), candidate(name), TIGHT)]
    await worker.aclose()
    assert type(caught.value) is STREAMED[name]


@pytest.mark.parametrize("name", ["fault-usage-missing", "fault-usage-negative", "fault-usage-text"])
async def test_usage_that_cannot_be_believed_is_none(sandbox: Sandbox, name: str) -> None:
    worker = OpenAiLlm(access(sandbox.url, sandbox.api_key))
    reply = await worker.generate(job(), candidate(name), LIMITS)
    end = [piece async for piece in worker.stream(job(), candidate(name), LIMITS)][-1]
    await worker.aclose()
    assert isinstance(end, EndPiece)
    assert reply.text
    assert (reply.usage, end.reply.usage) == (None, None)


async def test_a_stranger_is_not_let_in(sandbox: Sandbox) -> None:
    worker = OpenAiLlm(access(sandbox.url, "sk-wrong-key-0123456789"))
    with pytest.raises(CredentialsError):
        await worker.generate(job(), TEXT, LIMITS)
    await worker.aclose()
