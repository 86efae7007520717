"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

CLOSED = "this Inference is closed; load another one"


def refuse_inside_loop() -> None:
    """Raise RuntimeError where waiting would block a running event loop."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("ai.sync would block the running event loop; await the method of the same name on ai itself")


class Background:
    """Runs coroutines for threads without a loop. The thread starts at first use; a forked child starts its own."""

    def __init__(self) -> None:
        # By process: a child finds nothing under its own id, and never touches what a thread of its parent held.
        self._threads: dict[int, LoopThread] = {}
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether this process has the thread."""
        thread = self._threads.get(os.getpid())
        return thread is not None and thread.running

    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the running loop. Raises RuntimeError once it was closed."""
        if self._closed:
            raise RuntimeError(CLOSED)
        pid = os.getpid()
        thread = self._threads.get(pid) or self._threads.setdefault(pid, LoopThread())
        return thread.loop()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Wait for the coroutine's result; leaving early (Ctrl-C) cancels it."""
        import asyncio

        try:
            loop = self.loop()
        except RuntimeError:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return self.outcome(future)
        finally:
            if not future.done():
                future.cancel()

    def outcome(self, future: Future[T]) -> T:
        """Wait for what the loop makes; RuntimeError if it was closed over it."""
        from concurrent.futures import CancelledError

        try:
            return future.result()
        except CancelledError:
            if not self._closed:
                raise
            raise RuntimeError("this Inference was closed while the call was under way") from None

    def close(self, *, wait: bool = True) -> None:
        """End the loop: its tasks are cancelled, its clients closed; then the thread is gone, and none starts anew."""
        self._closed = True
        thread = self._threads.get(os.getpid())
        if thread is not None:
            thread.close(wait=wait)


class LoopThread:
    """A daemon thread with one loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the loop was started and not closed."""
        return self._loop is not None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the loop, started if need be."""
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            return self._loop or self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        import asyncio

        started: list[asyncio.AbstractEventLoop] = []
        ready = threading.Event()

        async def until_stopped() -> None:
            self._stop = asyncio.Event()
            started.append(asyncio.get_running_loop())
            ready.set()
            await self._stop.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(until_stopped()), name="pipelex_like", daemon=True)
        self._thread.start()
        ready.wait()
        self._loop = started[0]
        return self._loop

    def close(self, *, wait: bool) -> None:
        """Stop the loop and forget it."""
        with self._lock:
            loop, stop, thread = self._loop, self._stop, self._thread
            self._loop = self._stop = self._thread = None
        if loop is None or stop is None or thread is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(stop.set)
        if wait and thread is not threading.current_thread():
            thread.join()
