"""The day's spending of all processes that share a ledger, in two tables of its SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

from pipelex_like.errors import BudgetError
from pipelex_like.types.spending import Standing
from pipelex_like.usage.sqlite_file import open_file

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_log = logging.getLogger("pipelex_like")

# Seconds that the other writers may take together.
_PATIENCE = 10.0
# Costs are texts: exact decimals. A day's row counts its open holds too, so that nothing has to be summed up. An id is
# never given twice, lest a late settlement ends another's hold.
_TABLES = (
    """CREATE TABLE IF NOT EXISTS holds (
        id INTEGER PRIMARY KEY AUTOINCREMENT, day TEXT NOT NULL, pid INTEGER NOT NULL, cost TEXT NOT NULL,
        tokens INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS hold_days (
        day TEXT PRIMARY KEY, cost TEXT NOT NULL, tokens INTEGER NOT NULL, held_cost TEXT NOT NULL,
        held_tokens INTEGER NOT NULL
    )""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """A hold without settlement: of a request under way or, where process `pid` is gone, of one that nobody settled.

    It counts as spent at its `cost` (US dollars) and `tokens`, until somebody settles or releases it by its `id`.
    """

    id: str
    day: str
    pid: int
    cost: Decimal
    tokens: int


class Holds:
    """A day store (resilience.budget.DayStore) for all threads and processes that open the same file.

    Each change is one transaction that another process sees at once, and that a kill of this one cannot undo.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._pid = os.getpid()
        self._base: sqlite3.Connection | None = None
        self._parents: tuple[sqlite3.Connection | None, ...] = ()
        self._closed = False

    def hold(
        self, day: str, cost: Decimal, tokens: int, *, max_cost: Decimal | None, max_total_tokens: int | None
    ) -> str | Standing:
        """Give the id of a new hold, or where the day stands if a limit would be passed; what is free passes none.

        Raises BudgetError where the file cannot be read or written.
        """
        try:
            with self._transaction() as base:
                gone = _read_day(base, day)
                if gone.passes_cost(cost, max_cost) or gone.passes_tokens(tokens, max_total_tokens):
                    return gone
                row = (day, os.getpid(), str(cost), tokens)
                added = base.execute("INSERT INTO holds (day, pid, cost, tokens) VALUES (?, ?, ?, ?)", row)
                _write_day(base, day, gone.holding(cost, tokens))
                return str(added.lastrowid)
        except (sqlite3.Error, OSError) as error:
            raise BudgetError(
                f"{self._path}: what was spent today cannot be looked up ({error}), so nothing was sent. Make the "
                "file writable, or take the day's limits out of [budgets] in routing_profiles.toml."
            ) from error

    def settle(self, hold_id: str, cost: Decimal, tokens: int) -> Standing | None:
        """Put what was spent in the place of a hold, once, and give where its day stands then.

        None for one that is not held any more, and, with a line in the log, where the file cannot be written: the
        hold then counts as it is.
        """
        try:
            with self._transaction() as base:
                row = base.execute("SELECT day, cost, tokens FROM holds WHERE id = ?", (int(hold_id),)).fetchone()
                if row is None:
                    return None
                day, held_cost, held_tokens = row
                left = _read_day(base, day).holding(-Decimal(held_cost), -held_tokens).spending(cost, tokens)
                base.execute("DELETE FROM holds WHERE id = ?", (int(hold_id),))
                _write_day(base, day, left)
                return left
        except (sqlite3.Error, OSError) as error:
            _log.warning("%s: hold %s counts as it is, its end could not be written: %s", self._path, hold_id, error)
            return None

    def release(self, hold_id: str) -> None:
        """Drop a hold of which nothing was spent."""
        self.settle(hold_id, Decimal(0), 0)

    def standing(self, day: str) -> Standing:
        """Give what was spent and is held on a day. Raises OSError or sqlite3.Error."""
        with self._transaction() as base:
            return _read_day(base, day)

    def unsettled(self) -> tuple[OpenHold, ...]:
        """Give all open holds, the oldest first. Raises OSError or sqlite3.Error."""
        with self._transaction() as base:
            rows = base.execute("SELECT id, day, pid, cost, tokens FROM holds ORDER BY id").fetchall()
        return tuple(
            OpenHold(id=str(number), day=day, pid=pid, cost=Decimal(cost), tokens=tokens)
            for number, day, pid, cost, tokens in rows
        )

    def close(self) -> None:
        """Let go of the file. A hold that ends later is still written."""
        with self._own_lock():
            self._closed = True
            self._drop()

    def _own_lock(self) -> Lock:
        if self._pid != os.getpid():
            # A connection does not survive a fork, not even to be closed: https://sqlite.org/howtocorrupt.html
            self._parents = (*self._parents, self._base)
            self._pid, self._lock, self._base = os.getpid(), Lock(), None
        return self._lock

    def _drop(self) -> None:
        base, self._base = self._base, None
        if base is not None:
            base.close()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Give the connection with all other writers locked out; what was written is kept unless an error ends it."""
        with self._own_lock():
            done = False
            try:
                base = self._open()
                base.execute("BEGIN IMMEDIATE")
                yield base
                base.execute("COMMIT")
                done = True
            finally:
                # After a failure the next one finds out by itself whether the file was moved, mended or made room for.
                if self._closed or not done:
                    self._drop()

    def _open(self) -> sqlite3.Connection:
        if self._base is None:
            self._base = open_file(self._path, wait=_PATIENCE)
            for table in _TABLES:
                self._base.execute(table)
        return self._base


def _read_day(base: sqlite3.Connection, day: str) -> Standing:
    found = base.execute("SELECT cost, tokens, held_cost, held_tokens FROM hold_days WHERE day = ?", (day,)).fetchone()
    if found is None:
        return Standing()
    cost, tokens, held_cost, held_tokens = found
    return Standing(cost=Decimal(cost), tokens=tokens, held_cost=Decimal(held_cost), held_tokens=held_tokens)


def _write_day(base: sqlite3.Connection, day: str, standing: Standing) -> None:
    base.execute(
        "INSERT OR REPLACE INTO hold_days (day, cost, tokens, held_cost, held_tokens) VALUES (?, ?, ?, ?, ?)",
        (day, str(standing.cost), standing.tokens, str(standing.held_cost), standing.held_tokens),
    )
