"""The thread that carries records to a file, so that no call waits for a disk."""

from __future__ import annotations

import atexit
import os
from collections import deque
from queue import Empty, SimpleQueue
from threading import Event, RLock, Thread, main_thread
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelex_like.types import UsageRecord

_MOST = 10_000
_BATCH = 1000
_PATIENCE = 5.0
_AGAIN = 1.0


class Store(Protocol):
    """A file as one thread uses it; opened by the first `add`."""

    def add(self, waiting: deque[UsageRecord]) -> None:
        """Store records from the left and take away those that are safe. Raises OSError, with the rest left there."""
        ...

    def close(self) -> None:
        """Close the file; the next `add` opens it again."""
        ...


class LedgerSink:
    """A sink that appends to a file by a thread of its own.

    A file that is locked, full or not to be written to is told once on the `pipelex_like` logger; records wait for it,
    at most `most` of them, and it is tried again every `again` seconds. In a forked process it starts anew: what was
    waiting is the parent's to write.
    """

    def __init__(
        self, path: Path, open_store: Callable[[], Store], *, most: int = _MOST, again: float = _AGAIN
    ) -> None:
        self.path = path
        self._open = open_store
        self._most = most
        self._again = again
        # Taken twice where the destructor of an abandoned stream runs in the middle of a write and has a record too.
        self._lock = RLock()
        self._pid = os.getpid()
        self._run: _Run | None = None

    def write(self, record: UsageRecord) -> None:
        """Hand the record to the thread, which is started by the first one."""
        with self._own():
            run = self._run or self._begin()
            run.take(record)
            if not run.thread.is_alive():
                # The program is ending: nobody would wait for a thread.
                self._run = None
                run.queue.put(None)
                run.work()

    def flush(self) -> None:
        """Wait until what was written before is in the file, at most five seconds."""
        with self._own():
            if self._run is None:
                return
            done = Event()
            self._run.queue.put(done)
        done.wait(_PATIENCE)

    def close(self) -> None:
        """Flush, end the thread and close the file; what cannot be stored now is given up, and told."""
        with self._own():
            run, self._run = self._run, None
            if run is None:
                return
            run.queue.put(None)
        atexit.unregister(self.close)
        run.thread.join(_PATIENCE)

    def _begin(self) -> _Run:
        self._run = run = _Run(self.path, self._open(), most=self._most, again=self._again)
        if not main_thread().is_alive():
            return run
        try:
            run.thread.start()
        except RuntimeError:
            return run
        # A program that never closes the ledger still gets its last records into the file.
        atexit.register(self.close)
        return run

    def _own(self) -> RLock:
        """The lock, and in a forked process a new one: the thread that may have held it is not here."""
        if self._pid != os.getpid():
            self._pid, self._lock, self._run = os.getpid(), RLock(), None
        return self._lock


class _Run:
    """One life of the thread. In its queue, None means to end and an Event to be told that all before it is stored."""

    def __init__(self, path: Path, store: Store, *, most: int, again: float) -> None:
        self.queue: SimpleQueue[UsageRecord | Event | None] = SimpleQueue()
        self.thread = Thread(target=self.work, name="pipelex-like ledger", daemon=True)
        self._path = path
        self._store = store
        self._most = most
        self._again = again
        self._waiting: deque[UsageRecord] = deque()
        self._marks: list[Event] = []
        self._lost = 0
        self._told = False

    def take(self, record: UsageRecord) -> None:
        if self.queue.qsize() + len(self._waiting) < self._most:
            self.queue.put(record)
            return
        self._lost += 1
        if self._lost == 1:
            _warn(f"the ledger {self._path} has {self._most} records waiting; further ones are not kept")

    def work(self) -> None:
        going = True
        while going:
            going = self._gather()
            self._write()
            for mark in self._marks:
                mark.set()
            self._marks.clear()
        self._store.close()
        lost = self._lost + len(self._waiting)
        if lost:
            _warn(f"{lost} records of usage could not be written to the ledger {self._path} and are lost")

    def _gather(self) -> bool:
        """Wait for something to do, and take what else is there; False at the end."""
        try:
            item = self.queue.get(timeout=self._again if self._waiting else None)
        except Empty:
            return True
        while item is not None:
            if isinstance(item, Event):
                self._marks.append(item)
            else:
                self._waiting.append(item)
            if self.queue.empty() or len(self._waiting) >= _BATCH:
                return True
            item = self.queue.get()
        return False

    def _write(self) -> None:
        if not self._waiting:
            return
        try:
            self._store.add(self._waiting)
        except OSError as error:
            if not self._told:
                why = error.strerror or str(error) or type(error).__name__
                _warn(
                    f"the ledger {self._path} cannot be written: {why}. Calls go on, records wait and are tried again"
                )
            self._told = True
        else:
            self._told = False


def _warn(message: str) -> None:
    from logging import getLogger

    getLogger("pipelex_like").warning("%s", message)
