"""Whatever goes wrong becomes an error of ours that says what to do."""

from __future__ import annotations

import asyncio
import copy
import pickle
import socket
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from workers.bedrock.asked import CLAUDE, ID
from workers.bedrock.aws import SECRET, access, answer, bearer
from workers.given import KEY, LIMITS, job
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
from pipelex_like.types import DocumentPart, ImagePart, Media
from pipelex_like.workers.base import Limits
from pipelex_like.workers.bedrock.llm import BedrockLlm

if TYPE_CHECKING:
    from pipelex_like.types import Part
    from pipelex_like.workers.base import Access


def refusal(status: int, name: str | None, message: str = "No.") -> Answer:
    headers = {} if name is None else {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"}
    return json_answer({"message": message}, status, headers)


async def failed(
    upstream: Upstream, answered: Answer, limits: Limits = LIMITS, reached: Access | None = None
) -> CallError:
    upstream.answers = [answered]
    worker = BedrockLlm(reached or access(upstream.url))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), CLAUDE, limits)
    await worker.aclose()
    assert len(upstream.seen) == 1
    return caught.value


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "ValidationException", BadRequestError),
        (400, "ServiceQuotaExceededException", QuotaError),
        (400, "IncompleteSignatureException", CredentialsError),
        (401, None, CredentialsError),
        (403, "AccessDeniedException", AccessDeniedError),
        (403, "UnrecognizedClientException", CredentialsError),
        (403, "ExpiredTokenException", CredentialsError),
        (403, "InvalidSignatureException", CredentialsError),
        (403, None, AccessDeniedError),
        (404, "ResourceNotFoundException", NotFoundError),
        (404, None, NotFoundError),
        (408, "ModelTimeoutException", CallTimeoutError),
        (409, "ConflictException", ServerError),
        (413, None, ContextWindowError),
        (422, None, BadRequestError),
        (424, "ModelErrorException", ServerError),
        (429, "ThrottlingException", RateLimitError),
        (429, "ModelNotReadyException", OverloadedError),
        (429, None, RateLimitError),
        (500, "InternalServerException", ServerError),
        (503, "ServiceUnavailableException", OverloadedError),
        (529, None, OverloadedError),
    ],
)
async def test_each_name_and_status_has_its_error(
    upstream: Upstream, status: int, name: str | None, kind: type[CallError]
) -> None:
    caught = await failed(upstream, refusal(status, name))
    assert type(caught) is kind
    assert caught.status == status
    assert str(caught).startswith(f"acme ({ID}): No.")


async def test_the_name_may_stand_in_the_body(upstream: Upstream) -> None:
    body = {"__type": "com.amazon.coral.service#ThrottlingException", "message": "Slow down"}
    assert type(await failed(upstream, json_answer(body, 400))) is RateLimitError


ON_DEMAND = "Invocation of model ID x with on-demand throughput isn\u2019t supported. Retry with an inference profile."


@pytest.mark.parametrize(
    ("status", "name", "said", "kind", "way_out"),
    [
        (400, "ValidationException", ON_DEMAND, BadRequestError, f"acme/us.{ID}"),
        (400, "ValidationException", "The provided model identifier is invalid.", NotFoundError, "AWS_REGION"),
        (400, "ValidationException", "Input is too long for requested model.", ContextWindowError, "Send less"),
        (400, "ValidationException", "This was blocked by our content filters.", ContentPolicyError, "prompt"),
        (403, "AccessDeniedException", "You don't have access to the model.", AccessDeniedError, "modelaccess"),
        (403, "AccessDeniedException", "Bearer Token has expired", CredentialsError, "AWS_ACCESS_KEY_ID"),
        (403, "UnrecognizedClientException", "The token is invalid.", CredentialsError, "AWS_SECRET_ACCESS_KEY"),
        (404, "ResourceNotFoundException", "Could not find the model.", NotFoundError, "eu-west-1"),
        (429, "ThrottlingException", "Too many requests", RateLimitError, "inference profile"),
    ],
)
async def test_the_words_refine_it_and_the_way_out_is_told(
    upstream: Upstream, status: int, name: str, said: str, kind: type[CallError], way_out: str
) -> None:
    caught = await failed(upstream, refusal(status, name, said))
    assert type(caught) is kind
    assert way_out in str(caught)


async def test_the_token_is_named_where_it_is_the_way_in(upstream: Upstream) -> None:
    caught = await failed(
        upstream, refusal(403, "AccessDeniedException", "Invalid API Key"), LIMITS, bearer(upstream.url)
    )
    assert type(caught) is CredentialsError
    assert "aws_bearer_token" in str(caught)
    assert "aws_secret_access_key" not in str(caught)


async def test_the_wish_to_wait_is_read(upstream: Upstream) -> None:
    caught = await failed(upstream, json_answer({"message": "x"}, 429, {"retry-after": "7"}))
    assert caught.retry_after == 7.0


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_no_secret_is_in_message_repr_traceback_or_pickle(upstream: Upstream, status: int) -> None:
    caught = await failed(upstream, refusal(status, None, f"Bad key {KEY} with {SECRET}"))
    again = pickle.loads(pickle.dumps(caught))
    lines = "".join(traceback.format_exception(caught))
    for shown in (str(caught), repr(caught), lines, repr(again.__dict__)):
        assert KEY not in shown
        assert SECRET not in shown
    assert str(copy.deepcopy(caught)) == str(again) == str(caught)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b'{"output": {', "broken JSON"),
        (b"[1]", "no object"),
        (b"{}", "no `output`"),
        (b'{"output": {"message": null}}', "no `output`"),
        (b'{"choices": [{"message": {"content": "Hi"}}]}', "`endpoint`"),
    ],
)
async def test_a_success_that_is_none_is_an_error(upstream: Upstream, body: bytes, part: str) -> None:
    caught = await failed(upstream, Answer(body=[body]))
    assert type(caught) is InvalidResponseError
    assert part in str(caught)


async def test_a_redirect_is_refused_and_nothing_is_sent_to_it(upstream: Upstream) -> None:
    async with Upstream() as elsewhere:
        caught = await failed(upstream, Answer(status=307, headers={"location": f"{elsewhere.url}/x"}))
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
    assert type(await failed(upstream, Answer(body=[b'{"output"'], cut=True))) is UnreachableError


async def test_a_refused_connection_is_unreachable_and_names_the_endpoint() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = BedrockLlm(access(f"http://127.0.0.1:{port}"))
    with pytest.raises(UnreachableError, match="`endpoint`"):
        await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (ImagePart(Media(mime="image/png", url="https://example.org/a.png")), "s3://"),
        (ImagePart(Media(mime="image/tiff", data=b"II*\0")), "PNG, JPEG"),
        (DocumentPart(Media(mime="application/pdf", url="https://example.org/a.pdf", name="a.pdf")), "s3://"),
        (DocumentPart(Media(mime="text/plain", url="https://example.org/a.txt", name="a.txt")), "by its URL"),
        (DocumentPart(Media(mime="application/zip", data=b"x", name="a.zip")), "Extract its text first"),
    ],
)
async def test_what_cannot_go_is_refused_before_sending(upstream: Upstream, part: Part, told: str) -> None:
    worker = BedrockLlm(access(upstream.url))
    with pytest.raises(CapabilityError, match=told):
        await worker.generate(job(part), CLAUDE, LIMITS)
    await worker.aclose()
    assert not upstream.seen


async def test_abandoned_calls_leave_no_thread_and_no_connection_behind(upstream: Upstream) -> None:
    worker = BedrockLlm(access(upstream.url))
    before = threading.active_count()
    upstream.answers = [Answer(body=[b" ", STALL]) for _ in range(20)]
    calls = [asyncio.create_task(worker.generate(job(), CLAUDE, LIMITS)) for _ in range(20)]
    while len(upstream.seen) < 20:
        await asyncio.sleep(0)
    assert threading.active_count() == before
    for call in calls:
        call.cancel()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
    while upstream._tasks:
        await asyncio.sleep(0)
    upstream.answers = [json_answer(answer())]
    assert (await worker.generate(job(), CLAUDE, LIMITS)).text == "Hi"
    await worker.aclose()


async def test_one_connection_serves_calls_one_after_another_also_failed_ones(upstream: Upstream) -> None:
    upstream.answers = [json_answer(answer()), refusal(400, "ValidationException"), json_answer(answer())]
    worker = BedrockLlm(access(upstream.url))
    await worker.generate(job(), CLAUDE, LIMITS)
    with pytest.raises(BadRequestError):
        await worker.generate(job(), CLAUDE, LIMITS)
    await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
    assert upstream.connections == 1
