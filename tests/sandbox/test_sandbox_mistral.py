"""The real SDK, with its own strict models, takes every answer; wrong requests are refused as the provider would."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from sandbox.raw import chat, send

from pipelex_like.data import SAMPLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipelex_like.sandbox import Sandbox

SDK = {"user-agent": "mistral-client-python/3.7.0"}
OCR = "/v1/ocr"
PDF = "data:application/pdf;base64," + b64encode((SAMPLES / "invoice.pdf").read_bytes()).decode()
SCAN = "data:application/pdf;base64," + b64encode((SAMPLES / "invoice_scan.pdf").read_bytes()).decode()
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@pytest.fixture
async def mistral(sandbox: Sandbox) -> AsyncIterator[Mistral]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        with httpx2.Client(trust_env=False) as blocking:
            yield Mistral(api_key=sandbox.api_key, server_url=sandbox.url, async_client=http, client=blocking)


def asked(**more: object) -> dict[str, Any]:
    return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "city: Ulm"}], **more}


async def test_chat(mistral: Mistral) -> None:
    answer = await mistral.chat.complete_async(**asked(random_seed=1, safe_prompt=True, n=2))
    assert len(answer.choices) == 2
    message = answer.choices[0].message
    assert message is not None
    assert str(message.content).startswith("Simulated answer:")
    assert answer.usage.total_tokens


async def test_thinking_comes_as_parts(mistral: Mistral) -> None:
    answer = await mistral.chat.complete_async(**asked(reasoning_effort="high"))
    message = answer.choices[0].message
    assert message is not None
    assert [part.type for part in message.content] == ["thinking", "text"]  # pyright: ignore


async def test_stream_with_tool_call(mistral: Mistral) -> None:
    stream = await mistral.chat.stream_async(**asked(tools=[TOOL], tool_choice="any"))
    chunks = [event.data async for event in stream]
    last = chunks[-1]
    assert last.choices[0].finish_reason == "tool_calls"
    assert last.usage is not None
    calls: Any = last.choices[0].delta.tool_calls
    assert (calls[0].function.name, len(calls[0].id)) == ("get_weather", 9)
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_ocr_of_a_text_layer_and_of_a_scan(mistral: Mistral) -> None:
    document: Any = {"type": "document_url", "document_url": PDF}
    answer = await mistral.ocr.process_async(model="mistral-ocr-latest", document=document, pages="0")
    assert "HL-2026-0417" in answer.pages[0].markdown
    assert answer.pages[0].dimensions is not None
    assert answer.pages[0].dimensions.dpi == 200
    document = {"type": "document_url", "document_url": SCAN}
    answer = await mistral.ocr.process_async(
        model="mistral-ocr-latest", document=document, include_image_base64=True, image_limit=1
    )
    (image,) = answer.pages[0].images
    assert str(image.image_base64).startswith("data:image/png;base64,")
    assert (image.top_left_x, image.top_left_y) == (0, 0)
    assert answer.usage_info.pages_processed == 1


async def test_refusals_have_the_classes_of_the_sdk(mistral: Mistral) -> None:
    with pytest.raises(HTTPValidationError) as invalid:
        await mistral.chat.complete_async(**asked(temperature=9))
    assert "temperature" in str(invalid.value)
    with pytest.raises(SDKError) as other:
        await mistral.chat.complete_async(**asked() | {"model": "fault-status-429-after-3"})
    assert other.value.status_code == 429
    assert other.value.raw_response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"seed": 1}, 422, b"extra_forbidden"),
        ({"messages": []}, 422, b"messages"),
        ({"reasoning_effort": "much"}, 422, b"reasoning_effort"),
        ({"tools": [TOOL], "tool_choice": "always"}, 422, b"tool_choice"),
        ({"messages": [{"role": "assistant", "content": "One,"}]}, 400, b"prefix"),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "tool", "tool_call_id": "call_1", "content": ""}]},
            400,
            b"with a length of 9",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "document_url", "document_url": "data:application/pdf;base64,AAAA"},
                        ],
                    }
                ]
            },
            400,
            b"no PDF",
        ),
    ],
)
def test_wrong_chats_are_refused(sandbox: Sandbox, fields: dict[str, object], status: int, part: bytes) -> None:
    answer = send(sandbox, chat() | fields, headers=SDK)
    assert answer.status == status
    assert part in answer.body


def test_the_same_address_speaks_openai_to_everyone_else(sandbox: Sandbox) -> None:
    assert send(sandbox, chat(seed=1)).status == 200
    assert "error" in send(sandbox, chat(temperature=9)).json
    assert send(sandbox, chat(temperature=9), headers=SDK).json["detail"][0]["loc"] == ["body", "temperature"]


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({}, 422, b"document"),
        ({"document": {"type": "text"}}, 422, b"document_url"),
        ({"document": {"type": "document_url", "document_url": "data:image/png;base64,AAAA"}}, 422, b"image_url"),
        ({"document": {"type": "document_url", "document_url": "data:application/pdf;base64,A"}}, 422, b"base64"),
        ({"document": {"type": "document_url", "document_url": "data:application/pdf;base64,AAAA"}}, 400, b"no PDF"),
        ({"document": {"type": "image_url", "image_url": PDF}}, 422, b"cannot be read"),
        ({"document": {"type": "document_url", "document_url": PDF}, "pages": [1]}, 422, b"1 pages"),
        ({"document": {"type": "document_url", "document_url": PDF}, "pages": "a-b"}, 422, b"ranges"),
        ({"document": {"type": "document_url", "document_url": PDF}, "max_nb_images": 3}, 422, b"extra_forbidden"),
    ],
)
def test_wrong_readings_are_refused(sandbox: Sandbox, fields: dict[str, object], status: int, part: bytes) -> None:
    answer = send(sandbox, {"model": "mistral-ocr-latest", **fields}, path=OCR)
    assert answer.status == status
    assert part in answer.body


@pytest.mark.parametrize(
    "document",
    [
        {"type": "document_url", "document_url": "https://example.org/a.pdf"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "file", "file_id": "f-1"},
        {"type": "document_url", "document_url": "data:application/msword;base64,AAAA"},
    ],
)
def test_what_cannot_be_read_here_gets_a_placeholder(sandbox: Sandbox, document: dict[str, object]) -> None:
    answer = send(sandbox, {"model": "mistral-ocr-latest", "document": document}, path=OCR)
    (page,) = answer.json["pages"]
    assert page["markdown"].startswith("Simulated text")


@pytest.mark.parametrize("pages", ["0,2-3", [0, 2, 3]])
def test_a_fault_in_a_reading_and_pages_of_many(sandbox: Sandbox, pages: object) -> None:
    import io

    import pypdfium2

    whole = pypdfium2.PdfDocument.new()
    for _ in range(4):
        whole.new_page(100, 200)
    out = io.BytesIO()
    whole.save(out)
    whole.close()
    url = "data:application/pdf;base64," + b64encode(out.getvalue()).decode()
    body = {"model": "m", "document": {"type": "document_url", "document_url": url}, "pages": pages}
    assert [page["index"] for page in send(sandbox, body, path=OCR).json["pages"]] == [0, 2, 3]
    body["model"] = "fault-error"
    assert send(sandbox, body, path=OCR).json["object"] == "error"
