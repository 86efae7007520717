"""Ollama's own chat API, beside its OpenAI-compatible one: answers whole and in lines of JSON. Pure.

Why there are two ways: https://github.com/ollama/ollama/issues/5902 (the compatible one takes no context size)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import NotFoundError, UnreachableError
from pipelex_like.types import LlmReply, ReasoningPiece, TextPiece, ToolCall, ToolCallPiece, Usage, is_list, is_table
from pipelex_like.workers.bodies import parsed
from pipelex_like.workers.capability import least_tokens
from pipelex_like.workers.openai.counts import read_usage
from pipelex_like.workers.openai.response import finish_reason
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import LlmJob, Piece
    from pipelex_like.workers.translate import Called

_PATH = "/api/chat"
# Sizes that servers have by themselves are powers of two from here on.
_LEAST_SIZE = 2048


def at_ollama(called: Called) -> Called:
    """Give the same with the ways out that users of Ollama have."""
    fetch = f"Fetch it: ollama pull {called.model_id}. If it is there, check `endpoint`: Ollama answers at /api/chat."
    return replace(called, ways_out={**called.ways_out, NotFoundError: fetch})


def native_address(base_url: str) -> str:
    """Give the address of Ollama's own API, from that of the compatible one."""
    return base_url.rstrip("/").removesuffix("/v1") + _PATH


def read_whole(raw: bytes, called: Called, request_id: str | None) -> LlmReply:
    """Give the reply of an answer without a stream: it is one line that says everything."""
    collector = LineCollector(called)
    collector.feed(raw)
    collector.close()
    return collector.reply(request_id=request_id, adapted=())


class LineCollector:
    """Takes the lines of an answer in order; an answer without a stream is one line."""

    def __init__(self, called: Called) -> None:
        self._called = called
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage: Usage | None = None
        self._reason: object = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self.done

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one line. Raises the error that it tells of, or InvalidResponseError."""
        line = parsed(data, self._called)
        message = line.get("message")
        if not is_table(message):
            raise unfit(self._called, "the answer has no `message`", "Check `endpoint`: is it Ollama that answers?")
        pieces = self._pieces(message)
        if line.get("done") is True:
            self.done = True
            self._reason = line.get("done_reason")
            counted = {"prompt_tokens": line.get("prompt_eval_count"), "completion_tokens": line.get("eval_count")}
            self._usage = read_usage(counted)
        return pieces

    def _pieces(self, message: Mapping[str, object]) -> list[Piece]:
        pieces: list[Piece] = []
        thought, text, calls = message.get("thinking"), message.get("content"), message.get("tool_calls")
        if isinstance(thought, str) and thought:
            self._reasoning.append(thought)
            pieces.append(ReasoningPiece(thought))
        if isinstance(text, str) and text:
            self._text.append(text)
            pieces.append(TextPiece(text))
        for item in calls if is_list(calls) else ():
            function = item.get("function") if is_table(item) else None
            if is_table(item) and is_table(function) and isinstance(function.get("name"), str):
                name, arguments, place = str(function["name"]), function.get("arguments"), len(self._calls)
                self._calls.append(tool_call(name, arguments, call_id=item.get("id"), position=place))
                pieces.append(ToolCallPiece(self._calls[-1]))
        return pieces

    def close(self) -> list[Piece]:
        """Take note that nothing more comes. Raises UnreachableError if the answer is not complete."""
        if not self.done:
            raise UnreachableError(self._called.says("the stream broke off before its end"), status=200)
        return []

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        return LlmReply(
            text="".join(self._text),
            tool_calls=tuple(self._calls),
            reasoning="".join(self._reasoning),
            usage=self._usage,
            finish_reason=finish_reason(self._reason, has_calls=bool(self._calls)),
            provider_request_id=request_id,
            adapted=adapted,
        )


def watched(reply: LlmReply, job: LlmJob, size: int | None) -> LlmReply:
    """Give the reply with a line where the prompt seems to have been cut to a context `size`; None: the server's own.

    Ollama cuts what is too long without a word.
    """
    counted = 0 if reply.usage is None or reply.usage.estimated else reply.usage.input_tokens
    full = counted >= size if size is not None else counted >= _LEAST_SIZE and counted.bit_count() == 1
    if not counted or not (full or counted < least_tokens(job)):
        return reply
    wish = "a larger one" if size is not None else "one of your own by `context_window` of the model"
    line = f"the prompt: only {counted} tokens were counted, so it was probably cut to the context size; set {wish}"
    return replace(reply, adapted=(*reply.adapted, line))
