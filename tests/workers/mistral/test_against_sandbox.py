"""The same worker against the simulated provider, which checks requests as strictly as the real one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job
from workers.mistral.asked import PICTURE, ocr, reading
from workers.openai.test_recorded_requests import HISTORY
from workers.papers import INVOICE as BILL
from workers.papers import SCAN, bound, pdf

from pipelex_like.deck import Costs
from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    OverloadedError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import DocumentPart, EndPiece, FrozenDict, ImagePart, LlmJob, Media, Message, TextPart, Usage
from pipelex_like.usage.cost import cost_of
from pipelex_like.workers.base import Limits
from pipelex_like.workers.mistral.llm import MistralLlm
from pipelex_like.workers.mistral.ocr import MistralOcr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PRICES = Costs(tokens=FrozenDict(input=Decimal(2), output=Decimal(5)))
TEXT = candidate("mistral-large-4", thinking_mode="adaptive", costs=PRICES)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
async def llm(sandbox: Sandbox) -> AsyncIterator[MistralLlm]:
    worker = MistralLlm(access(sandbox.url, sandbox.api_key))
    yield worker
    await worker.aclose()


@pytest.fixture
async def reader(sandbox: Sandbox) -> AsyncIterator[MistralOcr]:
    worker = MistralOcr(access(sandbox.url, sandbox.api_key))
    yield worker
    await worker.aclose()


@pytest.mark.parametrize("effort", ["none", "low"])
async def test_streamed_and_not_are_the_same_and_cost_the_same(llm: MistralLlm, effort: str) -> None:
    asked = job(system="Be kind.", reasoning_effort=effort)
    whole = await llm.generate(asked, TEXT, LIMITS)
    end = [piece async for piece in llm.stream(asked, TEXT, LIMITS)][-1]
    assert isinstance(end, EndPiece)
    assert whole.text
    assert bool(whole.reasoning) is (effort == "low")
    assert (end.reply.text, end.reply.reasoning, end.reply.usage) == (whole.text, whole.reasoning, whole.usage)
    assert cost_of(end.reply.usage, TEXT.spec) == cost_of(whole.usage, TEXT.spec)
    assert cost_of(whole.usage, TEXT.spec)[0]


@pytest.mark.parametrize("method", ["schema", "tools", "json"])
async def test_an_object_by_every_method(llm: MistralLlm, method: str) -> None:
    asked = LlmJob(messages=(Message("user", (TextPart("number: 77\ntotal: 12"),)),), schema=INVOICE)
    reply = await llm.generate(asked, candidate("m", structure_method=method), LIMITS)
    assert orjson.loads(reply.text)["number"] == "77"
    *_, end = [piece async for piece in llm.stream(asked, candidate("m", structure_method=method), LIMITS)]
    assert isinstance(end, EndPiece)
    assert end.reply.text == reply.text


@pytest.mark.parametrize("choice", ["weather", "required", "any"])
async def test_a_tool_that_is_required_is_called(llm: MistralLlm, choice: str) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice=choice))
    reply = await llm.generate(asked, TEXT, LIMITS)
    assert [call.name for call in reply.tool_calls] == ["weather"]
    assert reply.finish_reason == "tool_calls"


@pytest.mark.parametrize("chosen", [TEXT, candidate("mistral-large-2512")])
async def test_a_conversation_with_foreign_tool_calls_and_reasoning_is_taken(llm: MistralLlm, chosen: object) -> None:
    messages = HISTORY.messages[:4]
    reply = await llm.generate(LlmJob(messages=messages, tools=(WEATHER,)), chosen, LIMITS)  # pyright: ignore
    assert "sunny" in reply.text


async def test_pictures_and_documents_are_seen(llm: MistralLlm) -> None:
    parts = (TextPart("What is it?"), ImagePart(Media(mime="image/png", data=PNG)), DocumentPart(pdf(BILL)))
    reply = await llm.generate(job(*parts), TEXT, LIMITS)
    assert "1x1 PNG" in reply.text
    assert "invoice.pdf" in reply.text


async def test_an_object_is_read_from_a_document(llm: MistralLlm) -> None:
    schema = FrozenDict(
        type="object", properties=FrozenDict(currency=FrozenDict(type="string")), required=("currency",)
    )
    asked = LlmJob(messages=job(DocumentPart(pdf(BILL))).messages, schema=type(INVOICE)(name="Bill", schema=schema))
    assert orjson.loads((await llm.generate(asked, TEXT, LIMITS)).text) == {"currency": "EUR"}


async def test_a_field_that_is_not_known_is_refused_by_its_name(llm: MistralLlm) -> None:
    with pytest.raises(BadRequestError, match=r"body\.top_q"):
        await llm.generate(job(extra={"top_q": 1}), TEXT, LIMITS)


async def test_the_text_layer_is_what_ocr_reads(reader: MistralOcr) -> None:
    reply = await reader.extract(reading(bound(BILL, SCAN, BILL), 3), ocr(), LIMITS)
    (only,) = reply.pages
    assert only.number == 3
    assert "HL-2026-0417" in only.text
    assert only.images == ()
    assert reply.usage == Usage(pages=1)


async def test_pictures_inside_a_document_are_measured(reader: MistralOcr) -> None:
    reply = await reader.extract(reading(bound(BILL, SCAN), max_nb_images=1, image_min_size=500), ocr(), LIMITS)
    sizes = [[(one.mime, one.width, one.height) for one in page.images] for page in reply.pages]
    assert sizes == [[], [("image/png", 1406, 1988)]]
    assert reply.usage == Usage(pages=2)


async def test_a_picture_and_an_address_are_read_too(reader: MistralOcr) -> None:
    assert "1x1 PNG" in (await reader.extract(reading(PICTURE), ocr(), LIMITS)).pages[0].text
    linked = Media(mime="application/pdf", url="https://example.org/a.pdf")
    assert "not fetched" in (await reader.extract(reading(linked), ocr(), LIMITS)).pages[0].text


async def test_a_page_beyond_the_end_is_refused(reader: MistralOcr) -> None:
    with pytest.raises(BadRequestError, match="1 page"):
        await reader.extract(reading(pdf(BILL), 2), ocr(), LIMITS)


FAULTS = {
    "fault-status-500": ServerError,
    "fault-status-401": CredentialsError,
    "fault-status-429-after-2": RateLimitError,
    "fault-status-503": OverloadedError,
    "fault-redirect": InvalidResponseError,
    "fault-error": ServerError,
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
async def test_every_fault_of_a_call_is_an_error_of_ours(llm: MistralLlm, reader: MistralOcr, name: str) -> None:
    for call in (llm.generate(job(), candidate(name), TIGHT), reader.extract(reading(PICTURE), ocr(name), TIGHT)):
        with pytest.raises(CallError) as caught:
            await call
        assert type(caught.value) is FAULTS[name]


@pytest.mark.parametrize("name", STREAMED)
async def test_every_fault_of_a_stream_is_an_error_of_ours(llm: MistralLlm, name: str) -> None:
    with pytest.raises(CallError) as caught:
        _ = [piece async for piece in llm.stream(job(), candidate(name), TIGHT)]
    assert type(caught.value) is STREAMED[name]


@pytest.mark.parametrize("name", ["fault-usage-missing", "fault-usage-negative", "fault-usage-text"])
async def test_usage_that_cannot_be_believed_is_none_or_made_up_for(
    llm: MistralLlm, reader: MistralOcr, name: str
) -> None:
    reply = await llm.generate(job(), candidate(name), LIMITS)
    *_, end = [piece async for piece in llm.stream(job(), candidate(name), LIMITS)]
    assert isinstance(end, EndPiece)
    assert (reply.usage, end.reply.usage) == (None, None)
    read = await reader.extract(reading(PICTURE), ocr(name), LIMITS)
    assert read.usage == Usage(pages=1, estimated=True)


async def test_a_stranger_is_not_let_in(sandbox: Sandbox) -> None:
    worker = MistralLlm(access(sandbox.url, "wrong-key-0123456789"))
    with pytest.raises(CredentialsError):
        await worker.generate(job(), TEXT, LIMITS)
    await worker.aclose()
