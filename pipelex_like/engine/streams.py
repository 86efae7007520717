"""Streams: events as they come, with a fallback until the first of them was handed over."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar, cast

from pipelex_like.engine.objects import MisfitError
from pipelex_like.engine.replies import who
from pipelex_like.engine.results import object_result, text_result
from pipelex_like.engine.sending import keep, lend, look_up
from pipelex_like.engine.walk import Walk
from pipelex_like.errors import CallError, InvalidResponseError, StreamInterruptedError
from pipelex_like.types import (
    DoneEvent,
    EndPiece,
    LlmReply,
    ObjectEvent,
    ObjectStreamEvent,
    ReasoningEvent,
    ReasoningPiece,
    TextEvent,
    TextPiece,
    TextStreamEvent,
    ToolCallEvent,
    ToolCallPiece,
    replay,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from pipelex_like.engine.calls import Call
    from pipelex_like.engine.objects import ObjectShape
    from pipelex_like.engine.step import Step
    from pipelex_like.types import LlmJob, Piece
    from pipelex_like.workers.base import LlmWorker

T = TypeVar("T")
E = TypeVar("E")
R = TypeVar("R")
E_co = TypeVar("E_co", covariant=True)


class Stream(Generic[E, R]):
    """Events of one answer, the last of them `done`.

    Iterate it, best inside `async with`, which closes the upstream however the block is left. Errors come while
    iterating: those of the call without a stream until the first event was handed over, StreamInterruptedError
    after that.
    """

    def __init__(self, events: AsyncGenerator[E]) -> None:
        self._events = events
        self._open = False
        self._result: R | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        self._open = False
        event = await self._events.__anext__()
        self._open = not isinstance(event, DoneEvent)
        if not self._open:
            self._result = cast("DoneEvent[R]", event).result
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the upstream; what was not read is lost."""
        self._open = False
        await self._events.aclose()

    def result(self) -> R:
        """Give the record of the whole answer once `done` was handed over; RuntimeError before that."""
        if self._result is None:
            raise RuntimeError("the stream has no result yet: read it to its end first")
        return self._result

    def __del__(self) -> None:
        # The loop closes the generator that we leave behind, and with it the upstream.
        if self._open:
            warn_dropped()


def warn_dropped() -> None:
    """Tell that a stream was forgotten while it was running."""
    from logging import getLogger

    message = "a stream was dropped before its end and is closed now; read it to its end, or use it in a `with` block"
    getLogger("pipelex_like").warning(message)


class Shaper(Protocol[E_co]):
    """Makes events of the pieces of one try."""

    def take(self, piece: Piece) -> Iterable[E_co]:
        """Give the events that a piece makes."""
        ...

    def check(self, reply: LlmReply) -> None:
        """Raise MisfitError if the whole is not what was asked for."""
        ...

    def finish(self, walk: Walk[LlmJob], step: Step[LlmJob], reply: LlmReply) -> Iterable[E_co]:
        """Give the last events, `done` at the end."""
        ...


class TextShaper:
    """Events of a text."""

    def take(self, piece: Piece) -> Iterable[TextStreamEvent]:
        """Give one event for a piece."""
        match piece:
            case TextPiece(text=text):
                return (TextEvent(text),) if text else ()
            case ReasoningPiece(text=text):
                return (ReasoningEvent(text),) if text else ()
            case ToolCallPiece(call=call):
                return (ToolCallEvent(call),)
            case EndPiece():
                return ()

    def check(self, reply: LlmReply) -> None:
        """Take any text."""

    def finish(self, walk: Walk[LlmJob], step: Step[LlmJob], reply: LlmReply) -> Iterable[TextStreamEvent]:
        """Give `done`."""
        return (DoneEvent(text_result(walk, step, reply)),)


class ObjectShaper(Generic[T]):
    """Events of an object that grows with its JSON."""

    def __init__(self, shape: ObjectShape[T]) -> None:
        self._shape = shape
        self._text = ""
        self._last: object = None
        self._value: T | None = None

    def take(self, piece: Piece) -> Iterable[ObjectStreamEvent[T]]:
        """Give an event where the object has grown."""
        match piece:
            case TextPiece(text=text):
                self._text += text
                partial = self._shape.partial(self._text)
                if partial is None or partial == self._last:
                    return ()
                self._last = partial
                return (ObjectEvent(partial),)
            case ReasoningPiece(text=text):
                return (ReasoningEvent(text),) if text else ()
            case ToolCallPiece() | EndPiece():
                return ()

    def check(self, reply: LlmReply) -> None:
        """Raise MisfitError unless the whole JSON is the object that was asked for."""
        self._value = self._shape.validate(reply.text)

    def finish(self, walk: Walk[LlmJob], step: Step[LlmJob], reply: LlmReply) -> Iterable[ObjectStreamEvent[T]]:
        """Give the validated object, then `done`."""
        value = cast("T", self._value)
        return (ObjectEvent(value), DoneEvent(object_result(walk, step, reply, value)))


async def stream_events(call: Call[LlmJob], new_shaper: Callable[[], Shaper[E]]) -> AsyncGenerator[E]:
    """Give the events of the first candidate that begins to answer."""
    walk, clock = Walk(call), call.core.runtime.clock
    seen: list[Piece] = []
    try:
        for step in walk.steps():
            shaper, seen, handed = new_shaper(), [], False
            reply: LlmReply | None = None
            error: CallError
            try:
                async with aclosing(_pieces(walk, step)) as pieces:
                    async for piece in pieces:
                        seen.append(piece)
                        for event in shaper.take(piece):
                            handed, given = True, clock()
                            yield event
                            walk.away += clock() - given
                reply = _end(step, seen)
                shaper.check(reply)
            except MisfitError as misfit:
                error = walk.misfit(step, cast("LlmReply", reply), misfit, begun=handed)
            except CallError as failure:
                walk.fail(step, error := failure, reply, begun=handed)
            except TimeoutError as late:
                raise _too_late(walk, step, late, seen, handed=handed) from None
            else:
                walk.succeed(step, reply)
                await keep(walk, step, reply)
                for event in shaper.finish(walk, step, reply):
                    yield event
                return
            if handed:
                raise _interrupted(walk, step, error, seen) from error
        raise walk.error()
    finally:
        walk.close(seen)


async def _pieces(walk: Walk[LlmJob], step: Step[LlmJob]) -> AsyncGenerator[Piece]:
    if walk.call.rules.cache is not None:
        kept = await look_up(walk, step)
        if kept is not None:
            for piece in replay(cast("LlmReply", kept)):
                yield piece
            return
    async with asyncio.timeout(walk.remaining()):
        await walk.enter(step)
    client = await lend(walk, step)
    try:
        worker = cast("LlmWorker", client.worker)
        async with aclosing(worker.stream(step.job, step.candidate, step.limits)) as pieces:
            # Only the time in which the provider is waited for counts, not what the caller does with an event.
            while (piece := await _next(walk, step, pieces)) is not None:
                if step.stake.first_event is None:
                    step.stake.first_event = walk.call.core.runtime.clock()
                yield piece
    finally:
        walk.call.core.clients.give_back(client)


async def _next(walk: Walk[LlmJob], step: Step[LlmJob], pieces: AsyncGenerator[Piece]) -> Piece | None:
    span = step.stake.span
    left = walk.remaining()
    if left is None and span is None:
        return await anext(pieces, None)
    with nullcontext() if span is None else span.sending():
        async with asyncio.timeout(left):
            return await anext(pieces, None)


def _end(step: Step[LlmJob], seen: list[Piece]) -> LlmReply:
    if seen and isinstance(end := seen[-1], EndPiece):
        return end.reply
    raise InvalidResponseError(f"{who(step.candidate)}: the stream stopped without its end")


def _too_late(
    walk: Walk[LlmJob], step: Step[LlmJob], late: TimeoutError, seen: list[Piece], *, handed: bool
) -> Exception:
    if walk.remaining() is None:
        return late  # It is none of ours.
    error = walk.too_late()
    return _interrupted(walk, step, error, seen) if handed else error


def _interrupted(walk: Walk[LlmJob], step: Step[LlmJob], error: CallError, seen: list[Piece]) -> StreamInterruptedError:
    arrived = LlmReply(
        text="".join(piece.text for piece in seen if isinstance(piece, TextPiece)),
        reasoning="".join(piece.text for piece in seen if isinstance(piece, ReasoningPiece)),
        tool_calls=tuple(piece.call for piece in seen if isinstance(piece, ToolCallPiece)),
        finish_reason="other",
    )
    return StreamInterruptedError(
        f"the stream broke after it had begun: {error}",
        partial=text_result(walk, step, arrived),
        attempts=tuple(walk.record.attempts),
        status=error.status,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )
