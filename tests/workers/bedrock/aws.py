"""Answers as Bedrock writes them, and the keys to ask it with."""

from __future__ import annotations

import struct
import zlib

import orjson
from workers.given import KEY
from workers.upstream import STALL, Answer

from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access

USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
SECRET = "secret-canary-0123456789abcdef"


def access(url: str | None, *, key: str = KEY, proxy: str | None = None, **keys: str) -> Access:
    given = {"aws_access_key_id": key, "aws_secret_access_key": SECRET, "aws_region": "eu-west-1", **keys}
    if url is not None:
        given["endpoint"] = url
    return Access(
        backend="acme",
        sdk="bedrock",
        keys=FrozenDict({name: value for name, value in given.items() if value}),
        secrets=frozenset({key, SECRET, *keys.values()} - {""}),
        shown=FrozenDict(aws_access_key_id="${AWS_ACCESS_KEY_ID}", aws_secret_access_key="${AWS_SECRET_ACCESS_KEY}"),
        proxy=proxy,
    )


def bearer(url: str | None, token: str = KEY) -> Access:
    return access(url, aws_bearer_token=token, aws_access_key_id="", aws_secret_access_key="")


def answer(*content: dict[str, object], reason: str = "end_turn", **more: object) -> dict[str, object]:
    message = {"role": "assistant", "content": list(content or ({"text": "Hi"},))}
    return {"output": {"message": message}, "stopReason": reason, "usage": USAGE, "metrics": {"latencyMs": 1}} | more


def tool_use(identifier: str, **arguments: object) -> dict[str, object]:
    return {"toolUse": {"toolUseId": identifier, "name": "weather", "input": arguments}}


def thought(text: str, signature: str | None = "c2ln") -> dict[str, object]:
    signed = {} if signature is None else {"signature": signature}
    return {"reasoningContent": {"reasoningText": {"text": text, **signed}}}


def frame(kind: str, value: object, **headers: str) -> bytes:
    told = headers or {":event-type": kind, ":message-type": "event"}
    written = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for name, text in told.items()
    )
    payload = orjson.dumps(value)
    prelude = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + written + payload
    return body + struct.pack(">I", zlib.crc32(body))


def failed(kind: str, message: str) -> bytes:
    return frame(kind, {"message": message}, **{":exception-type": kind, ":message-type": "exception"})


def delta(index: int, **value: object) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": value, "p": "abc"})


def said(index: int, *pieces: str) -> list[bytes]:
    return [*(delta(index, text=piece) for piece in pieces), ended(index)]


def called(index: int, identifier: str, *pieces: str, name: str = "weather") -> list[bytes]:
    begun = {"toolUse": {"toolUseId": identifier, "name": name}}
    start = frame("contentBlockStart", {"contentBlockIndex": index, "start": begun})
    return [start, *(delta(index, toolUse={"input": piece}) for piece in pieces), ended(index)]


def ended(index: int) -> bytes:
    return frame("contentBlockStop", {"contentBlockIndex": index})


STARTED = frame("messageStart", {"role": "assistant"})


def stopped(reason: str = "end_turn", **usage: object) -> list[bytes]:
    return [
        frame("messageStop", {"stopReason": reason}),
        frame("metadata", {"usage": USAGE | usage, "metrics": {"latencyMs": 1}}),
    ]


def events(*frames: bytes, cut: bool = False, stall: bool = False) -> Answer:
    body: list[bytes | None] = [*frames]
    if stall:
        body.append(STALL)
    headers = {"content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "req-1"}
    return Answer(headers=headers, body=body, cut=cut)
