"""The ledger as a table of an SQLite file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import orjson

from pipelex_like.usage.rows import COLUMNS, row_of
from pipelex_like.usage.sqlite_file import open_file

if TYPE_CHECKING:
    from collections import deque
    from pathlib import Path

    from pipelex_like.types import UsageRecord

VERSION = 1
_PATIENCE = 2.0
_TABLE = f"""CREATE TABLE IF NOT EXISTS attempts (
    {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())},
    PRIMARY KEY (request_id, attempt)
)"""
_DAYS = "CREATE INDEX IF NOT EXISTS attempts_by_day ON attempts (day)"
_INSERT = f"""INSERT INTO attempts ({", ".join(COLUMNS)}) VALUES ({", ".join("?" * len(COLUMNS))})
ON CONFLICT (request_id, attempt) DO NOTHING"""


def connect(path: Path, *, wait: float = _PATIENCE) -> sqlite3.Connection:
    """Open the file, made with its folder and tables where they are not there yet, readable for its owner only.

    No transaction begins by itself. A lock of somebody else is waited for, `wait` seconds at most. Raises OSError or
    sqlite3.Error.
    """
    connection = open_file(path, wait=wait)
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version. A newer file is left as it is: versions only ever add columns and tables."""
    if connection.execute("PRAGMA user_version").fetchone()[0] >= VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_TABLE)
    connection.execute(_DAYS)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


class Table:
    """Adds rows; an attempt that is there already stays as it is."""

    def __init__(self, path: Path, *, wait: float = _PATIENCE) -> None:
        self._path = path
        self._wait = wait
        self._connection: sqlite3.Connection | None = None

    def add(self, waiting: deque[UsageRecord]) -> None:
        """Insert everything that waits in one transaction."""
        batch = [_cells(record) for record in waiting]
        if not self._path.exists():
            self.close()
        try:
            connection = self._connection = self._connection or connect(self._path, wait=self._wait)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, batch)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # A new connection finds out by itself whether the file was moved, mended or made room for.
            self.close()
            raise OSError(str(error)) from error
        for _ in batch:
            waiting.popleft()

    def close(self) -> None:
        """Close the file, without what was not committed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _cells(record: UsageRecord) -> list[object]:
    row = row_of(record)
    return [*(cell for name, cell in row.items() if name != "tags"), orjson.dumps(row["tags"]).decode()]
