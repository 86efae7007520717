"""The events of a streamed response, put together. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import UnreachableError
from pipelex_like.types import LlmReply, ReasoningPiece, TextPiece, ToolCallPiece, is_list, is_table
from pipelex_like.workers.bodies import parsed
from pipelex_like.workers.openai.response import identity
from pipelex_like.workers.openai_responses.response import BETWEEN, Item, calls_of, failed, read_reply
from pipelex_like.workers.translate import error_in_answer, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Piece
    from pipelex_like.workers.translate import Called

_ENDS = ("response.completed", "response.incomplete")
_THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")


class Collector:
    """Takes the data of each event in order, gives the pieces in it, and at the end the whole reply.

    `object_tool` names the function whose arguments are the wanted object: they are given as text.
    """

    def __init__(self, called: Called, *, object_tool: str | None = None) -> None:
        self._called = called
        self._object_tool = object_tool
        self._names: dict[object, object] = {}
        self._items: list[Item] = []
        self._calls = 0
        self._said: list[str] = []
        self._thought: object = None
        self._answer: Mapping[str, object] = {}
        self._reply: LlmReply | None = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self.done

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of, or InvalidResponseError."""
        if data.strip() == b"[DONE]":  # no part of this protocol, but some gateways add it
            return []
        event = parsed(data, self._called)
        kind = event.get("type")
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                return self._texted(event.get("delta"))
            case "response.output_item.added":
                self._begin(event)
            case "response.function_call_arguments.delta":
                wanted = self._object_tool is not None and self._names.get(_place(event)) == self._object_tool
                return self._texted(event.get("delta")) if wanted else []
            case "response.output_item.done":
                return self._ended(event.get("item"))
            case "response.failed" | "response.cancelled":
                answer = event.get("response")
                raise failed(answer if is_table(answer) else {}, self._called)
            case "error":
                raise error_in_answer(self._called, event)
            case _ if kind in _THOUGHTS:
                return self._reasoned(event)
            case _ if kind in _ENDS:
                return self._end(event.get("response"))
            case _:  # events that announce or repeat, and kinds that come with later versions
                pass
        return []

    def _texted(self, text: object) -> list[Piece]:
        if not isinstance(text, str) or not text:
            return []
        self._said.append(text)
        return [TextPiece(text)]

    def _begin(self, event: Mapping[str, object]) -> None:
        item = event.get("item")
        if is_table(item) and item.get("type") == "function_call":
            self._names[_place(event)] = item.get("name")

    def _reasoned(self, event: Mapping[str, object]) -> list[Piece]:
        text = event.get("delta")
        if not isinstance(text, str) or not text:
            return []
        part = (_place(event), event.get("summary_index"), event.get("content_index"))
        between = "" if self._thought in (None, part) else BETWEEN
        self._thought = part
        return [ReasoningPiece(between + text)]

    def _ended(self, item: object) -> list[Piece]:
        if not is_table(item):
            return []
        self._items.append(item)
        return self._new_calls(self._items)

    def _new_calls(self, items: list[Item]) -> list[Piece]:
        calls = [call for call in calls_of(items) if call.name != self._object_tool]
        new, self._calls = calls[self._calls :], max(self._calls, len(calls))
        return [ToolCallPiece(call) for call in new]

    def _end(self, answer: object) -> list[Piece]:
        if not is_table(answer):
            raise unfit(self._called, "the stream ended without a response")
        told = answer.get("output")
        # Some gateways leave out at the end what they have told before.
        items = [item for item in told if is_table(item)] if is_list(told) and told else self._items
        self.done = True
        self._answer = {**answer, "output": items}
        self._reply = read_reply(self._answer, self._called, object_tool=self._object_tool)
        pieces: list[Piece] = []
        if self._reply.text and not self._said:
            pieces += self._texted(self._reply.text)
        return pieces + self._new_calls(items)

    def close(self) -> list[Piece]:
        """Take note that nothing more comes.

        Raises UnreachableError if the provider never said that the answer is complete.
        """
        if not self.done:
            raise UnreachableError(self._called.says("the stream broke off before its end"), status=200)
        return []

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        whole = self._reply or LlmReply()
        text = whole.text or "".join(self._said)
        known = request_id or identity(self._answer)
        return replace(whole, text=text, provider_request_id=known, adapted=adapted)


def _place(event: Mapping[str, object]) -> object:
    index = event.get("output_index")
    return event.get("item_id") if index is None else index
