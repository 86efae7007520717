"""Every way in which Mistral says no, or says something that cannot be read, for chats and for reading alike."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import traceback
from typing import TYPE_CHECKING, Literal

import pytest
from mistralai.client import basesdk
from workers.given import KEY, LIMITS, access, candidate, chunk, completion, job
from workers.mistral.asked import PDF, ocr, page, read, reading
from workers.upstream import STALL, Answer, Upstream, json_answer, sse

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
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Limits
from pipelex_like.workers.mistral.llm import MistralLlm
from pipelex_like.workers.mistral.ocr import MistralOcr

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.workers.base import Access

Work = Literal["chat", "stream", "ocr"]
WORK: tuple[Work, ...] = ("chat", "stream", "ocr")


async def call(work: Work, given: Access, limits: Limits = LIMITS) -> None:
    worker = MistralOcr(given) if work == "ocr" else MistralLlm(given)
    try:
        match worker:
            case MistralOcr():
                await worker.extract(reading(PDF), ocr(), limits)
            case _ if work == "chat":
                await worker.generate(job(), candidate(), limits)
            case _:
                _ = [piece async for piece in worker.stream(job(), candidate(), limits)]
    finally:
        await worker.aclose()


async def failed(work: Work, upstream: Upstream, answer: Answer, limits: Limits = LIMITS, **more: object) -> CallError:
    upstream.answers = [answer]
    with pytest.raises(CallError) as caught:
        await call(work, access(upstream.url, **more), limits)
    assert len(upstream.seen) == 1
    return caught.value


BY_STATUS = {
    400: (BadRequestError, False),
    401: (CredentialsError, False),
    403: (AccessDeniedError, False),
    404: (NotFoundError, False),
    408: (CallTimeoutError, True),
    409: (ServerError, True),
    413: (ContextWindowError, False),
    422: (BadRequestError, False),
    429: (RateLimitError, True),
    500: (ServerError, True),
    503: (OverloadedError, True),
    529: (OverloadedError, True),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int, work: Work) -> None:
    body = {"object": "error", "message": "No luck.", "type": "x", "param": None, "code": "1000"}
    error = await failed(work, upstream, json_answer(body, status))
    kind, retryable = BY_STATUS[status]
    assert type(error) is kind
    assert (error.status, error.retryable) == (status, retryable)
    assert ": No luck." in str(error)


BY_BODY = [
    (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, NotFoundError),
    (
        400,
        {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
        ContextWindowError,
    ),
    (401, {"detail": "Unauthorized"}, CredentialsError),
    (
        429,
        {"object": "error", "message": "Service tier capacity exceeded for this model.", "code": "3505"},
        RateLimitError,
    ),
]


@pytest.mark.parametrize(("status", "body", "kind"), BY_BODY)
async def test_the_body_refines_the_status(
    upstream: Upstream, status: int, body: object, kind: type[CallError]
) -> None:
    assert type(await failed("chat", upstream, json_answer(body, status))) is kind


async def test_a_field_that_is_refused_is_named(upstream: Upstream) -> None:
    fault = {"type": "extra_forbidden", "loc": ["body", "top_q"], "msg": "Extra inputs are not permitted"}
    error = await failed("chat", upstream, json_answer({"detail": [fault]}, 422))
    assert "body.top_q: Extra inputs are not permitted" in str(error)


async def test_the_wish_to_wait_is_read(upstream: Upstream) -> None:
    error = await failed("ocr", upstream, json_answer({"message": "slow down"}, 429, {"retry-after": "7"}))
    assert error.retry_after == 7


@pytest.mark.parametrize("status", [401, 500])
async def test_no_secret_is_in_message_traceback_log_or_pickle(
    upstream: Upstream, status: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MISTRAL_DEBUG", "1")
    error = await failed("chat", upstream, json_answer({"message": f"Bad key {KEY}"}, status))
    again = pickle.loads(pickle.dumps(error))
    for text in (str(error), "".join(traceback.format_exception(error)), caplog.text, repr(again.__dict__)):
        assert KEY not in text
    assert not [record for record in caplog.records if record.name.startswith("mistralai")]


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", InvalidResponseError),
        (b"<!DOCTYPE html><html></html>", InvalidResponseError),
        (b'{"choices": [', InvalidResponseError),
        (b"[1]", InvalidResponseError),
        (b"{}", InvalidResponseError),
        (b'{"object": "error", "message": "full", "type": "overloaded_error"}', OverloadedError),
    ],
)
async def test_a_success_that_is_none_is_an_error(
    upstream: Upstream, body: bytes, kind: type[CallError], work: Work
) -> None:
    error = await failed(work, upstream, Answer(headers={"content-type": "application/json"}, body=[body]))
    assert type(error) is kind


async def test_html_in_place_of_a_stream_is_told(upstream: Upstream) -> None:
    answer = Answer(headers={"content-type": "text/html"}, body=[b"<html></html>"])
    assert "HTML" in str(await failed("stream", upstream, answer))


@pytest.mark.parametrize("work", WORK)
async def test_a_redirect_is_refused_and_nothing_is_sent_to_it(upstream: Upstream, work: Work) -> None:
    async with Upstream() as elsewhere:
        elsewhere.answers = [json_answer(completion())]
        error = await failed(work, upstream, Answer(status=307, headers={"location": f"{elsewhere.url}/x"}))
        assert type(error) is InvalidResponseError
        assert elsewhere.connections == 0


@pytest.mark.parametrize("work", ["chat", "ocr"])
async def test_a_body_over_the_limit_ends_the_reading(upstream: Upstream, work: Work) -> None:
    limits = Limits(timeout=5, max_response_bytes=10_000)
    error = await failed(work, upstream, Answer(body=[b" " * 6000, b" " * 6000, STALL]), limits)
    assert "larger than 10000 bytes" in str(error)
    await asyncio.wait_for(upstream.gone.wait(), 5)


@pytest.mark.parametrize("work", WORK)
async def test_waiting_has_a_deadline(upstream: Upstream, work: Work) -> None:
    error = await failed(work, upstream, Answer(body=[STALL]), Limits(timeout=0.3, first_event=0.3))
    assert type(error) is CallTimeoutError
    await asyncio.wait_for(upstream.gone.wait(), 5)


@pytest.mark.parametrize("work", WORK)
async def test_a_connection_that_breaks_is_unreachable(upstream: Upstream, work: Work) -> None:
    answer = Answer(headers={"content-type": "application/json"}, body=[b'{"choices"'], cut=True)
    assert type(await failed(work, upstream, answer)) is UnreachableError


@pytest.mark.parametrize("ending", [{"cut": True}, {"end": False}])
async def test_a_stream_that_breaks_off_is_no_answer(upstream: Upstream, ending: dict[str, bool]) -> None:
    answer = sse(chunk({"content": "Hel"}), **{"end": False, **ending})
    assert type(await failed("stream", upstream, answer)) is UnreachableError


async def test_an_error_inside_a_stream_is_raised(upstream: Upstream) -> None:
    told = {"object": "error", "message": "Service unavailable.", "type": "unavailable", "code": "3000"}
    error = await failed("stream", upstream, sse(chunk({"content": "Hel"}), told))
    assert type(error) is OverloadedError


@pytest.mark.parametrize("work", WORK)
async def test_a_refused_connection_is_unreachable_and_names_the_endpoint(work: Work) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await call(work, access(f"http://127.0.0.1:{port}"))


async def test_what_cannot_be_sent_is_a_bad_request(upstream: Upstream) -> None:
    with pytest.raises(BadRequestError, match="http://"):
        await call("chat", access("localhost:1"))
    with pytest.raises(BadRequestError, match="header"):
        await call("chat", access(upstream.url, headers=FrozenDict({"x-a": "a\r\nx-evil: 1"})))
    assert not upstream.seen


async def test_cancelling_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b" ", STALL])]
    task = asyncio.create_task(call("chat", access(upstream.url)))
    while not upstream.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_one_connection_serves_calls_one_after_another_also_failed_ones(upstream: Upstream) -> None:
    upstream.answers = [json_answer(read(page(0))), json_answer({"message": "no"}, 400), json_answer(read(page(0)))]
    worker = MistralOcr(access(upstream.url))
    await worker.extract(reading(PDF), ocr(), LIMITS)
    with pytest.raises(BadRequestError):
        await worker.extract(reading(PDF), ocr(), LIMITS)
    await worker.extract(reading(PDF), ocr(), LIMITS)
    await worker.aclose()
    assert upstream.connections == 1


async def test_a_deadline_while_the_sdk_still_looks_at_the_reply_closes_it(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = basesdk.run_sync_in_thread

    async def slow(look: Callable[..., object], *given: object) -> object:
        if look.__name__ == "after_success":
            await asyncio.Event().wait()
        return await real(look, *given)

    monkeypatch.setattr(basesdk, "run_sync_in_thread", slow)
    upstream.answers = [Answer(body=[b" ", STALL])]
    worker = MistralLlm(access(upstream.url))
    with pytest.raises(CallTimeoutError):
        await worker.generate(job(), candidate(), Limits(timeout=0.5))
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()
