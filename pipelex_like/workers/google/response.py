"""The answer, whole or in the events of a stream: both are made of the same parts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import ContentPolicyError, InvalidResponseError, UnreachableError
from pipelex_like.types import (
    FrozenDict,
    LlmReply,
    OpaquePart,
    ReasoningPiece,
    TextPiece,
    ToolCallPiece,
    freeze,
    is_list,
    is_table,
)
from pipelex_like.workers.bodies import parsed
from pipelex_like.workers.google.usage import read_usage
from pipelex_like.workers.parts import tool_call
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import FinishReason, Piece, ToolCall
    from pipelex_like.workers.translate import Called

REFUSED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"}) | {
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION"),
}
"""Reasons to stop that lie in what was asked or said."""
_FINISHED: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(REFUSED, "content_filter"),
}
_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"}) | {
    *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
}

Part = dict[str, object]


class Collector:
    """Takes the events in order (a whole answer is one), gives the pieces in each, and at the end the whole reply.

    `object_tool` names the tool whose input is the wanted object: it is given as text.
    """

    done = False
    """Google sends no mark for the end: the stream ends with its body."""

    def __init__(self, called: Called, *, object_tool: str | None = None) -> None:
        self._called = called
        self._object_tool = object_tool
        self._parts: list[Part] = []
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage: object = None
        self._reason: str | None = None
        self._told = ""
        self._id: str | None = None
        self._begun = False

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is complete."""
        return self._reason is not None

    def feed(self, data: bytes) -> list[Piece]:
        """Give the pieces of one event. Raises the error that it tells of, or InvalidResponseError."""
        return self.take(parsed(data, self._called))

    def take(self, answer: Mapping[str, object]) -> list[Piece]:
        """Give the pieces of one event, parsed. Raises ContentPolicyError where the prompt was blocked."""
        identity = answer.get("responseId")
        self._id = identity if isinstance(identity, str) and identity else self._id
        self._usage = answer.get("usageMetadata") or self._usage
        first = _first(answer.get("candidates"))
        if first is None:
            refuse_blocked(answer, self._called)
            return []
        self._begun = True
        content = first.get("content")
        parts = content.get("parts") if is_table(content) else None
        pieces = [piece for part in (parts if is_list(parts) else ()) if is_table(part) for piece in self._add(part)]
        reason, told = first.get("finishReason"), first.get("finishMessage")
        self._reason = reason if isinstance(reason, str) and reason else self._reason
        self._told = told if isinstance(told, str) else self._told
        if self._reason in REFUSED and self._told and not self._text:
            self._text.append(self._told)
            pieces.append(TextPiece(self._told))
        return pieces

    def _add(self, part: Part) -> list[Piece]:
        self._keep(part)
        text, call = part.get("text"), part.get("functionCall")
        if is_table(call):
            return [self._called_tool(call)]
        if not isinstance(text, str) or not text:
            return []
        if part.get("thought"):
            self._reasoning.append(text)
            return [ReasoningPiece(text)]
        self._text.append(text)
        return [TextPiece(text)]

    def _keep(self, part: Part) -> None:
        """Join what a stream tore apart. A signature ends its part, and may come alone behind the last text."""
        last = self._parts[-1] if self._parts else None
        if last is not None and _goes_on(last, part):
            last["text"] = f"{last.get('text')}{part.get('text')}"
            if "thoughtSignature" in part:
                last["thoughtSignature"] = part["thoughtSignature"]
        else:
            self._parts.append({**part})

    def _called_tool(self, call: Mapping[str, object]) -> Piece:
        found = tool_call(
            str(call.get("name")), call.get("args") or {}, call_id=call.get("id"), position=len(self._calls)
        )
        if found.name == self._object_tool:
            self._text.append(found.raw)
            return TextPiece(found.raw)
        self._calls.append(found)
        return ToolCallPiece(found)

    def close(self) -> list[Piece]:
        """Take note that nothing more comes. Raises if the answer is incomplete, or none at all."""
        if not self._begun and self._id is not None:
            raise unfit(self._called, "the answer has no candidate", "Ask again, or choose another model.")
        if not self.finished:
            raise UnreachableError(self._called.says("the stream broke off before its end"), status=200)
        self._refuse_broken()
        return []

    def _refuse_broken(self) -> None:
        if self._reason in _BROKEN and not (self._text or self._calls):
            told = f"the model broke off ({self._reason}){': ' + self._told if self._told else ''}"
            raise InvalidResponseError(self._called.says(told, "Ask again, or make the tools simpler."), status=200)

    def whole(self, answer: Mapping[str, object], request_id: str | None) -> LlmReply:
        """Give the reply of a whole answer. Raises InvalidResponseError for one that is none."""
        self.take(answer)
        if not self._begun:
            raise unfit(
                self._called, "the answer has no candidate", "Check `endpoint`: does it speak Google's protocol?"
            )
        self._refuse_broken()
        return self.reply(request_id=request_id, adapted=())

    def reply(self, *, request_id: str | None, adapted: tuple[str, ...]) -> LlmReply:
        """Give the whole reply; call it after `close`."""
        return LlmReply(
            text="".join(self._text),
            tool_calls=tuple(self._calls),
            reasoning="".join(self._reasoning),
            opaque=self._opaque(),
            usage=read_usage(self._usage),
            finish_reason=self._finish(),
            provider_request_id=request_id or self._id,
            adapted=adapted,
        )

    def _finish(self) -> FinishReason:
        reason = _FINISHED.get(self._reason or "STOP", "other")
        return "tool_calls" if reason == "stop" and self._calls else reason

    def _opaque(self) -> tuple[OpaquePart, ...]:
        """Keep the whole turn where it has signatures: with the next turn they go back on the same parts."""
        if not any("thoughtSignature" in part for part in self._parts):
            return ()
        kept = [part for part in self._parts if "thoughtSignature" in part or not part.get("thought")]
        data = FrozenDict({"model": self._called.model_id, "parts": freeze(kept)})
        return (OpaquePart(backend=self._called.backend, data=data),)


def _first(candidates: object) -> dict[str, object] | None:
    """Give the first candidate, by its own number where it has one."""
    for candidate in candidates if is_list(candidates) else ():
        if is_table(candidate) and candidate.get("index") in (None, 0):
            return candidate
    return None


def _goes_on(last: Part, part: Part) -> bool:
    both = {"text", "thought", "thoughtSignature"}
    return (
        "text" in last
        and "text" in part
        and "thoughtSignature" not in last
        and not (last.keys() | part.keys()) - both
        and bool(last.get("thought")) == bool(part.get("thought"))
    )


def refuse_blocked(answer: Mapping[str, object], called: Called) -> None:
    """Raise ContentPolicyError if the answer says that the prompt was blocked."""
    feedback = answer.get("promptFeedback")
    reason = feedback.get("blockReason") if is_table(feedback) else None
    if not is_table(feedback) or not reason:
        return
    told = feedback.get("blockReasonMessage")
    why = f"{reason}: {told}" if isinstance(told, str) and told else str(reason)
    raise ContentPolicyError(
        called.says(f"the prompt was blocked ({why})", "Change the prompt or choose another model."), status=200
    )
