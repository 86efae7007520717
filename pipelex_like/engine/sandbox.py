"""The simulated provider of the backend `sandbox`, started when a call first needs it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelex_like.deck import Backend
    from pipelex_like.sandbox import Sandbox

NAME = "sandbox"


def is_simulated(backend: Backend) -> bool:
    """Whether the engine has to start the provider itself: the backend of that name without an address."""
    return backend.name == NAME and "endpoint" not in backend.keys


class LazySandbox:
    """At most one per process: a forked child starts its own."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}
        self._running: dict[int, Sandbox] = {}

    @property
    def running(self) -> bool:
        """Whether this process has one."""
        return os.getpid() in self._running

    def start(self) -> Sandbox:
        """Give the running sandbox."""
        pid = os.getpid()
        running = self._running.get(pid)
        if running is not None:
            return running
        with self._locks.setdefault(pid, threading.Lock()):
            running = self._running.get(pid)
            if running is None:
                from pipelex_like.sandbox import Sandbox

                running = self._running[pid] = Sandbox().start()
            return running

    def close(self, *, wait: bool = True) -> None:
        """Stop it, if this process started one."""
        running = self._running.pop(os.getpid(), None)
        if running is None:
            return
        if wait:
            running.close()
        else:
            threading.Thread(target=running.close, daemon=True).start()
