"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from base64 import b64encode
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, KEY, LIMITS, PNG, WEATHER, access, candidate, completion, job
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImageJob,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
)
from pipelex_like.workers.openai.images import OpenAiImages
from pipelex_like.workers.openai.llm import OpenAiLlm

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"

CALL = ToolCall(id="call_9", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
HISTORY = LlmJob(
    messages=(
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("Weather in Ulm?"),)),
        Message("assistant", (ReasoningPart("I must ask."), TextPart("One moment."), ToolCallPart(CALL))),
        Message("tool", (ToolResultPart(call_id="call_9", text="sunny"),)),
        Message("assistant", (TextPart("Sunny."), OpaquePart(backend="acme", data=FrozenDict(reasoning_details=(1,))))),
        Message("user", (TextPart("And"), TextPart("tomorrow?"))),
    ),
    tools=(WEATHER,),
    settings=FrozenDict(tool_choice="weather", parallel_tool_calls=True),
)
EVERY_SETTING = {
    "temperature": 0.2,
    "top_p": 0.9,
    "top_k": 5,
    "max_tokens": 100,
    "stop": ["END"],
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "logit_bias": {"50256": -100},
    "logprobs": 3,
    "reasoning_effort": "low",
    "reasoning_budget": 512,
    "user": "u-1",
    "metadata": {"team": "a"},
    "service_tier": "flex",
    "extra": {"provider": {"order": ["x"]}},
}
PICTURE = ImagePart(Media(mime="image/png", data=PNG), "low")
LINKED = ImagePart(Media(mime="image/png", url="https://example.org/a.png"))
PDF = DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf"))
NOTE = DocumentPart(Media(mime="text/markdown", data=b"# Note\n```x```", name="note.md"))

CHATS: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), candidate()),
    "settings": (job(**EVERY_SETTING), candidate()),
    "history_with_tools": (HISTORY, candidate()),
    "images": (job(TextPart("What is it?"), PICTURE, LINKED), candidate()),
    "documents_markdown": (job(TextPart("Sum up."), PDF, NOTE), candidate()),
    "documents_xml": (job(NOTE), candidate(prompting_target="anthropic")),
    "object_schema": (LlmJob(messages=job().messages, schema=INVOICE), candidate()),
    "object_tools": (LlmJob(messages=job().messages, schema=INVOICE), candidate(structure_method="tools")),
    "object_json": (LlmJob(messages=job(system="Short.").messages, schema=INVOICE), candidate(structure_method="json")),
    "reasoning_model": (job(max_tokens=50, reasoning_effort="high"), candidate(thinking_mode="adaptive")),
}
TOGETHER = FrozenDict(
    size_fields="width_height",
    size_step=16,
    sides=(256, 1440),
    num_images=4,
    input_images=8,
    input_images_field="reference_images",
    output_format=("jpeg", "png"),
    steps=FrozenDict(low=4, medium=20, high=28),
    fields=FrozenDict(
        nb_steps="steps",
        guidance_scale="guidance_scale",
        seed="seed",
        negative_prompt="negative_prompt",
        is_moderated="disable_safety_checker",
        output_format="output_format",
    ),
)


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", CHATS)
async def test_a_chat_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = OpenAiLlm(access(upstream.url))
    await worker.generate(*CHATS[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.body == recorded(name)


async def test_a_stream_sends_the_same_and_asks_for_usage(upstream: Upstream) -> None:
    upstream.answers = [sse({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})]
    worker = OpenAiLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*CHATS["text"], LIMITS)]
    await worker.aclose()
    assert upstream.seen[0].body == recorded("stream")


async def test_a_spec_may_leave_the_wish_for_usage_out(upstream: Upstream) -> None:
    upstream.answers = [sse({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})]
    worker = OpenAiLlm(access(upstream.url))
    chosen = candidate(rules=FrozenDict(stream_usage=False))
    assert [piece async for piece in worker.stream(job(), chosen, LIMITS)]
    await worker.aclose()
    body = upstream.seen[0].body
    assert isinstance(body, dict)
    assert "stream_options" not in body


DRAWINGS: dict[str, tuple[ImageJob, Candidate]] = {
    "image_gpt": (
        ImageJob(
            prompt="a lighthouse",
            n=2,
            settings=FrozenDict(
                aspect_ratio="landscape_3_2",
                quality="high",
                background="opaque",
                output_format="jpg",
                output_compression=80,
                is_moderated=False,
                seed=3,
            ),
        ),
        candidate("gpt-image-1", kind="img_gen"),
    ),
    "image_dall_e": (
        ImageJob(prompt="a boat", settings=FrozenDict(aspect_ratio="16:9", quality="high", background="opaque")),
        candidate("dall-e-3", kind="img_gen"),
    ),
    "image_other": (
        ImageJob(prompt="a boat", settings=FrozenDict(aspect_ratio="16:9", extra=FrozenDict(steps=4))),
        candidate("sandbox-image", kind="img_gen"),
    ),
    "image_together": (
        ImageJob(
            prompt="a boat",
            n=2,
            images=(Media(mime="image/png", url="https://example.org/a.png"),),
            settings=FrozenDict(
                aspect_ratio="portrait_3_4",
                quality="low",
                guidance_scale=3.5,
                seed=7,
                negative_prompt="people",
                is_moderated=False,
                output_format="png",
                extra=FrozenDict(response_format="base64"),
            ),
        ),
        candidate("black-forest-labs/FLUX.2-dev", kind="img_gen", rules=TOGETHER),
    ),
}
EDITS: dict[str, tuple[Media, ...]] = {
    "one": (Media(mime="image/png", data=PNG, name="boat.png"),),
    "two": (Media(mime="image/png", data=PNG), Media(mime="image/webp", data=b"RIFF", name="b.webp")),
}


@pytest.mark.parametrize("name", DRAWINGS)
async def test_drawing_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]})]
    worker = OpenAiImages(access(upstream.url))
    await worker.draw(*DRAWINGS[name], LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "/v1/images/generations"
    assert upstream.seen[0].body == recorded(name)


@pytest.mark.parametrize("name", EDITS)
async def test_pictures_to_go_by_are_sent_as_a_form(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]})]
    worker = OpenAiImages(access(upstream.url))
    settings = FrozenDict(size="1024x1536", input_fidelity="high", is_moderated=True, background="transparent")
    asked = ImageJob(prompt="a bôat", n=2, images=EDITS[name], settings=settings)
    await worker.draw(asked, candidate("gpt-image-1.5", kind="img_gen"), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert seen.path == "/v1/images/edits"
    assert isinstance(seen.body, bytes)
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert fields_of(seen.headers["content-type"], seen.body) == recorded(f"edit_{name}")


async def test_pictures_known_by_address_are_sent_as_such(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"data": [{"b64_json": "iVBORw0KGgo="}]})]
    worker = OpenAiImages(access(upstream.url))
    linked = Media(mime="image/png", url="https://example.org/a.png")
    asked = ImageJob(prompt="a boat", images=(linked, *EDITS["one"]))
    await worker.draw(asked, candidate("gpt-image-2.5-flare", kind="img_gen"), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "/v1/images/edits"
    assert upstream.seen[0].body == recorded("edit_addresses")


def fields_of(content_type: str, body: bytes) -> list[dict[str, str]]:
    """The parts of a form in order, read by the standard library's own parser."""
    head = f"content-type: {content_type}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
    return [
        {
            "field": str(part.get_param("name", header="content-disposition")),
            "file": part.get_filename() or "",
            "type": part.get_content_type() if part.get_filename() else "",
            "value": b64encode(content).decode() if part.get_filename() else content.decode(),
        }
        for part in parts
        if isinstance(content := part.get_payload(decode=True), bytes)
    ]


async def test_headers_of_backend_and_spec_go_along_and_nothing_else(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    given = access(upstream.url, headers=FrozenDict({"x-team": "a"}))
    worker = OpenAiLlm(given)
    await worker.generate(job(), candidate(headers=FrozenDict({"x-portkey-provider": "@openai"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert headers["x-team"] == "a"
    assert headers["x-portkey-provider"] == "@openai"
    assert set(headers) - {"x-team", "x-portkey-provider", "x-stainless-retry-count"} == {
        "host",
        "connection",
        "authorization",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
    }
