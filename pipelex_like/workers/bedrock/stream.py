"""The events of a streamed answer, put together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import UnreachableError
from pipelex_like.types import LlmReply, ReasoningPiece, TextPiece, ToolCallPiece, is_table
from pipelex_like.workers.bedrock.failures import failed_midway
from pipelex_like.workers.bedrock.response import Block, finish_reason, opaque_of, read_usage
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
        self._usage: object = None
        self._reason: object = None
        self._begun = False
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self.done or self._reason is not None

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of, or InvalidResponseError."""
        for name, event in parsed(data, self._called).items():
            if is_table(event):
                return self._take(name, event)
        return []

    def _take(self, name: str, event: Mapping[str, object]) -> list[Piece]:
        index = event.get("contentBlockIndex")
        match name:
            case "messageStart":
                self._begun = True
            case "contentBlockStart":
                self._start(index, event.get("start"))
            case "contentBlockDelta":
                return self._delta(index, event.get("delta"))
            case "contentBlockStop":
                return self._end_block(index)
            case "messageStop":
                self._reason = event.get("stopReason") or "unknown"
            case "metadata":
                self._usage = event.get("usage")
                # It comes after the end of the message, as the last of all.
                self.done = self._reason is not None
            case _:
                if "message" in event:
                    raise failed_midway(self._called, name, event)
        return []

    def _start(self, index: object, start: object) -> None:
        use = start.get("toolUse") if is_table(start) else None
        if is_table(use):
            self._blocks[index] = {"toolUse": dict(use)}
            self._inputs[index] = ""

    def _delta(self, index: object, delta: object) -> list[Piece]:
        if not is_table(delta):
            return []
        # Bedrock announces the blocks of tools alone.
        block = self._blocks.setdefault(index, {})
        text, use, thought = delta.get("text"), delta.get("toolUse"), delta.get("reasoningContent")
        if isinstance(text, str) and text:
            block["text"] = f"{block.get('text') or ''}{text}"
            return [self._texted(text)]
        if is_table(use):
            return self._input(index, block, use.get("input"))
        return self._thought(block, thought) if is_table(thought) else []

    def _input(self, index: object, block: Mapping[str, object], more: object) -> list[Piece]:
        if not isinstance(more, str) or not more:
            return []
        self._inputs[index] = self._inputs.get(index, "") + more
        use = block.get("toolUse")
        wanted = self._object_tool is not None and is_table(use) and use.get("name") == self._object_tool
        return [self._texted(more)] if wanted else []

    def _thought(self, block: Block, delta: Mapping[str, object]) -> list[Piece]:
        if "redactedContent" in delta:
            block["reasoningContent"] = {"redactedContent": delta["redactedContent"]}
            return []
        thought = block.get("reasoningContent")
        told = thought.get("reasoningText") if is_table(thought) else None
        said = dict(told) if is_table(told) else {"text": ""}
        for key in ("text", "signature"):
            more = delta.get(key)
            if isinstance(more, str):
                said[key] = f"{said.get(key) or ''}{more}"
        block["reasoningContent"] = {"reasoningText": said}
        text = delta.get("text")
        if not isinstance(text, str) or not text:
            return []
        self._reasoning.append(text)
        return [ReasoningPiece(text)]

    def _texted(self, text: str) -> Piece:
        self._text.append(text)
        return TextPiece(text)

    def _end_block(self, index: object) -> list[Piece]:
        use = self._blocks.get(index, {}).get("toolUse")
        if not is_table(use):
            return []
        name, raw = use.get("name"), self._inputs.get(index, "")
        call = tool_call(str(name), raw, call_id=use.get("toolUseId"), position=len(self._calls))
        use["input"] = orjson.loads(orjson.dumps(call.arguments))
        if name == self._object_tool:
            # An object without any field comes without a piece of its JSON.
            return [] if raw else [self._texted(call.raw)]
        self._calls.append(call)
        return [ToolCallPiece(call)]

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
            provider_request_id=request_id,
            adapted=adapted,
        )
