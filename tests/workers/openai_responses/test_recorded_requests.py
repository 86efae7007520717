"""What the real SDK puts on the wire, compared with recorded bodies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from workers.given import INVOICE, LIMITS, PNG, WEATHER, access, candidate, job
from workers.openai.test_recorded_requests import EVERY_SETTING
from workers.openai_responses.wire import called, events, response, said, thought, told
from workers.upstream import Upstream, json_answer

from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    ImagePart,
    LlmJob,
    Media,
    Message,
    OpaquePart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolResultPart,
    freeze,
)
from pipelex_like.workers.openai_responses.llm import ResponsesLlm

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

RECORDED = Path(__file__).parent / "recorded"

CALL = ToolCall(id="call_9", name="weather", arguments=FrozenDict(city="Ulm"), raw='{"city":"Ulm"}')
THOUGHT = {key: value for key, value in thought("I must ask.").items() if value is not None}
KEPT = OpaquePart(
    backend="acme",
    data=freeze({"model": "gpt-test", "output": [THOUGHT, said("One moment."), called("call_9")]}),  # pyright: ignore
)


def history(opaque: OpaquePart | None = None) -> LlmJob:
    kept = () if opaque is None else (opaque,)
    return LlmJob(
        messages=(
            Message("system", (TextPart("Be kind."),)),
            Message("user", (TextPart("Weather in Ulm?"),)),
            Message("assistant", (*kept, TextPart("One moment."), ToolCallPart(CALL))),
            Message("tool", (ToolResultPart(call_id="call_9", text="sunny"),)),
            Message("assistant", (TextPart("Sunny."),)),
            Message("user", (TextPart("And"), TextPart("tomorrow?"))),
        ),
        tools=(WEATHER,),
        settings=FrozenDict(tool_choice="weather", parallel_tool_calls=True),
    )


PICTURE = ImagePart(Media(mime="image/png", data=PNG), "low")
LINKED = ImagePart(Media(mime="image/png", url="https://example.org/a.png"))
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOCUMENTS = (
    TextPart("Sum up."),
    DocumentPart(Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf")),
    DocumentPart(Media(mime="application/pdf", url="https://example.org/a.pdf")),
    DocumentPart(Media(mime=WORD, data=b"PK")),
    DocumentPart(Media(mime="text/markdown", data=b"# Note", name="note.md")),
)
THINKER = candidate(thinking_mode="adaptive")

ASKED: dict[str, tuple[LlmJob, Candidate]] = {
    "text": (job(system="Be kind."), candidate()),
    "settings": (job(**EVERY_SETTING), candidate()),
    "history_with_tools": (history(), candidate()),
    "history_of_a_thinker": (history(KEPT), THINKER),
    "images": (job(TextPart("What is it?"), PICTURE, LINKED), candidate()),
    "documents": (job(*DOCUMENTS), candidate()),
    "object_schema": (LlmJob(messages=job().messages, schema=INVOICE), candidate()),
    "object_tools": (LlmJob(messages=job().messages, schema=INVOICE), candidate(structure_method="tools")),
    "object_json": (LlmJob(messages=job(system="Short.").messages, schema=INVOICE), candidate(structure_method="json")),
    "thinker": (job(max_tokens=50, reasoning_effort="high"), THINKER),
}


def recorded(name: str) -> object:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", ASKED)
async def test_a_call_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(response())]
    worker = ResponsesLlm(access(upstream.url))
    await worker.generate(*ASKED[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", "/v1/responses")
    assert seen.body == recorded(name)


async def test_a_stream_sends_the_same_and_says_so(upstream: Upstream) -> None:
    upstream.answers = [events(*told(response()))]
    worker = ResponsesLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*ASKED["text"], LIMITS)]
    await worker.aclose()
    body = recorded("text")
    assert isinstance(body, dict)
    assert upstream.seen[0].body == body | {"stream": True}


async def test_headers_of_backend_and_spec_go_along(upstream: Upstream) -> None:
    upstream.answers = [json_answer(response())]
    worker = ResponsesLlm(access(upstream.url, headers=FrozenDict({"x-team": "a"})))
    await worker.generate(job(), candidate(headers=FrozenDict({"x-portkey-provider": "@openai"})), LIMITS)
    await worker.aclose()
    headers = upstream.seen[0].headers
    assert (headers["x-team"], headers["x-portkey-provider"]) == ("a", "@openai")
