"""Answers as Anthropic writes them."""

from __future__ import annotations

import orjson
from workers.upstream import STALL, Answer

USAGE = {"input_tokens": 3, "output_tokens": 2}


def message(*content: dict[str, object], reason: str = "end_turn", **more: object) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": list(content or (text("Hi"),)),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
    } | more


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


def tool_use(identifier: str, **arguments: object) -> dict[str, object]:
    return {"type": "tool_use", "id": identifier, "name": "weather", "input": arguments}


def started(**usage: object) -> dict[str, object]:
    return {"type": "message_start", "message": message(text("")) | {"content": [], "usage": USAGE | usage}}


def block(index: int, begun: dict[str, object], *deltas: dict[str, object]) -> list[dict[str, object]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def said(index: int, *pieces: str) -> list[dict[str, object]]:
    return block(index, text(""), *({"type": "text_delta", "text": piece} for piece in pieces))


def called(index: int, identifier: str, *pieces: str, name: str = "weather") -> list[dict[str, object]]:
    begun: dict[str, object] = {"type": "tool_use", "id": identifier, "name": name, "input": {}}
    return block(index, begun, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def stopped(reason: str = "end_turn", details: object = None, **usage: object) -> list[dict[str, object]]:
    delta = {"stop_reason": reason, "stop_sequence": None, "stop_details": details}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2, **usage}},
        {"type": "message_stop"},
    ]


def events(*values: dict[str, object], cut: bool = False, stall: bool = False) -> Answer:
    body: list[bytes | None] = [
        b"event: " + str(value["type"]).encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n" for value in values
    ]
    if stall:
        body.append(STALL)
    return Answer(headers={"content-type": "text/event-stream", "request-id": "req-1"}, body=body, cut=cut)
