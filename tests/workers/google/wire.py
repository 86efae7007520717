"""Answers as Google writes them."""

from __future__ import annotations

import orjson
from workers.upstream import STALL, Answer

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}


def text(value: str, **more: object) -> dict[str, object]:
    return {"text": value, **more}


def thought(value: str) -> dict[str, object]:
    return {"text": value, "thought": True}


def call(
    name: str = "weather", call_id: str | None = None, signature: str | None = None, **args: object
) -> dict[str, object]:
    part: dict[str, object] = {"functionCall": {"name": name, "args": args, **({"id": call_id} if call_id else {})}}
    return part if signature is None else {**part, "thoughtSignature": signature}


def content(
    *parts: dict[str, object], reason: str | None = "STOP", told: str | None = None, **more: object
) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": list(parts or (text("Hi"),))}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    if told is not None:
        candidate["finishMessage"] = told
    whole = {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "gemini-test", "responseId": "r-1"}
    return whole | more


def events(*values: dict[str, object], cut: bool = False, stall: bool = False) -> Answer:
    body: list[bytes | None] = [b"data: " + orjson.dumps(value) + b"\r\n\r\n" for value in values]
    if stall:
        body.append(STALL)
    return Answer(headers={"content-type": "text/event-stream"}, body=body, cut=cut)


def error(code: int, status: str, said: str = "No luck.", *details: dict[str, object]) -> dict[str, object]:
    return {"error": {"code": code, "message": said, "status": status, **({"details": details} if details else {})}}
