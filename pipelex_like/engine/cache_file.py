"""Replies in a SQLite file, for many processes at once."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from pipelex_like.engine.cache_text import read, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelex_like.engine.replies import Reply

V = TypeVar("V")

# "plxc" and the form of the table: they tell our file from anybody else's, and from one of another version.
_OURS = (0x706C7863, 1)
_BUSY_SECONDS = 0.25
_REST_SECONDS = 10.0
_TABLE = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at REAL NOT NULL, reply BLOB NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_by_age ON replies (at);
PRAGMA application_id = {};
PRAGMA user_version = {};
COMMIT;
""".format(*_OURS)


class ForeignFileError(Exception):
    """The file is somebody else's, or of another version: it is left as it is."""


class FileShelf:
    """Keeps the last `max_entries` replies that were written; reading writes nothing, and so waits for nobody.

    The file is made with mode 600. After a failure it is left alone for ten seconds, so that a file that is locked
    costs little; it is opened with the first request.
    """

    def __init__(self, path: Path, *, max_entries: int, ttl: float, now: Callable[[], float]) -> None:
        self._path = path
        self._max_entries = max_entries
        self._ttl = ttl
        self._now = now
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._failed_at: float | None = None
        self._told: set[str] = set()

    def get(self, key: str, most_age: float) -> Reply | None:
        """Give the reply under the key if it is younger than `most_age` seconds."""
        row = self._with_file(lambda file: _find(file, key))
        if row is None:
            return None
        try:
            at, reply = _entry(*row)
        except ValueError:
            self._tell("entry", "holds a damaged entry, which is passed over")
            return None
        return reply if 0 <= self._now() - at < min(most_age, self._ttl) else None

    def put(self, key: str, reply: Reply) -> None:
        """Keep the reply in the place of an earlier one."""
        try:
            text = written(reply)
        except (TypeError, ValueError, RecursionError) as error:
            self._tell("value", f"cannot keep a reply: {error}")
            return
        self._with_file(lambda file: self._store(file, key, text))

    def close(self) -> None:
        """Close the file; nothing is found or kept from then on."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _store(self, file: sqlite3.Connection, key: str, text: bytes) -> None:
        now = self._now()
        with file:
            file.execute("BEGIN IMMEDIATE")
            file.execute(
                "INSERT OR REPLACE INTO replies (key, at, reply, digest) VALUES (?, ?, ?, ?)",
                (key, now, text, _check(text)),
            )
            file.execute("DELETE FROM replies WHERE at <= ?", (now - self._ttl,))
            # The newest has the highest id: this bounds the entries without counting them.
            file.execute("DELETE FROM replies WHERE id <= (SELECT max(id) FROM replies) - ?", (self._max_entries,))

    def _with_file(self, work: Callable[[sqlite3.Connection], V]) -> V | None:
        with self._lock:
            if self._closed or self._rests():
                return None
            try:
                if self._connection is None:
                    self._connection = _open(self._path)
                found = work(self._connection)
            except (sqlite3.Error, OSError, ForeignFileError) as error:
                self._let_go()
                self._failed_at = self._now()
                self._tell("file", f"is not used for now: {error}")
                return None
            self._failed_at = None
            return found

    def _rests(self) -> bool:
        return self._failed_at is not None and 0 <= self._now() - self._failed_at < _REST_SECONDS

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _tell(self, sort: str, what: str) -> None:
        if sort in self._told:
            return
        self._told.add(sort)
        from logging import getLogger

        getLogger("pipelex_like").warning("the response cache %s %s", self._path, what)


def _find(file: sqlite3.Connection, key: str) -> tuple[object, object, object] | None:
    return file.execute("SELECT at, reply, digest FROM replies WHERE key = ?", (key,)).fetchone()


def _entry(at: object, text: object, digest: object) -> tuple[float, Reply]:
    if isinstance(at, float) and isinstance(text, bytes) and digest == _check(text):
        return at, read(text)
    raise ValueError("this is not what was written")


def _check(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file that is there is not opened and closed here: on POSIX that would end the locks which another connection
    # of this process holds on it (https://sqlite.org/howtocorrupt.html).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    file = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(file)
    except (sqlite3.Error, ForeignFileError):
        file.close()
        raise
    return file


def _prepare(file: sqlite3.Connection) -> None:
    """Make the table in an empty file. Raises ForeignFileError for a file that is not ours."""
    file.execute("PRAGMA trusted_schema = OFF")
    # In one statement: another process may be making the table at this moment.
    marks = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
    *owner, tables = file.execute(f"{marks} FROM pragma_application_id, pragma_user_version").fetchone()
    if tuple(owner) != _OURS:
        if tables or any(owner):
            raise ForeignFileError(
                "it is a database of something else, or of another version of this package. Delete it, or name "
                "another file under [cache] path in routing_profiles.toml"
            )
        # Without it, as on some network drives, readers and writers wait for each other; that is all.
        with suppress(sqlite3.OperationalError):
            file.execute("PRAGMA journal_mode = WAL")
        file.executescript(_TABLE)
    file.execute("PRAGMA synchronous = NORMAL")
