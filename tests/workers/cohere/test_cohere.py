"""Cohere's models through the openai SDK: what is sent, where to, and what comes back from the simulated provider."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from contract.hostile import CANARY, hostile
from workers.cohere.asked import ADAPTED, CASES, COMMAND
from workers.given import INVOICE, KEY, LIMITS, WEATHER, access, candidate, completion, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import EndPiece, FrozenDict, LlmJob, Message, TextPart
from pipelex_like.workers.base import Limits
from pipelex_like.workers.cohere.endpoint import OFFICIAL, base_url
from pipelex_like.workers.cohere.llm import CohereLlm

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).parent / "recorded"
PATH = "/compatibility/v1/chat/completions"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize("name", CASES)
async def test_a_completion_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = CohereLlm(access(upstream.url))
    reply = await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    assert (seen.method, seen.path) == ("POST", PATH)
    assert seen.body == orjson.loads((RECORDED / f"{name}.json").read_bytes())
    assert list(reply.adapted) == ADAPTED.get(name, [])


@pytest.mark.parametrize(
    "written",
    [
        "",
        "/",
        "/v1",
        "/v2/",
        "/compatibility",
        "/compatibility/v1",
        "/compatibility/v1/",
        "/compatibility/v1/chat/completions",
    ],
)
async def test_every_spelling_of_the_address_leads_there(upstream: Upstream, written: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = CohereLlm(access(upstream.url + written))
    await worker.generate(job(), COMMAND, LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == PATH


def test_an_address_of_ones_own_stays() -> None:
    assert base_url("https://proxy.example.org/cohere/v1") == "https://proxy.example.org/cohere/v1"
    assert base_url(None) == base_url(" ") == OFFICIAL == "https://api.cohere.ai/compatibility/v1"


async def test_nothing_of_the_environment_is_sent(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with Upstream() as elsewhere:
        for name, value in hostile(elsewhere.url, str(tmp_path / "missing")).items():
            monkeypatch.setenv(name, value)
        upstream.answers = [json_answer(completion())]
        worker = CohereLlm(access(upstream.url))
        await worker.generate(job(), COMMAND, LIMITS)
        await worker.aclose()
        assert elsewhere.connections == 0
    assert upstream.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert CANARY not in str(upstream.seen[0].headers)


async def both(sandbox: Sandbox, asked: LlmJob, model: str = "command-a-03-2025") -> tuple[EndPiece, list[object]]:
    worker = CohereLlm(access(sandbox.url, sandbox.api_key))
    sandbox.reset()
    whole = await worker.generate(asked, candidate(model), LIMITS)
    sandbox.reset()
    pieces: list[object] = [piece async for piece in worker.stream(asked, candidate(model), LIMITS)]
    await worker.aclose()
    end = pieces.pop()
    assert end == EndPiece(whole)
    return EndPiece(whole), pieces


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"settings"}))
async def test_what_is_recorded_is_let_in(sandbox: Sandbox, name: str) -> None:
    end, _ = await both(sandbox, CASES[name][0])
    assert end.reply.text or end.reply.tool_calls
    assert end.reply.usage


async def test_an_object_and_a_tool(sandbox: Sandbox) -> None:
    asked = (Message("user", (TextPart("number: 77\ntotal: 12"),)),)
    end, pieces = await both(sandbox, LlmJob(messages=asked, schema=INVOICE))
    assert orjson.loads(end.reply.text)["number"] == "77"
    assert len(pieces) > 1
    end, _ = await both(sandbox, LlmJob(messages=asked, tools=(WEATHER,), settings=FrozenDict(tool_choice="required")))
    assert [call.name for call in end.reply.tool_calls] == ["weather"]
    assert end.reply.finish_reason == "tool_calls"


async def test_reasoning_is_on_or_off(sandbox: Sandbox) -> None:
    for effort, thinks in (("none", False), ("low", True)):
        end, _ = await both(sandbox, job(reasoning_effort=effort))
        assert end.reply.usage
        assert bool(end.reply.usage.reasoning_tokens) == thinks


@pytest.mark.parametrize("field", ["n", "metadata", "logit_bias", "top_logprobs", "service_tier", "documents"])
async def test_what_cohere_does_not_take_is_refused(sandbox: Sandbox, field: str) -> None:
    worker = CohereLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(BadRequestError, match=f"'{field}' is not a valid field"):
        await worker.generate(job(extra={field: 1}), COMMAND, LIMITS)
    await worker.aclose()


FAULTS = {
    "fault-status-400": BadRequestError,
    "fault-status-400+code-context_length_exceeded": ContextWindowError,
    "fault-status-401": CredentialsError,
    "fault-status-403": AccessDeniedError,
    "fault-status-404": NotFoundError,
    "fault-status-422": BadRequestError,
    "fault-status-429-after-2": RateLimitError,
    "fault-status-500": ServerError,
    "fault-status-503": OverloadedError,
    "fault-stall-0": CallTimeoutError,
    "fault-cut-1": UnreachableError,
    "fault-badjson": InvalidResponseError,
    "fault-html": InvalidResponseError,
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_every_fault_is_an_error_of_ours(sandbox: Sandbox, name: str, streamed: bool) -> None:
    sandbox.reset()
    worker = CohereLlm(access(sandbox.url, sandbox.api_key))
    tight = Limits(timeout=0.5, first_event=0.5, between_events=0.5)
    with pytest.raises(CallError) as caught:
        if streamed:
            _ = [piece async for piece in worker.stream(job(), candidate(name), tight)]
        else:
            await worker.generate(job(), candidate(name), tight)
    await worker.aclose()
    assert type(caught.value) is FAULTS[name]
    assert sandbox.api_key not in str(caught.value)
    assert len(sandbox.requests) == 1


async def test_a_model_that_is_not_there_leads_to_the_list(sandbox: Sandbox) -> None:
    worker = CohereLlm(access(sandbox.url, sandbox.api_key))
    with pytest.raises(NotFoundError, match=r"docs\.cohere\.com"):
        await worker.generate(job(), candidate("fault-status-404"), LIMITS)
    await worker.aclose()
