"""Where records of usage go: the promise that every sink keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.types import UsageRecord


class Sink(Protocol):
    """Takes the record of every attempt, from any thread and any event loop.

    `write` never raises and does not wait for a disk or a network; a record that comes after `close` is kept too.
    """

    def write(self, record: UsageRecord) -> None:
        """Take a record."""
        ...

    def flush(self) -> None:
        """Return once everything that was written before is stored, or after a few seconds."""
        ...

    def close(self) -> None:
        """Flush, and give back files and threads; may be called twice."""
        ...


class Sinks:
    """Several sinks as one. One that breaks its promise and raises is told of once; the others still get theirs."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._blamed: set[int] = set()

    def write(self, record: UsageRecord) -> None:
        """Hand the record to every sink."""
        for sink in self._sinks:
            try:
                sink.write(record)
            except Exception as error:  # a sink is somebody's own code: no call may fail for it
                self._blame(sink, error)

    def flush(self) -> None:
        """Flush every sink."""
        for sink in self._sinks:
            try:
                sink.flush()
            except Exception as error:  # as above
                self._blame(sink, error)

    def close(self) -> None:
        """Close every sink."""
        for sink in self._sinks:
            try:
                sink.close()
            except Exception as error:  # as above
                self._blame(sink, error)

    def _blame(self, sink: Sink, error: Exception) -> None:
        if id(sink) in self._blamed:
            return
        self._blamed.add(id(sink))
        from logging import getLogger

        # Not the error's own words: what a stranger's code puts into them may be a secret.
        message = "the usage sink %s raised %s; calls go on, and it is told of only this once"
        getLogger("pipelex_like").warning(message, type(sink).__name__, type(error).__name__)
