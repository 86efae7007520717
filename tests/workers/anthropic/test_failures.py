"""Every way in which Anthropic says no, or says something that cannot be read."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import socket
import traceback

import pytest
from workers.anthropic.wire import message
from workers.given import KEY, LIMITS, access, candidate, job
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from pipelex_like.types import DocumentPart, Media
from pipelex_like.workers.anthropic.llm import AnthropicLlm
from pipelex_like.workers.base import Limits


def error(kind: str, said: str = "No luck.") -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_1"}


async def failed(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> CallError:
    upstream.answers = [answer]
    worker = AnthropicLlm(access(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(), limits)
    await worker.aclose()
    assert len(upstream.seen) == 1
    return caught.value


BY_STATUS = {
    400: ("invalid_request_error", BadRequestError, False),
    401: ("authentication_error", CredentialsError, False),
    402: ("billing_error", QuotaError, False),
    403: ("permission_error", AccessDeniedError, False),
    404: ("not_found_error", NotFoundError, False),
    408: ("timeout_error", CallTimeoutError, True),
    409: ("invalid_request_error", ServerError, True),
    413: ("request_too_large", ContextWindowError, False),
    422: ("invalid_request_error", BadRequestError, False),
    429: ("rate_limit_error", RateLimitError, True),
    500: ("api_error", ServerError, True),
    503: ("api_error", OverloadedError, True),
    504: ("timeout_error", ServerError, True),
    529: ("overloaded_error", OverloadedError, True),
}


@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int) -> None:
    said, kind, retryable = BY_STATUS[status]
    caught = await failed(upstream, json_answer(error(said), status))
    assert type(caught) is kind
    assert (caught.status, caught.retryable) == (status, retryable)
    assert str(caught).startswith("acme (gpt-test): No luck.")


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "prompt is too long: 208310 tokens > 200000 maximum", ContextWindowError),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", ContextWindowError),
        (400, "Your credit balance is too low to access the Anthropic API.", QuotaError),
        (400, "Output blocked by content filtering policy", ContentPolicyError),
        (400, "thinking.enabled.budget_tokens: Input should be greater than 1024", BadRequestError),
    ],
)
async def test_the_words_refine_the_status(upstream: Upstream, status: int, said: str, kind: type[CallError]) -> None:
    assert type(await failed(upstream, json_answer(error("invalid_request_error", said), status))) is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("invalid_request_error", BadRequestError),
        ("authentication_error", CredentialsError),
        ("billing_error", QuotaError),
        ("permission_error", AccessDeniedError),
        ("not_found_error", NotFoundError),
        ("request_too_large", ContextWindowError),
        ("rate_limit_error", RateLimitError),
        ("timeout_error", CallTimeoutError),
        ("overloaded_error", OverloadedError),
        ("api_error", ServerError),
    ],
)
async def test_an_error_inside_a_200_is_that_error(upstream: Upstream, said: str, kind: type[CallError]) -> None:
    assert type(await failed(upstream, json_answer(error(said)))) is kind


async def test_the_wish_to_wait_is_read(upstream: Upstream) -> None:
    caught = await failed(upstream, json_answer(error("rate_limit_error"), 429, {"retry-after": "7"}))
    assert caught.retry_after == 7.0


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_no_secret_is_in_message_repr_traceback_log_or_pickle(
    upstream: Upstream, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caught = await failed(upstream, json_answer(error("invalid_request_error", f"Bad key {KEY}"), status))
    lines = "".join(traceback.format_exception(caught))
    again = pickle.loads(pickle.dumps(caught))
    for shown in (str(caught), repr(caught), lines, caplog.text, repr(again.__dict__)):
        assert KEY not in shown
    assert str(copy.deepcopy(caught)) == str(again) == str(caught)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b'{"content": [', "broken JSON"),
        (b"hello", "no JSON"),
        (b"[1]", "no object"),
        (b"{}", "no `content`"),
        (b'{"content": null}', "no `content`"),
        (b'{"choices": [{"message": {"content": "Hi"}}]}', "`endpoint`"),
    ],
)
async def test_a_success_that_is_none_is_an_error(upstream: Upstream, body: bytes, part: str) -> None:
    caught = await failed(upstream, Answer(body=[body]))
    assert type(caught) is InvalidResponseError
    assert part in str(caught)


async def test_a_redirect_is_refused_and_nothing_is_sent_to_it(upstream: Upstream) -> None:
    async with Upstream() as elsewhere:
        caught = await failed(upstream, Answer(status=307, headers={"location": f"{elsewhere.url}/x?key=x"}))
        assert type(caught) is InvalidResponseError
        assert "redirect to 127.0.0.1" in str(caught)
        assert elsewhere.connections == 0


async def test_a_body_over_the_limit_ends_the_reading(upstream: Upstream) -> None:
    limits = Limits(timeout=5, max_response_bytes=10_000)
    caught = await failed(upstream, Answer(body=[b" " * 6000, b" " * 6000, STALL]), limits)
    assert "larger than 10000 bytes" in str(caught)
    await asyncio.wait_for(upstream.gone.wait(), 5)


@pytest.mark.parametrize("body", [[STALL], [b" ", STALL]], ids=["no byte", "one byte"])
async def test_the_whole_answer_has_a_deadline(upstream: Upstream, body: list[bytes | None]) -> None:
    caught = await failed(upstream, Answer(body=body), Limits(timeout=0.3))
    assert type(caught) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_a_connection_that_breaks_is_unreachable(upstream: Upstream) -> None:
    assert type(await failed(upstream, Answer(body=[b'{"content"'], cut=True))) is UnreachableError


async def test_a_refused_connection_is_unreachable_and_names_the_endpoint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = AnthropicLlm(access(f"http://127.0.0.1:{port}"))
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media(mime="text/plain", url="https://example.org/a.txt", name="a.txt"), "by its URL"),
        (Media(mime="application/msword", data=b"x", name="a.doc"), "Extract its text first"),
    ],
)
async def test_a_document_that_cannot_go_is_refused_before_sending(upstream: Upstream, media: Media, part: str) -> None:
    worker = AnthropicLlm(access(upstream.url))
    with pytest.raises(CapabilityError, match=part):
        await worker.generate(job(DocumentPart(media)), candidate(), LIMITS)
    await worker.aclose()
    assert not upstream.seen


async def test_cancelling_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b" ", STALL])]
    worker = AnthropicLlm(access(upstream.url))
    task = asyncio.create_task(worker.generate(job(), candidate(), LIMITS))
    while not upstream.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_one_connection_serves_calls_one_after_another_also_failed_ones(upstream: Upstream) -> None:
    upstream.answers = [json_answer(message()), json_answer(error("x"), 400), json_answer(message())]
    worker = AnthropicLlm(access(upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    with pytest.raises(BadRequestError):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.connections == 1
