"""The events of a streamed message, put together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import UnreachableError
from pipelex_like.types import LlmReply, ReasoningPiece, TextPiece, ToolCallPiece, is_table
from pipelex_like.workers.anthropic.response import (
    Block,
    finish_reason,
    identity,
    opaque_of,
    read_usage,
    refused,
)
from pipelex_like.workers.bodies import parsed
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Piece, ToolCall
    from pipelex_like.workers.translate import Called


class Collector:
    """Takes the data of each event in order, gives the pieces in it, and at the end the whole reply.

    `object_tool` names the tool whose input is the wanted object: it is given as text.
    """

    def __init__(self, called: Called, *, object_tool: str | None = None) -> None:
        self._called = called
        self._object_tool = object_tool
        self._blocks: dict[object, Block] = {}
        self._inputs: dict[object, str] = {}
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage: dict[str, object] = {}
        self._reason: object = None
        self._id: str | None = None
        self._begun = False
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self.done or self._reason is not None

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of, or InvalidResponseError."""
        event = parsed(data, self._called)
        match event.get("type"):
            case "message_start":
                self._start(event.get("message"))
            case "content_block_start":
                return self._block(event.get("index"), event.get("content_block"))
            case "content_block_delta":
                return self._delta(event.get("index"), event.get("delta"))
            case "content_block_stop":
                return self._end_block(event.get("index"))
            case "message_delta":
                return self._end(event)
            case "message_stop":
                self.done = True
            case _:  # pings, and kinds of events that come with later versions
                pass
        return []

    def _start(self, message: object) -> None:
        if not is_table(message):
            raise unfit(self._called, "the stream began without a message")
        self._begun = True
        self._id = identity(message)
        self._count(message.get("usage"))

    def _count(self, usage: object) -> None:
        """Later counts stand in for earlier ones; those that are not told again stay."""
        if is_table(usage):
            self._usage.update({name: value for name, value in usage.items() if value is not None})

    def _block(self, index: object, block: object) -> list[Piece]:
        if not is_table(block):
            return []
        self._blocks[index] = dict(block)
        text, thought = block.get("text"), block.get("thinking")
        if block.get("type") == "text" and isinstance(text, str) and text:
            return [self._texted(text)]
        if block.get("type") == "thinking" and isinstance(thought, str) and thought:
            return [self._thought(thought)]
        return []

    def _delta(self, index: object, delta: object) -> list[Piece]:
        block = self._blocks.get(index)
        if block is None or not is_table(delta):
            return []
        match delta.get("type"):
            case "text_delta":
                return [self._texted(text)] if (text := self._grown(block, "text", delta.get("text"))) else []
            case "thinking_delta":
                thought = self._grown(block, "thinking", delta.get("thinking"))
                return [self._thought(thought)] if thought else []
            case "signature_delta":
                block["signature"] = f"{block.get('signature') or ''}{delta.get('signature') or ''}"
            case "input_json_delta":
                return self._input(index, block, delta.get("partial_json"))
            case _:  # citations and what comes later: no text of the answer
                pass
        return []

    def _grown(self, block: Block, key: str, more: object) -> str:
        text = more if isinstance(more, str) else ""
        block[key] = f"{block.get(key) or ''}{text}"
        return text

    def _input(self, index: object, block: Mapping[str, object], more: object) -> list[Piece]:
        if not isinstance(more, str) or not more:
            return []
        self._inputs[index] = self._inputs.get(index, "") + more
        wanted = self._object_tool is not None and block.get("name") == self._object_tool
        return [self._texted(more)] if wanted else []

    def _texted(self, text: str) -> Piece:
        self._text.append(text)
        return TextPiece(text)

    def _thought(self, text: str) -> Piece:
        self._reasoning.append(text)
        return ReasoningPiece(text)

    def _end_block(self, index: object) -> list[Piece]:
        block = self._blocks.get(index)
        if block is None or block.get("type") != "tool_use":
            return []
        name, raw = block.get("name"), self._inputs.get(index)
        call = tool_call(
            str(name), block.get("input") if raw is None else raw, call_id=block.get("id"), position=len(self._calls)
        )
        block["input"] = orjson.loads(orjson.dumps(call.arguments))
        if name == self._object_tool:
            # An object without any field comes without a piece of its JSON.
            return [self._texted(call.raw)] if raw is None else []
        self._calls.append(call)
        return [ToolCallPiece(call)]

    def _end(self, event: Mapping[str, object]) -> list[Piece]:
        self._count(event.get("usage"))
        delta = event.get("delta")
        if not is_table(delta):
            return []
        self._reason = delta.get("stop_reason") or self._reason
        told = refused(self._reason, delta.get("stop_details"))
        return [self._texted(told)] if told and not self._text else []

    def close(self) -> list[Piece]:
        """Take note that nothing more comes.

        Raises UnreachableError if the provider never said that the answer is complete.
        """
        if not self.finished:
            raise UnreachableError(self._called.says("the stream broke off before its end"), status=200)
        if not self._begun:
            raise unfit(self._called, "the stream ended without a message")
        return []

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        return LlmReply(
            text="".join(self._text),
            tool_calls=tuple(self._calls),
            reasoning="".join(self._reasoning),
            opaque=opaque_of(list(self._blocks.values()), self._called),
            usage=read_usage(self._usage),
            finish_reason=finish_reason(self._reason, has_calls=bool(self._calls)),
            provider_request_id=request_id or self._id,
            adapted=adapted,
        )
