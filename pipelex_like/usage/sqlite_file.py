"""An SQLite file that several processes write to."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PAUSE = 0.01
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def open_file(path: Path, *, wait: float) -> sqlite3.Connection:
    """Open the file, made with its folder where it is not there yet, readable for its owner only.

    No transaction begins by itself, and any thread may use the connection, one at a time. A lock of somebody else is
    waited for, `wait` seconds at most. Raises OSError or sqlite3.Error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        keep_a_log(connection, wait=wait)
        # Safe when the process is killed; a power cut may cost the last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def keep_a_log(connection: sqlite3.Connection, *, wait: float) -> None:
    """Have changes written to a log of their own, so that readers and a writer do not lock each other out.

    SQLite itself does not wait for a lock here, though two processes may make the file at the same moment.
    """
    for _ in range(int(wait / _PAUSE)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY:
                raise
            time.sleep(_PAUSE)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")
