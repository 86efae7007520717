"""The ledger as a text file: a line of JSON for each attempt."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import orjson

from pipelex_like.usage.rows import row_of

if TYPE_CHECKING:
    from collections import deque
    from io import FileIO
    from pathlib import Path

    from pipelex_like.types import UsageRecord


class JsonLines:
    """Appends whole lines, so that several processes may write to one file. It is opened anew for every batch, so that
    it may be moved away at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, waiting: deque[UsageRecord]) -> None:
        """Write a line for each record; a new file is readable for its owner only."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a+b", buffering=0, opener=_private) as file:
            start = b"\n" if _torn(file) else b""
            while waiting:
                _write(file, start + orjson.dumps(row_of(waiting[0])) + b"\n")
                waiting.popleft()
                start = b""

    def close(self) -> None:
        """Nothing stays open."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _torn(file: FileIO) -> bool:
    """Whether the last line has no end, because the disk was full or the process was killed."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _write(file: FileIO, line: bytes) -> None:
    while line:
        line = line[file.write(line) :]
