"""`[budgets]`, `[ledger]` and `[cache]` of routing_profiles.toml: what outlives a call."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field

from pipelex_like.deck import Budgets, CacheStore, Ledger
from pipelex_like.specs.faults import checked, named
from pipelex_like.specs.fields import Count, Dollars, Seconds, Table, Text, Variable
from pipelex_like.specs.policy import read_count, read_dollars, read_variable
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from pipelex_like.specs.page import Page, Path

T = TypeVar("T", bound=Table)

_DOLLARS = Annotated[Dollars | None, Field(union_mode="left_to_right")]
_COUNT = Annotated[Count | Variable | None, Field(union_mode="left_to_right")]
_SECONDS = Annotated[Seconds | None, Field(union_mode="left_to_right")]
_LEDGERS = (".jsonl", ".sqlite", ".sqlite3", ".db")


class BudgetsTable(Table):
    """`[budgets]`."""

    run_max_cost: _DOLLARS = Field(default=None, description="most US dollars of one run of the program")
    day_max_cost: _DOLLARS = Field(default=None, description="most US dollars of one day (UTC)")
    run_max_total_tokens: _COUNT = Field(default=None, description="most tokens of one run, in and out")
    day_max_total_tokens: _COUNT = Field(default=None, description="most tokens of one day (UTC), in and out")


class LedgerTable(Table):
    """`[ledger]`."""

    path: Text | None = Field(
        default=None,
        description="a file with an account of every attempt: .jsonl, .sqlite, .sqlite3 or .db",
        examples=["usage.sqlite"],
    )


class CacheTable(Table):
    """`[cache]`."""

    path: Text | None = Field(
        default=None,
        description="a SQLite file for the answers that are kept; without it they are kept in memory",
        examples=["answers.sqlite"],
    )
    max_entries: _COUNT = Field(default=None, description="most answers that are kept; default 1000")
    ttl: _SECONDS = Field(default=None, description="seconds that an answer is kept; default: without end")


def read_budgets(value: object, page: Page) -> Budgets:
    """Give the budgets; what is wrong in them is reported and left out."""
    path = ("budgets",)
    table = _table(BudgetsTable, value, page, path)
    if table is None:
        return Budgets()
    return Budgets(
        run_max_cost=read_dollars(table.run_max_cost, page, (*path, "run_max_cost")),
        day_max_cost=read_dollars(table.day_max_cost, page, (*path, "day_max_cost")),
        run_max_total_tokens=_whole(table.run_max_total_tokens, page, (*path, "run_max_total_tokens")),
        day_max_total_tokens=_whole(table.day_max_total_tokens, page, (*path, "day_max_total_tokens")),
        origin=page.origin(path),
    )


def read_ledger(value: object, page: Page) -> Ledger | None:
    """Give the ledger, or None where there is none."""
    path = ("ledger",)
    before = page.errors
    table = _table(LedgerTable, value, page, path)
    if table is None:
        return None
    if table.path is None:
        if page.errors == before:
            page.error(path, "missing-key", "it names no file.", 'Write path = "usage.sqlite" in it.')
        return None
    found = _file(table.path, _LEDGERS, page, (*path, "path"))
    return None if found is None else Ledger(path=found, origin=page.origin(path))


def read_cache(value: object, page: Page) -> CacheStore:
    """Give the store of answers; without a table or a path it is in memory."""
    path = ("cache",)
    table = _table(CacheTable, value, page, path)
    if table is None:
        return CacheStore()
    usual = CacheStore()
    most = _whole(table.max_entries, page, (*path, "max_entries"))
    ttl = table.ttl
    if isinstance(ttl, str):
        read_variable(ttl, "float", page, (*path, "ttl"))
    return CacheStore(
        path=None if table.path is None else _file(table.path, (), page, (*path, "path")),
        max_entries=usual.max_entries if most is None else most,
        ttl=None if isinstance(ttl, str) else ttl,
        origin=page.origin(path),
    )


def _table(form: type[T], value: object, page: Page, path: Path) -> T | None:
    if value is None:
        return None
    if is_table(value):
        return checked(form, value, page=page, path=path)
    page.error(path, "wrong-type", f"expected a table, got {named(value)}.", f"Write [{path[0]}] above its keys.")
    return None


def _whole(value: int | str | None, page: Page, path: Path) -> int | None:
    found = read_count(value, page, path)
    return found if isinstance(found, int) else None


def _file(text: str, endings: tuple[str, ...], page: Page, path: Path) -> str | None:
    if "${" in text:
        message = "variables are filled in only in backends.toml and the files of backends/."
        page.error(path, "no-variable-here", message, "Write the path itself; a relative one starts at the project.")
    elif not text.strip():
        page.error(path, "empty-text", "an empty path names no file.", "Give it a value or leave the key out.")
    elif endings and PurePath(text).suffix.lower() not in endings:
        said = " or ".join([", ".join(endings[:-1]), endings[-1]])
        page.error(path, "unknown-ending", "the ending of the file's name tells its form.", f"Let it end in {said}.")
    elif not page.has_control(path, text):
        return text
    return None
