"""The wish to wait, in every spelling that providers have for it."""

from __future__ import annotations

import orjson
import pytest
from workers.given import LIMITS, access, candidate, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import OverloadedError, RateLimitError
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.translate import Called, error_in_answer
from pipelex_like.workers.waiting import wait_of

NOW = "Sat, 21 Nov 2026 00:00:00 GMT"
SECONDS = 1795219200

HEADERS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": " 1.5 "}, 1.5),
    ({"retry-after": "86400"}, 86400.0),
    ({"retry-after": "Sat, 21 Nov 2026 00:01:30 GMT"}, 90.0),
    ({"retry-after": "2026-11-21T00:00:30Z"}, 30.0),
    ({"retry-after": f"{SECONDS + 20}"}, 20.0),
    ({"retry-after": f"{SECONDS * 1000 + 2500}"}, 2.5),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"x-amz-retry-after": "250"}, 0.25),
    ({"x-ratelimit-reset-requests": "1s"}, 1.0),
    ({"x-ratelimit-reset-tokens": "6m0s"}, 360.0),
    ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
    ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
    ({"x-ratelimit-reset-tokens": "60"}, 60.0),
    ({"x-ratelimit-reset": f"{SECONDS * 1000 + 4000}"}, 4.0),
    ({"anthropic-ratelimit-requests-reset": "2026-11-21T00:00:12Z"}, 12.0),
    ({"retry-after": "2", "x-ratelimit-reset-tokens": "6m0s"}, 2.0),
    # What is used up counts, the last of it; else what is free again first.
    (
        {
            "x-ratelimit-reset-requests": "9m",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-tokens": "3s",
            "x-ratelimit-remaining-tokens": "0",
        },
        3.0,
    ),
    ({"x-ratelimit-reset-requests": "9m", "x-ratelimit-reset-tokens": "3s"}, 3.0),
]
ABSURD = ["-3", "nan", "inf", "-inf", "soon", "", "1e999", str(10**12), str(10**30), "9" * 5000, "5 parsecs", "1s2h"]


@pytest.mark.parametrize(("headers", "seconds"), HEADERS)
def test_headers(headers: dict[str, str], seconds: float) -> None:
    assert wait_of({"date": NOW, **headers}, b"", 429) == seconds


@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "x-amz-retry-after", "x-ratelimit-reset-tokens"])
@pytest.mark.parametrize("text", [*ABSURD, "Fri, 20 Nov 2026 00:00:00 GMT", "Sat, 21 Nov 9026 00:00:00 GMT"])
def test_absurd_wishes_are_none(name: str, text: str) -> None:
    assert wait_of({"date": NOW, name: text}, b"", 429) is None
    assert wait_of({name: text}, b"", 429) is None


def test_a_moment_without_the_date_of_the_answer_is_none() -> None:
    for text in ("Sat, 21 Nov 2026 00:01:30 GMT", f"{SECONDS}", "2026-11-21T00:00:30Z", "2026-11-21T00:00:30"):
        assert wait_of({"retry-after": text}, b"", 429) is None
    assert wait_of({"retry-after": "Sat, 21 Nov 2026 00:01:30 GMT", "date": "today"}, b"", 429) is None


def test_limits_say_nothing_of_other_failures() -> None:
    for status in (400, 401, 500, 503):
        assert wait_of({"x-ratelimit-reset-tokens": "6m0s"}, b"", status) is None
    assert wait_of({"x-ratelimit-reset-tokens": "0", "x-ratelimit-remaining-tokens": "-1"}, b"", 429) is None


def retry_info(delay: object) -> object:
    return {"error": {"code": 429, "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", **delay}]}}  # pyright: ignore


BODIES = [
    ({"error": "Model X is currently loading", "estimated_time": 20.0}, 503, 20.0),
    ({"error": {"message": "loading", "estimated_time": 8}}, 503, 8.0),
    ({"error": "x", "estimated_time": 20.0}, 500, None),
    (retry_info({"retryDelay": "34s"}), 429, 34.0),
    ([retry_info({"retryDelay": "34.074824224s"})], 429, 34.074824224),
    (retry_info({"retryDelay": "-1s"}), 429, None),
    (retry_info({}), 429, None),
    ({"error": {"message": "slow down", "retry_after": 3}}, 429, 3.0),
    ({"error": {"message": "Rate limit reached. Please try again in 5.289s. Visit"}}, 429, 5.289),
    ({"error": {"message": "Please try again in 6m0s."}}, 429, 360.0),
    ({"error": {"message": "Please retry after 37 seconds."}}, 429, 37.0),
    ({"error": {"message": "Try again in 2 minutes"}}, 429, 120.0),
    ({"error": {"message": "Try again in 2 months"}}, 429, None),
    ({"message": "retry after 1 second"}, 429, 1.0),
    ([], 503, None),
    ("text", 503, None),
    ({"error": {"details": "none", "message": 7}}, 503, None),
]


@pytest.mark.parametrize(("body", "status", "seconds"), BODIES)
def test_bodies(body: object, status: int, seconds: float | None) -> None:
    assert wait_of({}, orjson.dumps(body), status) == seconds


@pytest.mark.parametrize("value", [-5, 1e12, 10**15, True, "soon", None, [], "nan"])
def test_an_absurd_estimate_is_none(value: object) -> None:
    assert wait_of({"date": NOW}, orjson.dumps({"error": "x", "estimated_time": value}), 503) is None


def test_a_body_that_is_no_json_says_nothing() -> None:
    assert wait_of({}, b"<html>", 503) is None
    assert wait_of({"retry-after": "4"}, b"<html>", 503) == 4.0


async def test_any_worker_reads_the_estimate_of_a_model_that_loads(upstream: Upstream) -> None:
    upstream.answers = [json_answer({"error": "Model X is currently loading", "estimated_time": 20.0}, 503)]
    worker = OpenAiLlm(access(upstream.url))
    with pytest.raises(OverloadedError, match="It asks to wait 20 s") as caught:
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert (caught.value.retry_after, caught.value.retryable) == (20.0, True)


def test_an_error_inside_an_answer_tells_its_wait_too() -> None:
    error = {"code": 429, "message": "Rate limit reached. Please try again in 1.5s."}
    caught = error_in_answer(Called(backend="acme", model_id="m"), error)
    assert (type(caught), caught.retry_after) == (RateLimitError, 1.5)
