"""The ways in which responses say no; what they share with chat completions is tested there."""

from __future__ import annotations

import asyncio

import pytest
from workers.given import KEY, LIMITS, access, candidate, job
from workers.openai.test_failures import BY_BODY, BY_STATUS
from workers.openai_responses.wire import response
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.workers.base import Limits
from pipelex_like.workers.openai_responses.llm import ResponsesLlm


async def failed(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> CallError:
    upstream.answers = [answer]
    worker = ResponsesLlm(access(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(), limits)
    await worker.aclose()
    assert len(upstream.seen) == 1
    assert KEY not in f"{caught.value} {caught.value!r}"
    return caught.value


@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int) -> None:
    error = await failed(upstream, json_answer({"error": {"message": f"No luck with {KEY}."}}, status))
    kind, retryable = BY_STATUS[status]
    assert (type(error), error.status, error.retryable) == (kind, status, retryable)
    assert str(error).startswith("acme (gpt-test): No luck")


@pytest.mark.parametrize(("status", "error", "kind"), BY_BODY)
async def test_the_body_refines_the_status(
    upstream: Upstream, status: int, error: dict[str, str], kind: type[CallError]
) -> None:
    assert type(await failed(upstream, json_answer({"error": error}, status))) is kind


@pytest.mark.parametrize(
    ("body", "kind", "part"),
    [
        (b"", InvalidResponseError, "empty"),
        (b"<!DOCTYPE html><html></html>", InvalidResponseError, "HTML"),
        (b'{"output": [', InvalidResponseError, "broken JSON"),
        (b"{}", InvalidResponseError, "no `output`"),
        (b'{"choices": []}', InvalidResponseError, "does it speak"),
        (b'{"error": {"code": 429, "message": "busy"}}', RateLimitError, "busy"),
        (
            b'{"status": "failed", "output": [], "error": {"code": "server_error", "message": "Oh."}}',
            ServerError,
            "Oh.",
        ),
        (b'{"status": "cancelled", "output": []}', ServerError, "cancelled"),
        (b'{"status": "queued", "output": []}', ServerError, "queued"),
    ],
)
async def test_a_success_that_is_none_is_an_error(
    upstream: Upstream, body: bytes, kind: type[CallError], part: str
) -> None:
    error = await failed(upstream, Answer(body=[body]))
    assert type(error) is kind
    assert part in str(error)


async def test_a_redirect_is_refused(upstream: Upstream) -> None:
    error = await failed(upstream, Answer(status=307, headers={"location": "http://127.0.0.1:1/elsewhere"}))
    assert type(error) is InvalidResponseError


async def test_the_whole_answer_has_a_deadline_and_a_size(upstream: Upstream) -> None:
    assert type(await failed(upstream, Answer(body=[b" ", STALL]), Limits(timeout=0.2))) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)
    upstream.seen.clear()
    error = await failed(upstream, Answer(body=[b" " * 9000, STALL]), Limits(timeout=5, max_response_bytes=5000))
    assert "larger than 5000 bytes" in str(error)


async def test_a_refused_connection_is_unreachable() -> None:
    worker = ResponsesLlm(access("http://127.0.0.1:1"))
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


async def test_cancelling_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b" ", STALL])]
    worker = ResponsesLlm(access(upstream.url))
    task = asyncio.create_task(worker.generate(job(), candidate(), LIMITS))
    while not upstream.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/responses", "/v1/chat/completions"])
async def test_every_form_of_the_address_leads_to_the_same_path(upstream: Upstream, end: str) -> None:
    upstream.answers = [json_answer(response())]
    worker = ResponsesLlm(access(f"{upstream.url}{end}"))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "/v1/responses"
