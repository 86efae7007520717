"""The stream of the responses format: its events in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.checks import string, table
from pipelex_like.sandbox.model.tokens import pieces
from pipelex_like.types import is_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipelex_like.sandbox.model import Answer

    Told = tuple[str, dict[str, object]]

TAIL = 1
"""The last event tells how the response ended; there is no other end marker."""


def events_of(response: Mapping[str, object], answer: Answer) -> Iterator[bytes]:
    """Give every event, numbered, for a finished response."""
    begun = {**response, "status": "in_progress", "completed_at": None, "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    for number, (kind, fields) in enumerate(_told(response, begun, answer)):
        data = orjson.dumps({"type": kind, **fields, "sequence_number": number})
        yield b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _told(response: Mapping[str, object], begun: Mapping[str, object], answer: Answer) -> Iterator[Told]:
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    output = response["output"]
    for index, item in enumerate(output if is_list(output) else []):
        fields = table(item, "output")
        yield from _ITEMS[string(fields, "type", "output")](fields, index, answer)
    yield f"response.{response['status']}", {"response": response}


def _message(item: dict[str, object], index: int, answer: Answer) -> Iterator[Told]:
    at: dict[str, object] = {"item_id": item["id"], "output_index": index, "content_index": 0}
    empty: dict[str, object] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    full = {**empty, "text": answer.text}
    yield _added({**item, "status": "in_progress", "content": []}, index)
    yield "response.content_part.added", {**at, "part": empty}
    for piece in answer.pieces:
        yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**at, "text": answer.text, "logprobs": []}
    yield "response.content_part.done", {**at, "part": full}
    yield _done(item, index)


def _function_call(item: dict[str, object], index: int, answer: Answer) -> Iterator[Told]:
    del answer
    at: dict[str, object] = {"item_id": item["id"], "output_index": index}
    arguments = string(item, "arguments", "output")
    yield _added({**item, "status": "in_progress", "arguments": ""}, index)
    for piece in pieces(arguments):
        yield "response.function_call_arguments.delta", {**at, "delta": piece}
    yield "response.function_call_arguments.done", {**at, "name": item["name"], "arguments": arguments}
    yield _done(item, index)


def _reasoning(item: dict[str, object], index: int, answer: Answer) -> Iterator[Told]:
    del answer
    yield _added({**item, "summary": []}, index)
    summary = item["summary"]
    for part_index, part in enumerate(summary if is_list(summary) else []):
        at: dict[str, object] = {"item_id": item["id"], "output_index": index, "summary_index": part_index}
        text = string(table(part, "summary"), "text", "summary")
        yield "response.reasoning_summary_part.added", {**at, "part": {"type": "summary_text", "text": ""}}
        for piece in pieces(text):
            yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
        yield "response.reasoning_summary_text.done", {**at, "text": text}
        yield "response.reasoning_summary_part.done", {**at, "part": part}
    yield _done(item, index)


_ITEMS: Mapping[str, Callable[[dict[str, object], int, Answer], Iterator[Told]]] = {
    "message": _message,
    "function_call": _function_call,
    "reasoning": _reasoning,
}


def _added(item: Mapping[str, object], index: int) -> Told:
    return "response.output_item.added", {"output_index": index, "item": item}


def _done(item: Mapping[str, object], index: int) -> Told:
    return "response.output_item.done", {"output_index": index, "item": item}
