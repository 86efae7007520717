"""The chunks of a streamed chat completion, put together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import UnreachableError
from pipelex_like.types import LlmReply, ReasoningPiece, TextPiece, ToolCall, ToolCallPiece, is_list, is_table
from pipelex_like.workers.bodies import parsed
from pipelex_like.workers.openai.counts import read_usage
from pipelex_like.workers.openai.response import (
    content_of,
    finish_reason,
    first_choice,
    identity,
    opaque_of,
    reasoning_of,
)
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import error_in_answer, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Piece, Usage
    from pipelex_like.workers.translate import Called


@dataclass(slots=True)
class _Growing:
    """A tool call whose arguments are still arriving."""

    id: object = None
    name: str = ""
    arguments: str = ""


class Collector:
    """Takes the data of each event in order, gives the pieces in it, and at the end the whole reply.

    `object_tool` names the function whose arguments are the wanted object: they are given as text.
    """

    def __init__(self, called: Called, *, object_tool: str | None = None) -> None:
        self._called = called
        self._object_tool = object_tool
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._details: list[object] = []
        self._growing: list[_Growing] = []
        self._by_index: dict[object, _Growing] = {}
        self._calls: tuple[ToolCall, ...] = ()
        self._usage: Usage | None = None
        self._reason: object = None
        self._id: str | None = None
        self._refused = False
        self._begun = False
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self.done or self._reason is not None

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of, or InvalidResponseError."""
        if data == b"[DONE]" or data.strip() == b"[DONE]":
            self.done = True
            return []
        chunk = parsed(data, self._called)
        self._id = self._id or identity(chunk)
        if chunk.get("usage") is not None:
            self._usage = read_usage(chunk["usage"]) or self._usage
        choice = first_choice(chunk)
        return [] if choice is None else self._choice(choice)

    def _choice(self, choice: Mapping[str, object]) -> list[Piece]:
        self._begun = True
        if choice.get("error"):
            raise error_in_answer(self._called, choice["error"])
        delta = choice.get("delta")
        pieces = self._delta(delta) if is_table(delta) else []
        reason = choice.get("finish_reason")
        if reason and self._reason is None:  # some write "" as long as there is none
            self._reason = reason
            pieces += self._end_calls()
        return pieces

    def _delta(self, delta: Mapping[str, object]) -> list[Piece]:
        pieces: list[Piece] = []
        content = delta.get("content")
        text, thought = (content, "") if isinstance(content, str) else content_of(content)
        thought = reasoning_of(delta) or thought
        if thought:
            self._reasoning.append(thought)
            pieces.append(ReasoningPiece(thought))
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused, text = True, text + refusal
        if text:
            pieces.append(self._texted(text))
        details = delta.get("reasoning_details")
        if is_list(details):
            self._details += details
        calls = delta.get("tool_calls")
        for call in calls if is_list(calls) else ():
            if is_table(call):
                pieces += self._call(call)
        return pieces

    def _texted(self, text: str) -> Piece:
        self._text.append(text)
        return TextPiece(text)

    def _call(self, call: Mapping[str, object]) -> list[Piece]:
        function = call.get("function")
        told = function if is_table(function) else {}
        growing = self._slot(call, told)
        name, arguments = told.get("name"), told.get("arguments")
        growing.id = growing.id or call.get("id")
        if isinstance(name, str) and name and not growing.name:
            growing.name = name
        if is_table(arguments):  # some send them whole, and not as text
            arguments = orjson.dumps(arguments).decode()
        if not isinstance(arguments, str) or not arguments:
            return []
        growing.arguments += arguments
        wanted = self._object_tool is not None and growing.name == self._object_tool
        return [self._texted(arguments)] if wanted else []

    def _slot(self, call: Mapping[str, object], told: Mapping[str, object]) -> _Growing:
        index = call.get("index", 0)
        growing = self._by_index.get(index)
        identifier = call.get("id")
        # Some give every call the same index (or none): a new id with a new name begins a new call.
        named = growing is not None and growing.name and told.get("name")
        if growing is None or (named and identifier and growing.id != identifier):
            growing = self._by_index[index] = _Growing(id=identifier)
            self._growing.append(growing)
        return growing

    def _end_calls(self) -> list[Piece]:
        self._calls = tuple(
            tool_call(growing.name, growing.arguments, call_id=growing.id, position=position)
            for position, growing in enumerate(self._growing)
            if growing.name and growing.name != self._object_tool
        )
        return [ToolCallPiece(call) for call in self._calls]

    def close(self) -> list[Piece]:
        """Take note that nothing more comes, and give the pieces still held.

        Raises UnreachableError if the provider never said that the answer is complete.
        """
        if not self.finished:
            raise UnreachableError(self._called.says("the stream broke off before its end"), status=200)
        if not self._begun:
            raise unfit(self._called, "the stream ended without a word")
        return [] if self._reason is not None else self._end_calls()

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        reason = "content_filter" if self._refused else self._reason
        return LlmReply(
            text="".join(self._text),
            tool_calls=self._calls,
            reasoning="".join(self._reasoning),
            opaque=opaque_of(self._details, self._called),
            usage=self._usage,
            finish_reason=finish_reason(reason, has_calls=bool(self._calls)),
            provider_request_id=request_id or self._id,
            adapted=adapted,
        )
