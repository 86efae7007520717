"""Every way in which a provider says no, or says something that cannot be read."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import socket
import traceback

import orjson
import pytest
from workers.given import KEY, LIMITS, access, candidate, completion, job
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
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
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Limits
from pipelex_like.workers.openai.llm import OpenAiLlm


async def failed(upstream: Upstream, answer: Answer, limits: Limits = LIMITS, **more: object) -> CallError:
    upstream.answers = [answer]
    worker = OpenAiLlm(access(upstream.url, **more))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(), limits)
    await worker.aclose()
    assert len(upstream.seen) == 1
    return caught.value


BY_STATUS = {
    400: (BadRequestError, False),
    401: (CredentialsError, False),
    402: (QuotaError, False),
    403: (AccessDeniedError, False),
    404: (NotFoundError, False),
    408: (CallTimeoutError, True),
    409: (ServerError, True),
    413: (ContextWindowError, False),
    418: (BadRequestError, False),
    422: (BadRequestError, False),
    429: (RateLimitError, True),
    500: (ServerError, True),
    502: (ServerError, True),
    503: (OverloadedError, True),
    529: (OverloadedError, True),
}


@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_has_its_error_and_is_sent_once(upstream: Upstream, status: int) -> None:
    error = await failed(upstream, json_answer({"error": {"message": "No luck."}}, status))
    kind, retryable = BY_STATUS[status]
    assert type(error) is kind
    assert error.status == status
    assert error.retryable is retryable
    assert str(error).startswith("acme (gpt-test): No luck.")


BY_BODY = [
    (
        400,
        {"code": "context_length_exceeded", "message": "This model's maximum context length is 9"},
        ContextWindowError,
    ),
    (400, {"message": "Requested token count exceeds the model's context length"}, ContextWindowError),
    (400, {"code": "content_policy_violation", "message": "rejected by our safety system"}, ContentPolicyError),
    (400, {"message": "API key not valid. Please pass a valid API key."}, CredentialsError),
    (400, {"message": "Your credit balance is too low"}, QuotaError),
    (400, {"message": "acme/x is not a valid model ID"}, NotFoundError),
    (403, {"code": "unsupported_country_region_territory", "message": "Country not supported"}, AccessDeniedError),
    (404, {"code": "model_not_found", "message": "The model `x` does not exist"}, NotFoundError),
    (422, {"message": "prompt is too long: 300000 tokens"}, ContextWindowError),
    (429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}, QuotaError),
    (429, {"type": "tokens", "message": "Rate limit reached for gpt-4o"}, RateLimitError),
    (500, {"message": "maximum context length"}, ServerError),
]


@pytest.mark.parametrize(("status", "error", "kind"), BY_BODY)
async def test_the_body_refines_the_status(
    upstream: Upstream, status: int, error: dict[str, str], kind: type[CallError]
) -> None:
    assert type(await failed(upstream, json_answer({"error": error}, status))) is kind


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"message": "Not today"}', "Not today"),
        (b'{"detail": [{"msg": "field required"}, {"msg": "bad"}]}', "field required; bad"),
        (b'{"error": "plain text"}', "plain text"),
        (b'[{"error": {"message": "in a list", "status": "INTERNAL"}}]', "in a list"),
        (b'{"errors": [{"message": "of several"}]}', "of several"),
        (b"<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        (b"upstream connect error", "upstream connect error"),
        (b"", "status 500 without a reason"),
        (b'{"error": {"message": "' + b"x" * 9000 + b'"}}', "xxx…"),
        (b"\xff\xfe\x00", "acme"),
    ],
)
async def test_every_form_of_error_body_is_read(upstream: Upstream, body: bytes, part: str) -> None:
    error = await failed(upstream, Answer(status=500, body=[body]))
    assert part in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        # The server's own date is the epoch.
        ({"retry-after": "Thu, 01 Jan 1970 00:01:30 GMT"}, 90.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
async def test_the_wish_to_wait_is_read(upstream: Upstream, headers: dict[str, str], seconds: float | None) -> None:
    error = await failed(upstream, json_answer({"error": {"message": "slow down"}}, 429, headers))
    assert error.retry_after == seconds


async def test_a_refused_key_names_where_it_comes_from(upstream: Upstream) -> None:
    shown = FrozenDict({"api_key": "${ACME_KEY}"})
    error = await failed(upstream, json_answer({"error": {"message": "no"}}, 401), shown=shown)
    assert "${ACME_KEY}" in str(error)
    assert "[acme]" in str(error)


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_no_secret_is_in_message_repr_traceback_log_or_pickle(
    upstream: Upstream, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = {"error": {"message": f"Bad key {KEY}, i.e. sk-can***********def, header Bearer {KEY}"}}
    error = await failed(upstream, json_answer(echoed, status))
    lines = "".join(traceback.format_exception(error))
    again = pickle.loads(pickle.dumps(error))
    for text in (str(error), repr(error), lines, caplog.text, repr(again.__dict__), repr(access(upstream.url))):
        assert KEY not in text
        assert "sk-can" not in text
    assert str(copy.deepcopy(error)) == str(again) == str(error)


@pytest.mark.parametrize(
    ("body", "kind", "part"),
    [
        (b"", InvalidResponseError, "empty"),
        (b"<!DOCTYPE html><html></html>", InvalidResponseError, "HTML"),
        (b'{"choices": [', InvalidResponseError, "broken JSON"),
        (b"hello", InvalidResponseError, "no JSON"),
        (b"[1]", InvalidResponseError, "no object"),
        (b"{}", InvalidResponseError, "no `choices`"),
        (b'{"choices": []}', InvalidResponseError, "no `choices`"),
        (b'{"choices": null, "error": null}', InvalidResponseError, "no `choices`"),
        (b'{"error": {"code": 429, "message": "busy"}}', RateLimitError, "busy"),
        (b'{"error": {"code": "502", "message": "down"}}', ServerError, "down"),
        (b'{"error": {"type": "overloaded_error", "message": "full"}}', OverloadedError, "full"),
        (b'{"error": "model x does not exist, invalid model"}', NotFoundError, "does not exist"),
        (b'{"choices": [{"message": {}, "error": {"code": 503, "message": "gone"}}]}', OverloadedError, "gone"),
    ],
)
async def test_a_success_that_is_none_is_an_error(
    upstream: Upstream, body: bytes, kind: type[CallError], part: str
) -> None:
    error = await failed(upstream, Answer(body=[body]))
    assert type(error) is kind
    assert part in str(error)


async def test_a_redirect_is_refused_and_nothing_is_sent_to_it(upstream: Upstream) -> None:
    async with Upstream() as elsewhere:
        elsewhere.answers = [json_answer(completion())]
        answer = Answer(status=307, headers={"location": f"{elsewhere.url}/latest/meta-data?key=x"})
        error = await failed(upstream, answer)
        assert type(error) is InvalidResponseError
        assert "redirect to 127.0.0.1" in str(error)
        assert "endpoint" in str(error)
        assert elsewhere.connections == 0


async def test_a_body_over_the_limit_ends_the_reading(upstream: Upstream) -> None:
    limits = Limits(timeout=5, max_response_bytes=10_000)
    error = await failed(upstream, Answer(body=[b" " * 6000, b" " * 6000, STALL]), limits)
    assert type(error) is InvalidResponseError
    assert "larger than 10000 bytes" in str(error)
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_the_limit_counts_unpacked_bytes(upstream: Upstream) -> None:
    import gzip

    body = gzip.compress(b" " * 1_000_000)
    assert len(body) < 10_000
    answer = Answer(headers={"content-encoding": "gzip"}, body=[body])
    error = await failed(upstream, answer, Limits(timeout=5, max_response_bytes=10_000))
    assert "larger than 10000 bytes" in str(error)


async def test_an_endless_error_body_is_cut(upstream: Upstream) -> None:
    error = await failed(upstream, Answer(status=500, body=[b"x" * 200_000, b"x" * 200_000, STALL]))
    assert type(error) is ServerError
    await asyncio.wait_for(upstream.gone.wait(), 5)


@pytest.mark.parametrize("body", [[STALL], [b" ", STALL]], ids=["no byte", "one byte"])
async def test_the_whole_answer_has_a_deadline(upstream: Upstream, body: list[bytes | None]) -> None:
    error = await failed(upstream, Answer(body=body), Limits(timeout=0.3))
    assert type(error) is CallTimeoutError
    assert error.retryable
    assert isinstance(error.__cause__, TimeoutError)
    await asyncio.wait_for(upstream.gone.wait(), 5)


async def test_a_connection_that_breaks_is_unreachable(upstream: Upstream) -> None:
    error = await failed(upstream, Answer(body=[b'{"choices"'], cut=True))
    assert type(error) is UnreachableError


async def test_a_refused_connection_is_unreachable_and_names_the_endpoint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = OpenAiLlm(access(f"http://127.0.0.1:{port}"))
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("endpoint", "settings", "part"),
    [
        ("localhost:1", {}, "http://"),
        ("http://127.0.0.1:1", {"user": "\ud800"}, "JSON"),
        ("http://127.0.0.1:1", {"seed": 2**70}, "JSON"),
    ],
)
async def test_what_cannot_be_sent_is_a_bad_request(endpoint: str, settings: dict[str, object], part: str) -> None:
    worker = OpenAiLlm(access(endpoint))
    with pytest.raises(BadRequestError, match=part):
        await worker.generate(job(**settings), candidate(), LIMITS)
    await worker.aclose()


async def test_a_line_end_in_a_header_is_refused(upstream: Upstream) -> None:
    upstream.answers = [json_answer(completion())]
    worker = OpenAiLlm(access(upstream.url, headers=FrozenDict({"x-a": "a\r\nx-evil: 1"})))
    with pytest.raises(BadRequestError, match="header"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert not upstream.seen


async def test_cancelling_closes_the_connection(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b" ", STALL])]
    worker = OpenAiLlm(access(upstream.url))
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
        json_answer(completion()),
        json_answer({"error": {"message": "no"}}, 400),
        json_answer(completion()),
    ]
    worker = OpenAiLlm(access(upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    with pytest.raises(BadRequestError):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.connections == 1
    assert orjson.dumps(upstream.seen[0].body) == orjson.dumps(upstream.seen[2].body)
