"""The same workers against the simulated provider, which checks requests as strictly as Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from workers.azure_openai.test_recorded_requests import at
from workers.given import INVOICE, LIMITS, WEATHER, candidate, job
from workers.openai.test_against_sandbox import STREAMED, TIGHT

from pipelex_like.errors import CallError, CredentialsError
from pipelex_like.sandbox import Sandbox
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.types import EndPiece, FrozenDict, ImageJob, LlmJob, Media, Message, TextPart
from pipelex_like.workers.azure_openai.images import AzureImages
from pipelex_like.workers.azure_openai.llm import AzureLlm
from pipelex_like.workers.azure_openai_responses.llm import AzureResponsesLlm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelex_like.workers.base import Access, LlmWorker

VERSIONS = ["2024-02-01", "2024-10-21", None, "v1"]
ASKED = Message("user", (TextPart("weather, number: 77, total: 12, city: Ulm"),))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("make", [AzureLlm, AzureResponsesLlm])
@pytest.mark.parametrize("variant", [None, "model_catalogue"])
async def test_text_tools_and_objects(
    sandbox: Sandbox, make: Callable[[Access], LlmWorker], version: str | None, variant: str | None
) -> None:
    worker = make(at(f"{sandbox.url}/", version, sandbox.api_key))
    chosen = candidate("your-deployment", variant=variant)
    whole = await worker.generate(job(system="Be kind."), chosen, LIMITS)
    end = [piece async for piece in worker.stream(job(system="Be kind."), chosen, LIMITS)][-1]
    assert isinstance(end, EndPiece)
    assert whole.text == end.reply.text
    old_stream = version == "2024-02-01" and make is AzureLlm and variant is None
    assert end.reply.usage == (None if old_stream else whole.usage)
    settings = FrozenDict(tool_choice="required", parallel_tool_calls=False, max_tokens=300)
    called = await worker.generate(LlmJob(messages=(ASKED,), tools=(WEATHER,), settings=settings), chosen, LIMITS)
    assert [call.arguments for call in called.tool_calls] == [FrozenDict(city="Ulm")]
    made = await worker.generate(LlmJob(messages=(ASKED,), schema=INVOICE), chosen, LIMITS)
    assert orjson.loads(made.text)["number"] == "77"
    await worker.aclose()


async def test_a_picture(sandbox: Sandbox) -> None:
    for version in ("2025-04-01-preview", "v1"):
        worker = AzureImages(at(sandbox.url, version, sandbox.api_key))
        chosen = candidate("gpt-image-2", kind="img_gen")
        reply = await worker.draw(ImageJob(prompt="a boat", settings=FrozenDict(size="1024x1024")), chosen, LIMITS)
        await worker.aclose()
        assert (reply.images[0].width, reply.adapted) == (1024, ())


async def test_a_picture_after_another(sandbox: Sandbox) -> None:
    source = draw("a boat", (64, 64))
    asked = ImageJob(prompt="in the fog", images=(Media(mime="image/png", data=source, name="boat.png"),))
    for version in ("2025-04-01-preview", "v1"):
        worker = AzureImages(at(sandbox.url, version, sandbox.api_key))
        reply = await worker.draw(asked, candidate("gpt-image-2", kind="img_gen"), LIMITS)
        await worker.aclose()
        assert reply.images
    paths = [request.path for request in sandbox.requests[-2:]]
    assert paths == ["/openai/deployments/gpt-image-2/images/edits", "/openai/v1/images/edits"]


@pytest.mark.parametrize("name", STREAMED)
async def test_every_fault_of_a_stream_is_an_error_of_ours(sandbox: Sandbox, name: str) -> None:
    worker = AzureLlm(at(sandbox.url, None, sandbox.api_key))
    with pytest.raises(CallError) as caught:
        _ = [piece async for piece in worker.stream(job(), candidate(name), TIGHT)]
    await worker.aclose()
    assert type(caught.value) is STREAMED[name]


async def test_a_stranger_is_not_let_in(sandbox: Sandbox) -> None:
    worker = AzureLlm(at(sandbox.url, None, "wrong-key-0123456789"))
    with pytest.raises(CredentialsError):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
