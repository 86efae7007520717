"""Talking to a sandbox without any client's good manners."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The parsed data of a stream's events; the end marker stays text."""
        lines = [line[6:] for line in self.body.decode().splitlines() if line.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]


def send(
    sandbox: Sandbox,
    body: object = None,
    *,
    path: str = CHAT,
    method: str = "POST",
    key: str | None = "",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own; `key` "" means the right one, None none."""
    sent = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        sent["authorization"] = f"Bearer {key or sandbox.api_key}"
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sandbox), timeout=10)
    try:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        connection.request(method, path, data, sent)
        reply = connection.getresponse()
        return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def chat(prompt: str = "Hello", **more: object) -> dict[str, object]:
    return {"model": "sandbox-text", "messages": [{"role": "user", "content": prompt}], **more}


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.rsplit(":", 1)[1])


def connect(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10)


def http_bytes(sandbox: Sandbox, body: object, *, path: str = CHAT, headers: dict[str, str] | None = None) -> bytes:
    """A whole request as bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {sandbox.api_key}",
        f"content-length: {len(data)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def read_all(link: socket.socket) -> bytes:
    """Everything until the other side closes."""
    out = b""
    while data := link.recv(65536):
        out += data
    return out


def read_until(link: socket.socket, mark: bytes) -> bytes:
    out = b""
    while mark not in out:
        data = link.recv(65536)
        assert data, f"closed before {mark!r}: {out!r}"
        out += data
    return out
