"""The real SDK takes every answer."""

from __future__ import annotations

import base64
import datetime
import io
from typing import TYPE_CHECKING, Any, Literal

import openai
import pytest
from PIL import Image
from pydantic import BaseModel

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TOOL: Any = {
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Address(BaseModel):
    street: str
    city: str


class Line(BaseModel):
    description: str
    quantity: int


class Invoice(BaseModel):
    invoice_number: str
    issued: datetime.date
    total: float
    currency: Literal["EUR", "USD"]
    paid: bool
    vendor: Address | None
    lines: list[Line]


TEXT = """Read this invoice.
Invoice No.: INV-7
Issued: 4 March 2026   Total: 1.234,50 EUR
Paid: yes
Vendor:
  street: 12 Main St
  city: Paris
Lines:
- description: Widget, quantity: 2
- description: Gadget, quantity: 1
"""
READ = Invoice(
    invoice_number="INV-7",
    issued=datetime.date(2026, 3, 4),
    total=1234.5,
    currency="EUR",
    paid=True,
    vendor=Address(street="12 Main St", city="Paris"),
    lines=[Line(description="Widget", quantity=2), Line(description="Gadget", quantity=1)],
)


async def test_chat(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="sandbox-text", messages=[{"role": "user", "content": "Hi"}], reasoning_effort="low"
    )
    assert (answer.choices[0].message.content or "").startswith("Simulated answer:")
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 64


async def test_chat_streamed(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model="sandbox-text", messages=[{"role": "user", "content": "Hi"}], stream_options={"include_usage": True}
    ) as stream:
        kinds = {event.type async for event in stream}
        answer = await stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None


async def test_chat_with_tools(client: AsyncOpenAI) -> None:
    messages: Any = [{"role": "user", "content": "get_weather for city: Rome"}]
    tools: Any = [{"type": "function", "function": TOOL}]
    first = await client.chat.completions.create(model="x", messages=messages, tools=tools)
    said = first.choices[0].message
    assert said.tool_calls is not None
    call: Any = said.tool_calls[0]
    assert call.function.arguments == '{"city":"Rome"}'
    messages += [said.to_dict(), {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}]
    second = await client.chat.completions.create(model="x", messages=messages, tools=tools)
    assert "12 degrees" in (second.choices[0].message.content or "")
    async with client.chat.completions.stream(model="x", messages=messages[:1], tools=tools) as stream:
        streamed = await stream.get_final_completion()
    again: Any = (streamed.choices[0].message.tool_calls or [None])[0]
    assert again.function.parsed_arguments == {"city": "Rome"}


async def test_chat_parsed_into_a_model(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.parse(
        model="x", messages=[{"role": "user", "content": TEXT}], response_format=Invoice
    )
    assert answer.choices[0].message.parsed == READ
    async with client.chat.completions.stream(
        model="x", messages=[{"role": "user", "content": TEXT}], response_format=Invoice
    ) as stream:
        assert (await stream.get_final_completion()).choices[0].message.parsed == READ


async def test_responses(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(
        model="x", instructions="Be kind.", input="Hi", reasoning={"effort": "low", "summary": "auto"}
    )
    assert answer.output_text.startswith('Simulated answer: you wrote "Hi".')
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.usage is not None
    assert answer.usage.output_tokens_details.reasoning_tokens == 64
    short = await client.responses.create(model="x", input="Hi", max_output_tokens=16)
    assert (short.status, short.incomplete_details and short.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )


async def test_responses_streamed(client: AsyncOpenAI) -> None:
    whole = await client.responses.create(model="x", input="Hi")
    events = [event async for event in await client.responses.create(model="x", input="Hi", stream=True)]
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.usage == whole.usage
    async with client.responses.stream(
        model="x", input="Hi", reasoning={"effort": "minimal", "summary": "auto"}, max_output_tokens=20
    ) as stream:
        seen = [event.type async for event in stream]
    assert "response.reasoning_summary_text.delta" in seen
    assert seen[-1] == "response.incomplete"


async def test_responses_with_tools_pictures_and_a_model(client: AsyncOpenAI) -> None:
    tools: Any = [{"type": "function", **TOOL}]
    first = await client.responses.create(model="x", input="get_weather, city: Rome", tools=tools)
    call: Any = first.output[0]
    assert (call.type, call.arguments) == ("function_call", '{"city":"Rome"}')
    items: Any = [
        {"role": "user", "content": "get_weather, city: Rome"},
        call.to_dict(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "12 degrees"},
    ]
    assert "12 degrees" in (await client.responses.create(model="x", input=items, tools=tools)).output_text
    stream = await client.responses.create(model="x", input="get_weather, city: Rome", tools=tools, stream=True)
    done = [event.arguments async for event in stream if event.type == "response.function_call_arguments.done"]
    assert done == ['{"city":"Rome"}']
    seen: Any = [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "https://example.com/cat.png", "detail": "auto"},
            ],
        }
    ]
    assert "1 picture" in (await client.responses.create(model="x", input=seen)).output_text
    assert (await client.responses.parse(model="x", input=TEXT, text_format=Invoice)).output_parsed == READ


async def test_responses_takes_every_kind_of_item(client: AsyncOpenAI) -> None:
    items: Any = [
        {"type": "message", "role": "developer", "content": "Be kind."},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2FuZGJveDpyc18x"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Yes?", "annotations": []}]},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "a red door"}]},
        {
            "role": "user",
            "content": [
                {"type": "input_file", "filename": "b.txt", "file_data": "data:text/plain;base64,aGkgdGhlcmU="}
            ],
        },
    ]
    said = (await client.responses.create(model="x", input=items)).output_text
    assert "hi there" in said
    assert "1 file: b.txt." in said


@pytest.mark.parametrize(
    "more",
    [
        {"input": None},
        {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
        {"input": [{"role": "user", "content": 7}]},
        {"background": True},
        {"conversation": "conv_1"},
        {"input": []},
        {"input": [{"type": "telepathy"}]},
        {"input": [{"role": "robot", "content": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]},
        {"input": [{"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}]},
        {"max_output_tokens": 15},
        {"previous_response_id": "resp_1"},
        {"tools": [{"type": "web_search"}]},
        {"text": {"format": {"type": "json_schema", "name": "a"}}},
        {"text": {"format": {"type": "json_object"}}},
        {"reasoning": {"effort": "extreme"}},
        {"stream_options": {"include_obfuscation": False}},
        {"stop": ["END"]},
        {"max_tokens": 20},
        {"include": ["everything"]},
        {"top_logprobs": 2},
        {"tools": [{"type": "function", "function": TOOL}]},
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2FuZGJveDpyc18x"}]},
        {
            "input": [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2FuZGJveDpyc18x"},
                {"role": "user", "content": "Hi"},
            ]
        },
        {
            "input": [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "of another"},
                {"role": "assistant", "content": "Hi"},
            ]
        },
    ],
)
async def test_wrong_requests_for_responses_are_refused(client: AsyncOpenAI, more: Any) -> None:
    body = {"model": "x", "input": "Hi", **more}
    with pytest.raises(openai.BadRequestError):
        await client.post("/responses", body=body, cast_to=object)


async def test_reasoning_that_was_not_encrypted_is_not_there(client: AsyncOpenAI) -> None:
    items: Any = [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "assistant", "content": "Hi"}]
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model="x", input=items)


async def test_reasoning_comes_back_as_it_was_encrypted(client: AsyncOpenAI) -> None:
    asked: Any = {"model": "x", "reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}
    first = await client.responses.create(input="Hi", **asked)
    assert [item.type for item in first.output] == ["reasoning", "message"]
    items: Any = [{"role": "user", "content": "Hi"}, *(item.to_dict() for item in first.output)]
    second = await client.responses.create(input=[*items, {"role": "user", "content": "And?"}], **asked)
    assert second.output_text


@pytest.mark.parametrize(
    ("size", "pixels"), [("1536x1024", (1536, 1024)), ("256x256", (256, 256)), ("auto", (1024, 1024))]
)
async def test_images(client: AsyncOpenAI, size: Any, pixels: tuple[int, int]) -> None:
    answer = await client.images.generate(model="sandbox-image", prompt="a lighthouse", size=size, n=2, quality="low")
    assert answer.data is not None
    pictures = [Image.open(io.BytesIO(base64.b64decode(one.b64_json or ""))) for one in answer.data]
    for picture in pictures:
        picture.load()
        assert (picture.format, picture.size, picture.mode) == ("PNG", pixels, "RGB")
        assert "simulated" in str(picture.info["Software"])
        assert len(picture.getcolors(1_000_000) or []) > 50
    assert pictures[0].tobytes() != pictures[1].tobytes()
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2 * round(272 * pixels[0] * pixels[1] / 1024**2)
    assert (answer.quality, answer.size) == ("low", f"{pixels[0]}x{pixels[1]}")


async def test_a_picture_may_be_transparent_and_is_always_the_same(client: AsyncOpenAI) -> None:
    one, other = [
        await client.images.generate(model="x", prompt="a cat", size="512x512", background="transparent")
        for _ in range(2)
    ]
    assert one.data is not None
    assert one.data == other.data
    picture = Image.open(io.BytesIO(base64.b64decode(one.data[0].b64_json or "")))
    assert picture.getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": ""},
        {"prompt": "x" * 32_001},
        {"n": 11},
        {"size": "huge"},
        {"size": "1000x1000"},
        {"size": "4000x2000"},
        {"size": "0x16"},
        {"quality": "best"},
        {"output_format": "jpeg"},
        {"output_compression": 50},
        {"response_format": "url"},
        {"response_format": "b64_json", "model": "gpt-image-1"},
        {"background": "green"},
        {"stream": True},
    ],
)
async def test_wrong_requests_for_images_are_refused(client: AsyncOpenAI, more: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.post("/images/generations", body={"model": "x", "prompt": "a cat", **more}, cast_to=object)


async def test_older_image_models_may_be_asked_for_base64(client: AsyncOpenAI) -> None:
    drawn = await client.images.generate(model="dall-e-3", prompt="a cat", response_format="b64_json")
    assert drawn.data is not None
    assert drawn.data[0].b64_json


async def test_models_and_errors(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["sandbox-text", "sandbox-image"]
    assert (await client.models.retrieve("anything")).id == "anything"
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="wrong").models.list()
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="x", input="x")
