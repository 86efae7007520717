"""The same calls for code without an event loop; each signature is taken from its async twin."""

from __future__ import annotations

import os
from functools import wraps
from queue import SimpleQueue
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, Self, TypeVar

from pipelex_like.engine.background import Background, refuse_inside_loop
from pipelex_like.engine.verbs import Verbs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from pipelex_like.engine.streams import Stream

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E")

_AHEAD = 64
"""So many events are read before the caller takes them; then the upstream waits."""


def waiting(method: Callable[Concatenate[Verbs, P], Coroutine[object, object, R]]) -> Callable[Concatenate[Sync, P], R]:
    """Make the blocking twin of a method."""

    @wraps(method)
    def call(self: Sync, /, *args: P.args, **kwargs: P.kwargs) -> R:
        refuse_inside_loop()
        return self.background.run(method(self.verbs, *args, **kwargs))

    return call


def streaming(
    method: Callable[Concatenate[Verbs, P], Stream[E, R]],
) -> Callable[Concatenate[Sync, P], SyncStream[E, R]]:
    """Make the blocking twin of a method that streams."""

    @wraps(method)
    def call(self: Sync, /, *args: P.args, **kwargs: P.kwargs) -> SyncStream[E, R]:
        refuse_inside_loop()
        return SyncStream(method(self.verbs, *args, **kwargs), self.background)

    return call


class Sync:
    """Each call waits for its answer. Inside a running event loop it raises RuntimeError at once."""

    def __init__(self, verbs: Verbs, background: Background) -> None:
        self.verbs = verbs
        self.background = background

    generate_text = waiting(Verbs.generate_text)
    stream_text = streaming(Verbs.stream_text)
    generate_object = waiting(Verbs.generate_object)
    stream_object = streaming(Verbs.stream_object)
    extract = waiting(Verbs.extract)
    generate_images = waiting(Verbs.generate_images)


class SyncStream(Generic[E, R]):
    """A stream as a plain iterator and context manager; otherwise as its async twin."""

    def __init__(self, stream: Stream[E, R], background: Background) -> None:
        self._stream = stream
        self._background = background
        self._pump: Pump[E] | None = None
        self._over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        if self._over:
            raise StopIteration
        if self._pump is None:
            refuse_inside_loop()
            self._pump = Pump(self._stream, self._background.loop())
        elif self._pump.foreign:
            raise RuntimeError("this stream was begun in another process; a fork begins streams of its own")
        event = self._pump.next()
        if event is None:
            self._over = True
            self._background.outcome(self._pump.future)
            raise StopIteration
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the upstream; what was not read is lost."""
        self._over = True
        if self._pump is not None and not self._pump.foreign and not self._pump.future.done():
            self._background.run(self._pump.stop())

    def result(self) -> R:
        """Give the record of the whole answer once `done` was handed over; RuntimeError before that."""
        return self._stream.result()

    def __del__(self) -> None:
        if self._pump is not None and not self._over and not self._pump.foreign and not self._pump.future.done():
            from pipelex_like.engine.streams import warn_dropped

            warn_dropped()
            self._pump.future.cancel()


class Pump(Generic[E]):
    """Reads a stream on its loop into a queue: one hand-over between threads serves many events."""

    def __init__(self, stream: Stream[E, R], loop: asyncio.AbstractEventLoop) -> None:
        import asyncio

        self._stream = stream
        self._loop = loop
        self._process = os.getpid()
        self._queue: SimpleQueue[E | None] = SimpleQueue()
        self._taken = 0
        self._room = asyncio.Semaphore(_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self.future: Future[None] = asyncio.run_coroutine_threadsafe(self._run(), loop)
        self.future.add_done_callback(lambda _: self._queue.put(None))

    @property
    def foreign(self) -> bool:
        """Whether this is a fork, in which nobody reads for it."""
        return os.getpid() != self._process

    async def _run(self) -> None:
        import asyncio

        self._task = asyncio.current_task()
        async with self._stream:
            async for event in self._stream:
                await self._room.acquire()
                self._queue.put(event)

    def next(self) -> E | None:
        """Wait for the next event; None = there is none, and `future` knows why."""
        event = self._queue.get()
        self._taken += 1
        if self._taken % (_AHEAD // 2) == 0 and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._give_room)
        return event

    def _give_room(self) -> None:
        for _ in range(_AHEAD // 2):
            self._room.release()

    async def stop(self) -> None:
        """End the reading, with the upstream closed."""
        import asyncio

        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
