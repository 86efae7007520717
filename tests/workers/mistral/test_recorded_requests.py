"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, WEATHER, access, candidate, completion, job
from workers.mistral.asked import LINKED, PDF, PICTURE, ocr, page, read, reading
from workers.openai.test_recorded_requests import EVERY_SETTING, HISTORY, NOTE
from workers.openai.test_recorded_requests import LINKED as LINKED_IMAGE
from workers.openai.test_recorded_requests import PICTURE as IMAGE
from workers.upstream import Upstream, json_answer, sse

from pipelex_like.types import DocumentPart, ExtractJob, FrozenDict, LlmJob, Media, Message, TextPart
from pipelex_like.workers.mistral.llm import MistralLlm
from pipelex_like.workers.mistral.ocr import MistralOcr

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"

PLAIN, THINKER = candidate("mistral-large-2512"), candidate("mistral-large-4", thinking_mode="adaptive")
BEGUN = LlmJob(
    messages=(Message("user", (TextPart("Count."),)), Message("assistant", (TextPart("One, two,"),))),
)
CHATS: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), PLAIN),
    "settings": (job(**EVERY_SETTING), THINKER),
    "history_with_tools": (HISTORY, PLAIN),
    "history_of_a_thinker": (HISTORY, THINKER),
    "begun_answer": (BEGUN, PLAIN),
    "images": (job(TextPart("What is it?"), IMAGE, LINKED_IMAGE), PLAIN),
    "documents": (job(TextPart("Sum up."), DocumentPart(PDF), DocumentPart(LINKED), NOTE), PLAIN),
    "tool_required": (
        LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice="required")),
        PLAIN,
    ),
    "object_schema": (LlmJob(messages=job().messages, schema=INVOICE), PLAIN),
    "object_tools": (LlmJob(messages=job().messages, schema=INVOICE), candidate("m", structure_method="tools")),
    "object_json": (
        LlmJob(messages=job(system="Short.").messages, schema=INVOICE),
        candidate("m", structure_method="json"),
    ),
    "effort_switch": (job(reasoning_effort="low"), candidate("mistral-small-latest", thinking_mode="adaptive")),
    "effort_native": (job(reasoning_effort="high"), candidate("magistral-medium-2509", thinking_mode="adaptive")),
}
DOCX = Media(mime="application/vnd.openxmlformats-officedocument.wordprocessingml.document", data=b"PK", name="a.docx")
READINGS: dict[str, ExtractJob] = {
    "ocr_pdf": reading(PDF),
    "ocr_pages": reading(PDF, 3, 1, 3),
    "ocr_office": reading(DOCX),
    "ocr_url": reading(LINKED, max_nb_images=0),
    "ocr_image": reading(PICTURE, 1, max_nb_images=4, image_min_size=50, page_images=True),
    "ocr_image_url": reading(Media(mime="image/png", url="https://example.org/a.png")),
    "ocr_mislabelled": reading(Media(mime="application/pdf", data=PICTURE.data)),
    "ocr_extra": reading(PDF, extra=FrozenDict(table_format="html")),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", CHATS)
async def test_a_chat_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = MistralLlm(access(upstream.url))
    await worker.generate(*CHATS[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.body == recorded(name)


async def test_a_stream_sends_the_same_and_says_so(upstream: Upstream) -> None:
    upstream.answers = [sse({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})]
    worker = MistralLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*CHATS["text"], LIMITS)]
    await worker.aclose()
    assert upstream.seen[0].body == recorded("stream")
    assert upstream.seen[0].headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("name", READINGS)
async def test_reading_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(read(page(0), page(1), page(2)))]
    worker = MistralOcr(access(upstream.url))
    await worker.extract(READINGS[name], ocr(), LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1/ocr")
    assert seen.body == recorded(name)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/ocr"])
async def test_the_address_may_be_written_in_any_way(upstream: Upstream, end: str) -> None:
    upstream.answers = [json_answer(completion()), json_answer(read(page(0)))]
    given = access(f"{upstream.url}{end}")
    llm, reader = MistralLlm(given), MistralOcr(given)
    await llm.generate(job(), PLAIN, LIMITS)
    await reader.extract(reading(PDF), ocr(), LIMITS)
    await llm.aclose()
    await reader.aclose()
    assert [seen.path for seen in upstream.seen] == ["/v1/chat/completions", "/v1/ocr"]


async def test_headers_of_backend_and_spec_go_along_and_nothing_else(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    worker = MistralLlm(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.generate(job(), candidate("m", headers=FrozenDict({"X-Other": "b"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers["x-team"], headers["x-other"]) == ("a", "b")
    assert headers["user-agent"].startswith("mistral-client-python/")
    assert set(headers) - {"x-team", "x-other"} == {
        "host",
        "connection",
        "authorization",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
    }
