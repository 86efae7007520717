from __future__ import annotations

import http.client
import json
import select
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest
from sandbox.raw import chat, connect, http_bytes, read_all, read_until, send

from pipelex_like.errors import ConfigError
from pipelex_like.sandbox import Sandbox, parse_faults
from pipelex_like.sandbox.faults import OPTIONS, fault_of_header, fault_of_model

if TYPE_CHECKING:
    from openai import AsyncOpenAI

STREAM: dict[str, object] = {"stream": True, "stream_options": {"include_usage": True}}


def faulty(fault: str, **more: object) -> dict[str, object]:
    return {**chat("Hello"), "model": f"fault-{fault}", **more}


def raw(sandbox: Sandbox, body: object) -> bytes:
    """Every byte of the answer, until the connection ends."""
    with connect(sandbox) as link:
        link.sendall(http_bytes(sandbox, body, headers={"connection": "close"}))
        return read_all(link)


def seconds(sandbox: Sandbox, body: object) -> float:
    start = time.perf_counter()
    assert send(sandbox, body).status == 200
    return time.perf_counter() - start


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529, 418])
def test_any_status_comes_in_openai_form(sandbox: Sandbox, status: int) -> None:
    failed = send(sandbox, faulty(f"status-{status}"))
    assert failed.status == status
    assert set(failed.json["error"]) == {"message", "type", "param", "code"}
    assert "simulated fault" in failed.json["error"]["message"]


async def test_the_sdk_knows_the_errors(client: AsyncOpenAI) -> None:
    async def ask(fault: str) -> Any:
        return await client.chat.completions.create(**faulty(fault))  # pyright: ignore[reportArgumentType, reportCallIssue]

    with pytest.raises(openai.RateLimitError) as limited:
        await ask("status-429-after-2")
    assert limited.value.response.headers["retry-after"] == "2"
    with pytest.raises(openai.RateLimitError) as quota:
        await ask("status-429+code-insufficient_quota")
    assert quota.value.code == "insufficient_quota"
    with pytest.raises(openai.BadRequestError) as long:
        await ask("status-400+code-context_length_exceeded")
    assert "maximum context length" in long.value.message
    with pytest.raises(openai.InternalServerError):
        await ask("status-500")
    with pytest.raises(openai.APIConnectionError):
        await ask("reset")
    with pytest.raises(openai.APIConnectionError):
        await ask("cut")


async def test_the_sdk_meets_a_stream_that_fails(client: AsyncOpenAI) -> None:
    async def read(fault: str) -> int:
        stream: Any = await client.chat.completions.create(**faulty(fault, stream=True))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return len([chunk async for chunk in stream])

    with pytest.raises(openai.APIError, match="simulated fault"):
        await read("error-3")
    with pytest.raises(openai.APIError):
        await read("cut-3")
    with pytest.raises(json.JSONDecodeError):
        await read("badjson")
    assert await read("noend") < await read("delay-0")


def test_fail_twice_then_work(sandbox: Sandbox) -> None:
    body = faulty("status-500+times-2")
    assert [send(sandbox, body).status for _ in range(4)] == [500, 500, 200, 200]
    sandbox.reset()
    assert send(sandbox, body).status == 500


def test_work_once_then_fail_once(sandbox: Sandbox) -> None:
    body = faulty("status-503-skip-1-times-1")
    assert [send(sandbox, body).status for _ in range(3)] == [200, 503, 200]


def test_a_header_asks_for_a_fault_and_is_counted_by_model(sandbox: Sandbox) -> None:
    headers = {"x-sandbox-fault": "status=502; times=1"}
    got = [send(sandbox, {**chat(), "model": model}, headers=headers).status for model in ("a", "a", "b")]
    assert got == [502, 200, 502]
    assert send(sandbox, chat(), headers={"x-sandbox-fault": "html"}).body.startswith(b"<!doctype html>")


def test_a_file_asks_for_faults(sandbox: Sandbox) -> None:
    table = parse_faults("""
        [[fault]]
        model = "gpt-*"
        status = 503
        times = 2

        [[fault]]
        model = "gpt-*"
        status = 429
        after = 86400
        times = 1

        [[fault]]
        path = "/v1/images/*"
        html = true
    """)
    with Sandbox(faults=table) as running:
        gpt = {**chat(), "model": "gpt-4o"}
        answers = [send(running, gpt) for _ in range(4)]
        assert [answer.status for answer in answers] == [503, 503, 429, 200]
        assert answers[2].headers["retry-after"] == "86400"
        assert send(running, chat()).status == 200
        picture = send(running, {"model": "x", "prompt": "y", "size": "16x16"}, path="/v1/images/generations")
        assert picture.headers["content-type"].startswith("text/html")


def test_bodies_that_are_not_what_was_asked_for(sandbox: Sandbox) -> None:
    page = send(sandbox, faulty("html"))
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert send(sandbox, faulty("status-502-html")).status == 502
    empty = send(sandbox, faulty("empty"))
    assert (empty.status, empty.body) == (200, b"")
    with pytest.raises(json.JSONDecodeError):
        _ = send(sandbox, faulty("badjson")).json
    inside = send(sandbox, faulty("error"))
    assert (inside.status, set(inside.json)) == (200, {"error"})
    away = send(sandbox, faulty("redirect"))
    assert (away.status, away.headers["location"]) == (307, "http://169.254.169.254/latest/meta-data/")
    elsewhere = send(sandbox, chat(), headers={"x-sandbox-fault": "redirect=http://example.com/"})
    assert elsewhere.headers["location"] == "http://example.com/"


def test_usage_that_cannot_be_trusted(sandbox: Sandbox) -> None:
    assert "usage" not in send(sandbox, faulty("usage-missing")).json
    negative = send(sandbox, faulty("usage-negative")).json["usage"]
    assert negative["prompt_tokens"] < 0 > negative["completion_tokens_details"]["reasoning_tokens"]
    assert send(sandbox, faulty("usage-text")).json["usage"]["prompt_tokens"] == "about 4"
    assert all(not event.get("usage") for event in send(sandbox, faulty("usage-missing", **STREAM)).events[:-1])
    assert send(sandbox, faulty("usage-negative", **STREAM)).events[-2]["usage"]["total_tokens"] < 0
    picture = {"model": "fault-usage-missing", "prompt": "x", "size": "16x16"}
    assert "usage" not in send(sandbox, picture, path="/v1/images/generations").json
    answer = send(sandbox, {"model": "fault-usage-text", "input": "x"}, path="/v1/responses").json
    assert answer["usage"]["input_tokens"] == "about 4"


def test_a_stream_without_its_end(sandbox: Sandbox) -> None:
    whole = send(sandbox, faulty("delay-0", **STREAM)).body
    got = raw(sandbox, faulty("noend", **STREAM))
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert whole.startswith(body.replace(b"fault-noend", b"fault-delay-0").replace(b"000002", b"000001"))
    assert b"[DONE]" not in body
    assert b'"finish_reason":"stop"' not in body
    assert body.endswith(b"}\n\n")


def test_a_stream_cut_inside_json_ends_cleanly(sandbox: Sandbox) -> None:
    answer = send(sandbox, faulty("cutjson-2", stream=True))
    first, second, third = [line for line in answer.body.decode().splitlines() if line]
    assert json.loads(first[6:])
    assert json.loads(second[6:])
    with pytest.raises(json.JSONDecodeError):
        json.loads(third[6:])


def test_an_error_event_in_each_dialect(sandbox: Sandbox) -> None:
    events = send(sandbox, faulty("error-2+code-rate_limit_exceeded", stream=True)).events
    assert [next(iter(event)) for event in events] == ["id", "id", "error"]
    assert events[2]["error"]["code"] == "rate_limit_exceeded"
    body = {"model": "fault-error-2", "input": "x", "stream": True}
    told = send(sandbox, body, path="/v1/responses")
    assert [event["type"] for event in told.events] == ["response.created", "response.in_progress", "error"]


@pytest.mark.parametrize(("fault", "events"), [("cut-3", 3), ("cut-0", 0), ("cut-9999", -1)])
def test_a_stream_cut_off(sandbox: Sandbox, fault: str, events: int) -> None:
    all_of_them = send(sandbox, faulty("delay-0", stream=True)).body.count(b"data: ")
    got = raw(sandbox, faulty(fault, stream=True))
    assert got.count(b"data: ") == events % all_of_them
    assert not got.endswith(b"0\r\n\r\n")


def test_a_plain_answer_cut_off_halfway(sandbox: Sandbox) -> None:
    with pytest.raises(http.client.IncompleteRead):
        send(sandbox, faulty("cut-1"))


@pytest.mark.parametrize("more", [{}, {"stream": True}])
@pytest.mark.parametrize("fault", ["reset", "reset-1"])
def test_a_connection_is_reset(sandbox: Sandbox, fault: str, more: dict[str, object]) -> None:
    with pytest.raises(ConnectionResetError):
        raw(sandbox, faulty(fault, **more))


@pytest.mark.parametrize(("fault", "mark"), [("stall-3", b'"ted"'), ("first-3600", b"chunked\r\n\r\n")])
def test_a_stream_that_stalls_stays_open(sandbox: Sandbox, fault: str, mark: bytes) -> None:
    with connect(sandbox) as link:
        link.sendall(http_bytes(sandbox, faulty(fault, stream=True)))
        read_until(link, mark)
        assert select.select([link], [], [], 0.05)[0] == []


@pytest.mark.parametrize("fault", ["stall", "delay-3600", "stall-0+status-500"])
def test_nothing_at_all_comes(sandbox: Sandbox, fault: str) -> None:
    with connect(sandbox) as link:
        link.sendall(http_bytes(sandbox, faulty(fault)))
        assert select.select([link], [], [], 0.05)[0] == []


def test_waits(sandbox: Sandbox) -> None:
    assert seconds(sandbox, faulty("delay-0.1")) >= 0.1
    assert seconds(sandbox, faulty("first-0.1", stream=True)) >= 0.1
    assert seconds(sandbox, faulty("between-0.01", stream=True)) >= 0.1
    size = len(send(sandbox, faulty("delay-0")).body)
    assert seconds(sandbox, faulty(f"slow-{size * 10}")) >= 0.09


def test_a_failed_answer_may_be_late_too(sandbox: Sandbox) -> None:
    start = time.perf_counter()
    assert send(sandbox, faulty("delay-0.05+status-503")).status == 503
    assert time.perf_counter() - start >= 0.05


def test_a_huge_body_is_valid_json(sandbox: Sandbox) -> None:
    answer = send(sandbox, faulty("huge-2"))
    assert len(answer.body) > 2 * 1024 * 1024
    assert answer.json["choices"]
    events = send(sandbox, faulty("huge-1", stream=True)).events
    assert len(events) == 2
    assert len(events[1]["filler"]) == 1024 * 1024


def test_a_long_answer(sandbox: Sandbox) -> None:
    said = send(sandbox, faulty("long-500")).json["choices"][0]["message"]["content"]
    assert 500 <= len(said.split()) < 520


def test_every_option_is_in_the_table_of_the_docs() -> None:
    from pipelex_like.sandbox import faults

    for name in OPTIONS:
        assert f"| `{name}`" in (faults.__doc__ or "")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("fault-statsu-500", 'there is no fault option "statsu". Did you mean "status"?'),
        ("fault-status", '"status" needs a value'),
        ("fault-status-200", "a whole number from 300 to 599"),
        ("fault-delay-soon", "a number from 0"),
        ("fault-", 'there is no fault option ""'),
        ("fault-usage-lost", '"missing", "negative" or "text"'),
        ("fault-slow-0", "a number above 0"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_way_out(sandbox: Sandbox, model: str, said: str) -> None:
    refused = send(sandbox, {**chat(), "model": model})
    assert (refused.status, refused.json["error"]["code"]) == (400, "unknown_fault")
    assert said in refused.json["error"]["message"]
    by_header = send(sandbox, chat(), headers={"x-sandbox-fault": "nonsense=1"})
    assert by_header.json["error"]["code"] == "unknown_fault"


def test_names_and_headers_say_the_same() -> None:
    assert fault_of_model("fault-status-429+after-2") == fault_of_header("status=429; after=2")
    assert fault_of_model("fault-delay-0.25-stall-3-noend") == fault_of_header("delay=0.25;stall=3;noend")
    assert fault_of_model("sandbox-text") is None


def test_all_problems_of_a_fault_file_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse_faults('x = 1\n[[fault]]\nstatsu = 1\nmodel = 3\nstatus = "500x"\n[[fault]]\nnoend = 1\n', file="f.toml")
    told = {problem.key: (problem.code, problem.file) for problem in error.value.problems}
    assert told == {
        "x": ("unknown-key", "f.toml"),
        "fault[0].statsu": ("unknown-key", "f.toml"),
        "fault[0].model": ("wrong-type", "f.toml"),
        "fault[0].status": ("wrong-value", "f.toml"),
        "fault[1].noend": ("wrong-value", "f.toml"),
    }
    assert 'Did you mean "status"?' in str(error.value)


@pytest.mark.parametrize("text", ["[[fault", "fault = 1", "fault = [1]", "[fault]\nstatus = 500"])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_faults(text)


def test_an_empty_file_asks_for_nothing() -> None:
    assert parse_faults("").rules == ()
