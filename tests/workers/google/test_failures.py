"""Every way in which Google says no, or says something that cannot be read."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import socket
import traceback
from dataclasses import replace

import pytest
from workers.given import KEY, LIMITS, access, candidate, job
from workers.google.wire import content, error
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
from pipelex_like.types import DocumentPart, FrozenDict, Media
from pipelex_like.workers.base import Limits
from pipelex_like.workers.google.llm import GoogleLlm


async def failed(upstream: Upstream, answer: Answer, limits: Limits = LIMITS) -> CallError:
    upstream.answers = [answer]
    worker = GoogleLlm(access(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(), limits)
    await worker.aclose()
    assert len(upstream.seen) == 1
    return caught.value


INFO = "type.googleapis.com/google.rpc."
BY_STATUS = {
    400: ("INVALID_ARGUMENT", BadRequestError, False),
    401: ("UNAUTHENTICATED", CredentialsError, False),
    402: ("FAILED_PRECONDITION", QuotaError, False),
    403: ("PERMISSION_DENIED", AccessDeniedError, False),
    404: ("NOT_FOUND", NotFoundError, False),
    408: ("DEADLINE_EXCEEDED", CallTimeoutError, True),
    409: ("ABORTED", ServerError, True),
    413: ("INVALID_ARGUMENT", ContextWindowError, False),
    422: ("INVALID_ARGUMENT", BadRequestError, False),
    429: ("RESOURCE_EXHAUSTED", RateLimitError, True),
    500: ("INTERNAL", ServerError, True),
    503: ("UNAVAILABLE", OverloadedError, True),
    504: ("DEADLINE_EXCEEDED", ServerError, True),
    529: ("UNAVAILABLE", OverloadedError, True),
}


@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int) -> None:
    said, kind, retryable = BY_STATUS[status]
    caught = await failed(upstream, json_answer(error(status, said), status))
    assert type(caught) is kind
    assert (caught.status, caught.retryable) == (status, retryable)
    assert str(caught).startswith("acme (gpt-test): No luck.")


QUOTA = "You exceeded your current quota, please check your plan and billing details."
PER_DAY = {"@type": f"{INFO}QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
PER_MINUTE = {"@type": f"{INFO}QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}
RETRY = {"@type": f"{INFO}RetryInfo", "retryDelay": "38.204s"}
NOT_VALID = {"@type": f"{INFO}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
SAID = {
    "key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", CredentialsError, "`api_key`"),
    "none": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.", CredentialsError, "aistudio"),
    "leaked": (403, "PERMISSION_DENIED", "Your API key was reported as leaked.", CredentialsError, "`api_key`"),
    "place": (
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use.",
        AccessDeniedError,
        "country and region",
    ),
    "model": (404, "NOT_FOUND", "models/x is not found for API version v1beta", NotFoundError, "`model_id`"),
    "long": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ContextWindowError,
        "larger context window",
    ),
}


@pytest.mark.parametrize("name", SAID)
async def test_the_words_refine_the_status_and_the_way_out_is_told(upstream: Upstream, name: str) -> None:
    status, code, said, kind, part = SAID[name]
    caught = await failed(upstream, json_answer(error(status, code, said), status))
    assert type(caught) is kind
    assert said in str(caught)
    assert part in str(caught)


async def test_a_reason_alone_tells_that_it_is_the_key(upstream: Upstream) -> None:
    said = error(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", NOT_VALID)
    assert type(await failed(upstream, json_answer(said, 400))) is CredentialsError


async def test_the_key_is_named_by_its_variables(upstream: Upstream) -> None:
    given = access(upstream.url)
    upstream.answers = [json_answer(error(400, "INVALID_ARGUMENT", "API key not valid."), 400)]
    worker = GoogleLlm(replace(given, shown=FrozenDict(api_key="${GOOGLE_API_KEY|GEMINI_API_KEY}")))
    with pytest.raises(CredentialsError, match=r"GOOGLE_API_KEY\|GEMINI_API_KEY"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("details", "kind", "wait"),
    [
        ([PER_MINUTE, RETRY], RateLimitError, 38.204),
        ([RETRY], RateLimitError, 38.204),
        ([PER_DAY, RETRY], QuotaError, 38.204),
        ([], RateLimitError, None),
    ],
    ids=["minute", "wait", "day", "nothing"],
)
async def test_a_limit_of_the_minute_is_no_quota(
    upstream: Upstream, details: list[dict[str, object]], kind: type[CallError], wait: float | None
) -> None:
    caught = await failed(upstream, json_answer(error(429, "RESOURCE_EXHAUSTED", QUOTA, *details), 429))
    assert type(caught) is kind
    assert caught.retry_after == wait


async def test_a_list_around_an_error_is_read_too(upstream: Upstream) -> None:
    caught = await failed(upstream, json_answer([error(429, "RESOURCE_EXHAUSTED", QUOTA, RETRY)], 429))
    assert caught.retry_after == 38.204


async def test_the_wish_to_wait_in_a_header_is_read(upstream: Upstream) -> None:
    answer = json_answer(error(429, "RESOURCE_EXHAUSTED"), 429, {"retry-after": "7"})
    assert (await failed(upstream, answer)).retry_after == 7.0


@pytest.mark.parametrize(("status", "kind"), [(503, OverloadedError), (500, ServerError), (400, BadRequestError)])
async def test_an_error_inside_a_200_is_that_error(upstream: Upstream, status: int, kind: type[CallError]) -> None:
    assert type(await failed(upstream, json_answer(error(status, "SOME")))) is kind


async def test_a_blocked_prompt_is_a_matter_of_policy(upstream: Upstream) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    caught = await failed(upstream, json_answer(blocked))
    assert type(caught) is ContentPolicyError
    assert "PROHIBITED_CONTENT" in str(caught)


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
async def test_an_answer_that_broke_off_without_a_word_is_none(upstream: Upstream, reason: str) -> None:
    caught = await failed(upstream, json_answer(content({"text": ""}, reason=reason, told="print(1)")))
    assert type(caught) is InvalidResponseError
    assert f"{reason}): print(1)" in str(caught)


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_no_secret_is_in_message_repr_traceback_log_or_pickle(
    upstream: Upstream, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caught = await failed(upstream, json_answer(error(status, "INVALID_ARGUMENT", f"Bad key {KEY}"), status))
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
        (b'{"candidates": [', "broken JSON"),
        (b"hello", "no JSON"),
        (b"[1]", "no object"),
        (b"{}", "no candidate"),
        (b'{"candidates": [], "responseId": "r"}', "no candidate"),
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
    assert type(await failed(upstream, Answer(body=[b'{"candidates"'], cut=True))) is UnreachableError


async def test_a_refused_connection_is_unreachable_and_names_the_endpoint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = GoogleLlm(access(f"http://127.0.0.1:{port}"))
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media(mime="application/msword", data=b"x", name="a.doc"), "Extract its text first"),
    ],
)
async def test_a_document_that_cannot_go_is_refused_before_sending(upstream: Upstream, media: Media, part: str) -> None:
    worker = GoogleLlm(access(upstream.url))
    with pytest.raises(CapabilityError, match=part):
        await worker.generate(job(DocumentPart(media)), candidate(), LIMITS)
    await worker.aclose()
    assert not upstream.seen


async def test_cancelling_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b" ", STALL])]
    worker = GoogleLlm(access(upstream.url))
    task = asyncio.create_task(worker.generate(job(), candidate(), LIMITS))
    while not upstream.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(upstream.gone.wait(), 5)
    await worker.aclose()


async def test_one_connection_serves_calls_one_after_another_also_failed_ones(upstream: Upstream) -> None:
    upstream.answers = [
        json_answer(content()),
        json_answer(error(400, "INVALID_ARGUMENT"), 400),
        json_answer(content()),
    ]
    worker = GoogleLlm(access(upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    with pytest.raises(BadRequestError):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.connections == 1
