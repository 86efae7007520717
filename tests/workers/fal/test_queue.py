"""One order on the wire, and what becomes of it: waited for, left at a deadline, cancelled, taken up again."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pickle import dumps, loads

import pytest
from workers.fal.asked import (
    JOB,
    accepted,
    completed,
    drawing,
    drawn,
    painter,
    png,
    running,
    steps,
    urls,
    waiting,
    whole_way,
)
from workers.given import LIMITS, PNG, access
from workers.upstream import STALL, Answer, Upstream, json_answer

from pipelex_like.engine.record import Record
from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    ServerError,
    UnreachableError,
)
from pipelex_like.workers.base import Unfinished
from pipelex_like.workers.fal.images import FalImages
from pipelex_like.workers.fal.waiting import pauses

NEVER = Answer(status=202, headers={"content-type": "application/json"}, body=[b'{"status"', STALL])


async def fail(upstream: Upstream, *answers: Answer, resume: str | None = None) -> CallError:
    upstream.answers = list(answers)
    worker = FalImages(access(upstream.url))
    with pytest.raises(CallError) as failed:
        await worker.draw(drawing(resume=resume), painter(), LIMITS)
    await worker.aclose()
    return failed.value


async def test_a_job_is_ordered_once_and_looked_at_until_it_is_done(upstream: Upstream) -> None:
    way = whole_way(upstream)
    upstream.answers = [way[0], waiting(), waiting(0), running(), *way[1:]]
    worker = FalImages(access(upstream.url))
    reply = await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    assert steps(upstream) == ["submit", *["status"] * 4, "result", "/files/a.png"]
    assert reply.provider_request_id == JOB
    assert [image.data for image in reply.images] == [PNG]
    assert (reply.images[0].width, reply.images[0].mime) == (1, "image/png")
    assert reply.seed == 7
    assert reply.usage is not None
    assert reply.usage.images == 1


def test_pauses_begin_short_and_grow_to_two_seconds() -> None:
    first = list(islice(pauses(), 30))
    assert first[0] <= 0.1
    assert first == sorted(first)
    assert first[-1] == 2.0


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
async def test_an_order_that_is_refused_is_not_sent_again(upstream: Upstream, status: int) -> None:
    error = await fail(upstream, json_answer({"detail": "nginx says no"}, status=status))
    assert len(upstream.seen) == 1
    assert error.job_id is None


async def test_a_broken_connection_is_not_tried_again_nor_elsewhere(upstream: Upstream) -> None:
    error = await fail(upstream, Answer(cut=True, body=[b"{"]))
    assert isinstance(error, UnreachableError)
    assert upstream.connections == 1
    worker = FalImages(access("http://127.0.0.1:9"))
    with pytest.raises(UnreachableError):
        await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()


async def test_a_deadline_leaves_the_job_and_tells_how_to_come_back(upstream: Upstream) -> None:
    upstream.answers = [accepted(upstream), waiting(3), NEVER]
    worker = FalImages(access(upstream.url))
    with pytest.raises(CallTimeoutError) as late:
        await worker.draw(drawing(), painter(), replace(LIMITS, timeout=0.6))
    await worker.aclose()
    assert steps(upstream) == ["submit", "status", "status"]
    assert late.value.job_id == JOB
    for twin in (late.value, loads(dumps(late.value)), deepcopy(late.value)):
        assert twin.job_id == JOB
        assert f'resume="{JOB}"' in str(twin)
        assert f"--resume {JOB}" in str(twin)
        assert "3 ahead of it" in str(twin)


async def test_a_deadline_before_the_order_was_taken_names_no_job(upstream: Upstream) -> None:
    upstream.answers = [NEVER]
    worker = FalImages(access(upstream.url))
    with pytest.raises(CallTimeoutError) as late:
        await worker.draw(drawing(), painter(), replace(LIMITS, timeout=0.1))
    await worker.aclose()
    assert late.value.job_id is None


async def test_whoever_cancels_cancels_the_job(upstream: Upstream) -> None:
    upstream.answers = [accepted(upstream), NEVER, json_answer({"status": "CANCELLATION_REQUESTED"}, status=202)]
    worker = FalImages(access(upstream.url))
    task = asyncio.create_task(worker.draw(drawing(), painter(), LIMITS))
    while len(upstream.seen) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.aclose()
    assert steps(upstream) == ["submit", "status", "cancel"]
    assert (upstream.seen[-1].method, upstream.seen[-1].headers["authorization"][:4]) == ("PUT", "Key ")


async def test_a_cancelling_that_fails_changes_nothing(upstream: Upstream) -> None:
    upstream.answers = [accepted(upstream), NEVER, json_answer({"status": "ALREADY_COMPLETED"}, status=400)]
    worker = FalImages(access(upstream.url))
    task = asyncio.create_task(worker.draw(drawing(), painter(), LIMITS))
    while len(upstream.seen) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.aclose()


async def test_a_cancellation_at_the_callers_deadline_leaves_the_job_and_names_it(upstream: Upstream) -> None:
    upstream.answers = [accepted(upstream), NEVER]
    worker = FalImages(access(upstream.url))
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.6
    task = asyncio.create_task(worker.draw(drawing(), painter(), replace(LIMITS, until=until)))
    loop.call_at(until, task.cancel)
    with pytest.raises(asyncio.CancelledError) as stopped:
        await task
    await worker.aclose()
    assert stopped.value.args[-1] == Unfinished(JOB)
    assert steps(upstream) == ["submit", "status"]


async def test_resuming_orders_nothing(upstream: Upstream) -> None:
    upstream.answers = [running(), completed(), drawn(f"{upstream.url}/files/a.png"), png()]
    worker = FalImages(access(upstream.url))
    reply = await worker.draw(drawing(resume=JOB, size="8x8"), painter(), LIMITS)
    await worker.aclose()
    assert steps(upstream) == ["status", "status", "result", "/files/a.png"]
    assert (reply.provider_request_id, reply.adapted) == (JOB, ())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([json_answer({"detail": "down"}, status=500)], ServerError),
        ([json_answer({"detail": "down"}, status=503)], OverloadedError),
        ([json_answer({"detail": "who?"}, status=401)], CredentialsError),
        ([Answer(cut=True, body=[b"{"])], UnreachableError),
        ([Answer(headers={"content-type": "text/html"}, body=[b"<html>"])], InvalidResponseError),
        ([completed(), json_answer({"detail": "gateway"}, status=502)], ServerError),
        ([completed(), Answer(cut=True, body=[b"{"])], UnreachableError),
        ([completed(), drawn("{url}/a.png"), Answer(status=500)], ServerError),
        ([completed(), drawn("{url}/a.png"), Answer(cut=True, body=[b"x"])], UnreachableError),
    ],
)
async def test_a_failure_after_the_order_names_the_job(
    upstream: Upstream, answers: list[Answer], kind: type[CallError]
) -> None:
    for answer in answers:
        answer.body = [piece.replace(b"{url}", upstream.url.encode()) if piece else piece for piece in answer.body]
    error = await fail(upstream, accepted(upstream), *answers)
    assert type(error) is kind
    assert error.job_id == JOB
    assert JOB in str(error)
    assert steps(upstream).count("submit") == 1


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([json_answer({"detail": "Request not found"}, status=404)], NotFoundError),
        ([json_answer({"status": "FAILED", "error": "out of memory"})], ServerError),
        ([completed(error="boom", error_type="runner_server_error"), json_answer({})], ServerError),
        (
            [completed(), json_answer({"detail": "boom", "error_type": "runner_server_error"}, status=500)],
            ServerError,
        ),
        ([completed(), json_answer({})], InvalidResponseError),
        ([completed(), json_answer({"images": [{}]})], InvalidResponseError),
    ],
)
async def test_a_job_that_is_over_is_not_named(
    upstream: Upstream, answers: list[Answer], kind: type[CallError]
) -> None:
    error = await fail(upstream, accepted(upstream), *answers)
    assert type(error) is kind
    assert error.job_id is None


@pytest.mark.parametrize("field", ["status_url", "response_url", "cancel_url"])
@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest", "http://127.0.0.1.evil.example/x", "http://user@{home}/x", "//", ""]
)
async def test_another_host_is_not_followed(upstream: Upstream, field: str, address: str) -> None:
    elsewhere = address.replace("{home}", upstream.url.removeprefix("http://"))
    error = await fail(upstream, accepted(upstream, **{field: elsewhere}))
    assert isinstance(error, InvalidResponseError)
    assert "another host" in str(error)
    assert error.job_id == JOB
    assert len(upstream.seen) == 1


async def test_the_sdks_own_host_means_the_backends_address(upstream: Upstream) -> None:
    way = whole_way(upstream)
    there = {name: url.replace(upstream.url, "https://queue.fal.run") for name, url in urls(upstream).items()}
    upstream.answers = [accepted(upstream, **there), *way[1:]]
    worker = FalImages(access(f"{upstream.url}/fal"))
    await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    paths = [seen.path for seen in upstream.seen[:3]]
    assert [path.partition("?")[0].removeprefix("/fal/fal-ai/flux") for path in paths] == [
        "/dev",
        f"/requests/{JOB}/status",
        f"/requests/{JOB}",
    ]


@pytest.mark.parametrize("job_id", ["../../admin", "", "a b", "x" * 200])
async def test_an_id_that_is_none_is_refused(upstream: Upstream, job_id: str) -> None:
    assert "no id of the job" in str(await fail(upstream, accepted(upstream, request_id=job_id)))


@pytest.mark.parametrize("answer", [{"request_id": JOB}, {"request_id": 7}, {}])
async def test_an_odd_answer_to_an_order_is_told(upstream: Upstream, answer: dict[str, object]) -> None:
    error = await fail(upstream, json_answer(answer))
    assert isinstance(error, InvalidResponseError)
    assert "promised form" in str(error)


def cancelling(status: int, word: str) -> Answer:
    return json_answer({"status": word}, status=status)


async def too_late(
    upstream: Upstream, *answers: Answer, cancel: Answer | None = None, resume: str | None = None, **limits: float
) -> CallTimeoutError:
    upstream.answers = list(answers)
    if cancel is not None:
        upstream.to_method["PUT"] = cancel
    worker = FalImages(access(upstream.url))
    with pytest.raises(CallTimeoutError) as late:
        await worker.draw(drawing(resume=resume), painter(), replace(LIMITS, **limits))
    await worker.aclose()
    return late.value


async def test_a_job_that_waits_too_long_is_taken_out_of_the_queue(upstream: Upstream) -> None:
    error = await too_late(upstream, accepted(upstream), *[waiting()] * 9, cancel=cancelling(200, "OK"), start=0.1)
    first, *looks, last = steps(upstream)
    assert (first, set(looks), last) == ("submit", {"status"}, "cancel")
    for twin in (error, loads(dumps(error))):
        assert (twin.job_id, twin.uncharged, twin.retryable) == (None, True, True)
    for part in ("more than 0.1 s", "start_timeout", JOB, "costs nothing", "order it again"):
        assert part in str(error)
    record = Record()
    record.fail(painter(), error, duration=0.1)
    assert record.cost == (0, None)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (cancelling(202, "CANCELLATION_REQUESTED"), "may have begun"),
        (cancelling(400, "ALREADY_COMPLETED"), "did not cancel it"),
        (cancelling(404, "NOT_FOUND"), "did not cancel it"),
        (Answer(status=500), "did not cancel it"),
        (Answer(cut=True, body=[b"{"]), "did not cancel it"),
    ],
)
async def test_a_job_that_cannot_be_taken_out_surely_stays_to_come_back_for(
    upstream: Upstream, answer: Answer, part: str
) -> None:
    error = await too_late(upstream, accepted(upstream), *[waiting()] * 9, cancel=answer, start=0.1)
    assert (error.job_id, error.uncharged) == (JOB, False)
    assert part in str(error)
    assert f'resume="{JOB}"' in str(error)


async def test_a_job_that_runs_too_long_is_left_alone(upstream: Upstream) -> None:
    error = await too_late(upstream, accepted(upstream), waiting(), *[running()] * 9, start=5, job=0.2)
    assert "cancel" not in steps(upstream)
    assert (error.job_id, error.uncharged) == (JOB, False)
    for part in ("more than 0.2 s", "job_timeout", f'resume="{JOB}"'):
        assert part in str(error)


async def test_waiting_does_not_count_as_running_nor_running_as_waiting(upstream: Upstream) -> None:
    way = whole_way(upstream)
    upstream.answers = [way[0], waiting(), waiting(), running(), running(), *way[1:]]
    worker = FalImages(access(upstream.url))
    # The looks come after 0.05, 0.13, 0.24, 0.41 and 0.66 seconds.
    reply = await worker.draw(drawing(), painter(), replace(LIMITS, start=0.6, job=0.6))
    await worker.aclose()
    assert reply.provider_request_id == JOB


async def test_a_job_that_began_at_the_last_look_is_not_taken_out(upstream: Upstream) -> None:
    way = whole_way(upstream)
    upstream.answers = [way[0], waiting(), running(), *way[1:]]
    worker = FalImages(access(upstream.url))
    reply = await worker.draw(drawing(), painter(), replace(LIMITS, start=0.1))
    await worker.aclose()
    assert reply.provider_request_id == JOB
    assert "cancel" not in steps(upstream)


async def test_a_look_that_is_not_answered_ends_with_the_limit(upstream: Upstream) -> None:
    hanging = Answer(status=202, headers={"content-type": "application/json"}, body=[b'{"status"', STALL])
    error = await too_late(upstream, accepted(upstream), hanging, cancelling(200, "OK"), start=0.1)
    assert "start_timeout" in str(error)
    assert steps(upstream) == ["submit", "status", "cancel"]


async def test_the_limits_hold_for_a_job_that_is_taken_up_again(upstream: Upstream) -> None:
    error = await too_late(upstream, *[running()] * 9, resume=JOB, job=0.1)
    assert ("job_timeout" in str(error), error.job_id) == (True, JOB)
    upstream.seen.clear()
    error = await too_late(upstream, *[waiting()] * 9, cancel=cancelling(200, "OK"), resume=JOB, start=0.1)
    assert ("start_timeout" in str(error), error.job_id) == (True, None)
