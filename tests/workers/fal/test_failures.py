"""What fal says in its errors, as errors of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workers.fal.asked import JOB, accepted, completed, drawing, drawn, painter, png, running
from workers.given import KEY, LIMITS, access
from workers.upstream import Answer, Upstream, json_answer

from pipelex_like import errors
from pipelex_like.types import FrozenDict
from pipelex_like.workers.fal.images import FalImages

POLICY = [
    {
        "loc": ["body", "prompt"],
        "msg": "The content could not be processed because it contained material flagged by a content checker.",
        "type": "content_policy_violation",
        "url": "https://docs.fal.ai/errors#content_policy_violation",
    }
]
WRONG = [{"loc": ["body", "image_size"], "msg": "Input should be 'square_hd'", "type": "enum"}]


async def fail(upstream: Upstream, *answers: Answer, **more: object) -> errors.CallError:
    upstream.answers = list(answers)
    worker = FalImages(access(upstream.url, shown=FrozenDict(api_key="${FAL_KEY}")))
    with pytest.raises(errors.CallError) as failed:
        await worker.draw(drawing(), painter(), replace(LIMITS, **more))  # pyright: ignore
    await worker.aclose()
    assert KEY not in str(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("status", "detail", "kind", "said"),
    [
        (400, "Invalid timeout header", errors.BadRequestError, "Invalid timeout header"),
        (
            401,
            "Cannot access application 'fal-ai/flux'. Authentication is required to access this application.",
            errors.CredentialsError,
            "${FAL_KEY}",
        ),
        (
            403,
            "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
            errors.QuotaError,
            "Add credit",
        ),
        (403, "Forbidden", errors.AccessDeniedError, "Ask the provider for access"),
        (404, "Application 'flux' not found", errors.NotFoundError, "model_id"),
        (408, "too slow", errors.CallTimeoutError, "too slow"),
        (409, "conflict", errors.ServerError, "conflict"),
        (413, "too large", errors.ContextWindowError, "too large"),
        (422, WRONG, errors.BadRequestError, "body.image_size: Input should be 'square_hd'"),
        (422, POLICY, errors.ContentPolicyError, "content checker"),
        (429, "Too many requests", errors.RateLimitError, "wait 7 s"),
        (500, "boom", errors.ServerError, "boom"),
        (503, "full", errors.OverloadedError, "full"),
        (529, "full", errors.OverloadedError, "full"),
    ],
)
async def test_statuses(
    upstream: Upstream, status: int, detail: object, kind: type[errors.CallError], said: str
) -> None:
    headers = {"retry-after": "7"} if status == 429 else {}
    error = await fail(upstream, json_answer({"detail": detail}, status=status, headers=headers))
    assert type(error) is kind
    assert error.status == status
    assert said in str(error)
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(("detail", "kind"), [(POLICY, errors.ContentPolicyError), (WRONG, errors.BadRequestError)])
async def test_what_the_application_says_comes_with_the_result(
    upstream: Upstream, detail: object, kind: type[errors.CallError]
) -> None:
    error = await fail(
        upstream, accepted(upstream), running(), completed(), json_answer({"detail": detail}, status=422)
    )
    assert type(error) is kind
    assert error.job_id is None


@pytest.mark.parametrize(("said", "retryable"), [("true", True), ("false", False)])
async def test_fal_knows_best_whether_to_try_again(upstream: Upstream, said: str, retryable: bool) -> None:
    answer = json_answer(
        {"detail": "boom", "error_type": "runner_server_error"}, status=500, headers={"x-fal-retryable": said}
    )
    assert (await fail(upstream, accepted(upstream), completed(), answer)).retryable is retryable


async def test_pictures_that_were_all_blacked_out_are_a_refusal(upstream: Upstream) -> None:
    answer = drawn(f"{upstream.url}/a.png", has_nsfw_concepts=[True])
    error = await fail(upstream, accepted(upstream), completed(), answer)
    assert type(error) is errors.ContentPolicyError
    assert error.status == 200
    assert error.job_id is None


async def test_one_blacked_out_picture_among_several_is_told(upstream: Upstream) -> None:
    answer = drawn(f"{upstream.url}/a.png", f"{upstream.url}/b.png", has_nsfw_concepts=[False, True])
    upstream.answers = [accepted(upstream), completed(), answer, png(), png()]
    worker = FalImages(access(upstream.url))
    reply = await worker.draw(drawing(n=2), painter(), LIMITS)
    await worker.aclose()
    assert reply.adapted == ("picture 2: blacked out by the safety checker",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!doctype html><html>", "a page of HTML"),
        (b"", "empty"),
        (b'{"request_id": ', "broken JSON"),
        (b"[1]", "no object"),
        (b"plain words", "no JSON"),
        (b'{"error": {"message": "model overloaded"}}', "overloaded"),
    ],
)
async def test_an_order_answered_with_something_else(upstream: Upstream, body: bytes, said: str) -> None:
    error = await fail(upstream, Answer(headers={"content-type": "text/html"}, body=[body] if body else []))
    assert said in str(error)


async def test_a_huge_answer_is_cut_off(upstream: Upstream) -> None:
    huge = Answer(body=[b" " * 2048 for _ in range(8)])
    error = await fail(upstream, huge, max_response_bytes=4096)
    assert type(error) is errors.InvalidResponseError
    assert "larger than 4096 bytes" in str(error)


async def test_a_redirect_is_not_followed(upstream: Upstream) -> None:
    error = await fail(upstream, Answer(status=307, headers={"location": "http://169.254.169.254/x"}))
    assert "redirect" in str(error)
    assert len(upstream.seen) == 1


async def test_errors_of_a_resumed_job_stay_resumable(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"detail": "slow down"}, status=429)]
    worker = FalImages(access(upstream.url))
    with pytest.raises(errors.RateLimitError) as failed:
        await worker.draw(drawing(resume=JOB), painter(), LIMITS)
    await worker.aclose()
    assert failed.value.job_id == JOB
