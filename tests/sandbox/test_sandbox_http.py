from __future__ import annotations

import json

import pytest
from sandbox.raw import CHAT, chat, connect, http_bytes, read_all, read_until, send

from pipelex_like.sandbox import Sandbox
from pipelex_like.sandbox.parsing import MAX_BODY, MAX_HEAD


def test_health_needs_no_key_and_models_do(sandbox: Sandbox) -> None:
    assert send(sandbox, method="GET", path="/health", key=None).json == {"status": "ok", "simulated": True}
    refused = send(sandbox, method="GET", path="/v1/models", key=None)
    assert refused.status == 401
    assert set(refused.json["error"]) == {"message", "type", "param", "code"}
    listed = send(sandbox, method="GET", path="/v1/models").json
    assert [model["id"] for model in listed["data"]] == ["sandbox-text", "sandbox-image"]
    assert send(sandbox, method="GET", path="/v1/models/org/name%20x").json["id"] == "org/name x"


def test_a_wrong_key_is_refused_without_telling_it(sandbox: Sandbox) -> None:
    refused = send(sandbox, chat(), key="wrong-key-1234")
    assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_api_key")
    assert b"wrong-key-1234" not in refused.body
    assert sandbox.api_key.encode() not in refused.body


def test_unknown_addresses_and_methods_are_refused_in_openai_form(sandbox: Sandbox) -> None:
    assert send(sandbox, chat(), path="/v1/completion").status == 404
    assert send(sandbox, method="GET", path=CHAT).json["error"]["code"] == "method_not_supported"
    head = send(sandbox, method="HEAD", path="/nowhere")
    assert (head.status, head.body) == (404, b"")
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff", b'{"a": NaN}', b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    refused = send(sandbox, body)
    assert (refused.status, refused.json["error"]["code"]) == (400, "invalid_json")


def test_a_connection_is_kept_and_requests_may_be_pipelined(sandbox: Sandbox) -> None:
    stream = http_bytes(sandbox, chat(stream=True))
    plain = http_bytes(sandbox, chat("second"))
    last = http_bytes(sandbox, chat("third"), headers={"connection": "close"})
    with connect(sandbox) as link:
        link.sendall(stream + plain + last)
        got = read_all(link)
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.index(b"[DONE]") < got.index(b"second") < got.index(b"third")


def test_a_request_may_come_byte_by_byte_and_in_chunks(sandbox: Sandbox) -> None:
    data = json.dumps(chat("in chunks")).encode()
    head = http_bytes(sandbox, b"").replace(b"content-length: 0", b"connection: close\r\ntransfer-encoding: chunked")
    chunked = head + b"".join(b"%x;note=1\r\n%b\r\n" % (1, data[at : at + 1]) for at in range(len(data)))
    chunked += b"0\r\nx-trailer: 1\r\n\r\n"
    with connect(sandbox) as link:
        for at in range(0, len(chunked), 7):
            link.sendall(chunked[at : at + 7])
        assert b"in chunks" in read_all(link)


def test_continue_is_said_before_the_body_comes(sandbox: Sandbox) -> None:
    whole = http_bytes(sandbox, chat("patient"), headers={"expect": "100-continue", "connection": "close"})
    head, _, body = whole.partition(b"\r\n\r\n")
    with connect(sandbox) as link:
        link.sendall(head + b"\r\n\r\n")
        assert read_until(link, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(body)
        got = read_all(link)
    assert got.startswith(b"HTTP/1.1 200 OK")
    assert b"patient" in got


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/2.0\r\nhost: x\r\n\r\n", 505),
        (b"GET /health HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"POST /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"GET /health HTTP/1.1\r\nx: " + b"y" * MAX_HEAD, 431),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_connection_closed(
    sandbox: Sandbox, request_bytes: bytes, status: int
) -> None:
    with connect(sandbox) as link:
        link.sendall(request_bytes)
        got = read_all(link)
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(got.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_http_1_0_closes_unless_asked(sandbox: Sandbox) -> None:
    with connect(sandbox) as link:
        link.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert b"connection: close" in read_all(link)


def test_requests_are_recorded_without_secrets(sandbox: Sandbox) -> None:
    send(sandbox, chat("remember me"), path=f"{CHAT}?key=secret-1&api-version=2", headers={"X-Api-Key": "secret-2"})
    (record,) = sandbox.requests
    assert (record.number, record.method, record.path) == (1, "POST", CHAT)
    assert record.query == {"key": "[redacted]", "api-version": "2"}
    assert record.body == chat("remember me")
    assert record.headers["content-type"] == "application/json"
    assert not {"secret-1", "secret-2", sandbox.api_key} & set(repr(record).split("'"))
    sandbox.reset()
    assert sandbox.requests == ()
    send(sandbox, method="GET", path="/health", key=None)
    assert (sandbox.requests[0].number, sandbox.requests[0].body) == (1, None)


def test_only_the_last_thousand_requests_are_kept(sandbox: Sandbox) -> None:
    one = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with connect(sandbox) as link:
        link.sendall(one * 1004 + last)
        read_all(link)
    assert [sandbox.requests[0].number, sandbox.requests[-1].number] == [6, 1005]
