"""Answers as OpenAI's responses write them."""

from __future__ import annotations

import orjson
from workers.upstream import STALL, Answer

Item = dict[str, object]

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 16,
}


def response(*output: Item, status: str = "completed", **more: object) -> Item:
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-test",
        "output": list(output or (said("Hi"),)),
        "store": False,
        "usage": USAGE,
    } | more


def said(*texts: str) -> Item:
    parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": parts}


def refused(text: str) -> Item:
    return said() | {"content": [{"type": "refusal", "refusal": text}]}


def called(identifier: str, arguments: str = '{"city":"Ulm"}', name: str = "weather") -> Item:
    return {
        "type": "function_call",
        "id": f"fc_{identifier}",
        "call_id": identifier,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def thought(*summary: str, encrypted: str | None = "c2VjcmV0", **more: object) -> Item:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {
        "type": "reasoning",
        "id": "rs_1",
        "summary": parts,
        "encrypted_content": encrypted,
        "status": None,
        "content": None,
    } | more


def told(whole: Item) -> list[Item]:
    """The events of a stream whose last one is this response."""
    begun = whole | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    out: list[Item] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):  # pyright: ignore
        out += _item(index, item)  # pyright: ignore
    return [*out, {"type": f"response.{whole['status']}", "response": whole}]


def _item(index: int, item: Item) -> list[Item]:
    at: Item = {"item_id": item["id"], "output_index": index}
    deltas: list[Item] = []
    match item["type"]:
        case "message":
            for at_part, part in enumerate(item["content"]):  # pyright: ignore
                word = "output_text" if part["type"] == "output_text" else "refusal"  # pyright: ignore
                whole = part.get("text") or part.get("refusal")  # pyright: ignore
                deltas += [
                    {"type": f"response.{word}.delta", **at, "content_index": at_part, "delta": piece}
                    for piece in halves(whole)  # pyright: ignore
                ]
        case "function_call":
            deltas = [
                {"type": "response.function_call_arguments.delta", **at, "delta": piece}
                for piece in halves(str(item["arguments"]))
            ]
        case _:
            for number, part in enumerate(item["summary"]):  # pyright: ignore
                kind = "response.reasoning_summary_text.delta"
                deltas += [
                    {"type": kind, **at, "summary_index": number, "delta": piece}
                    for piece in halves(part["text"])  # pyright: ignore
                ]
    empty = {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": item | empty[str(item["type"])]},
        *deltas,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]


def events(*values: Item, cut: bool = False, stall: bool = False) -> Answer:
    body: list[bytes | None] = [
        b"event: " + str(value.get("type")).encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n" for value in values
    ]
    if stall:
        body.append(STALL)
    return Answer(headers={"content-type": "text/event-stream", "x-request-id": "req-1"}, body=body, cut=cut)
