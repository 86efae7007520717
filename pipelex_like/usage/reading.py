"""A ledger read back and added up."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import orjson

from pipelex_like.types.shapes import is_list, is_table
from pipelex_like.usage.ledger import form_of
from pipelex_like.usage.rows import COLUMNS
from pipelex_like.usage.summary import NONE, Tally, Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from pipelex_like.usage.summary import Counts, Grouping, Names

_Row = tuple[str, "Mapping[str, object]"]
"""Where it stands, for people, and its cells by column, none where it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A ledger's sums. `groups` is in order of days, otherwise the dearest first; a record with several tags counts for
    each of them, in `total` once. `unreadable` counts the records that were left out, `first_unreadable` is the first.
    """

    groups: Mapping[str, Totals]
    total: Totals
    unreadable: int = 0
    first_unreadable: str | None = None


def read_ledger(path: Path, *, by: Grouping = "day", since: date | None = None, until: date | None = None) -> Reading:
    """Add up a ledger of either form, from the day `since` to the day `until`, both in UTC and both included.

    An attempt that stands there twice counts once. Raises OSError where the file cannot be read, ValueError where it is
    no ledger.
    """
    first, last = since.isoformat() if since else "", until.isoformat() if until else "~"
    rows = _lines(path) if form_of(path) == "jsonl" else _table(path, first, last)
    tally, bad = Tally((by,)), list[str]()
    tally.add(_entries(rows, bad, first=first, last=last))
    sums = {name: Totals.of(counts) for name, counts in tally.groups[by].items()}
    order = (
        sorted(sums) if by == "day" else sorted(sums, key=lambda name: (-sums[name].cost, -sums[name].requests, name))
    )
    return Reading(
        groups={name: sums[name] for name in order},
        total=Totals.of(tally.total),
        unreadable=len(bad),
        first_unreadable=next(iter(bad), None),
    )


def _entries(rows: Iterable[_Row], bad: list[str], *, first: str, last: str) -> Iterator[tuple[Names, Counts]]:
    """Give what the rows say, each attempt once; the places of those that cannot be read go into `bad`."""
    seen: set[int] = set()
    for place, row in rows:
        try:
            names, counts = _names(row), _counts(row)
            key = hash((_text(row, "request_id"), _number(row, "attempt")))
        except (ValueError, TypeError, KeyError, InvalidOperation):
            bad.append(place)
            continue
        # The hash alone, since a year's keys would fill the memory.
        if first <= names[0] <= last and key not in seen:
            seen.add(key)
            yield names, counts


def _lines(path: Path) -> Iterator[_Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"line {number}", _parsed(line)


def _parsed(line: bytes) -> Mapping[str, object]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if is_table(value) else {}


def _table(path: Path, first: str, last: str) -> Iterator[_Row]:
    import sqlite3

    path.stat()  # sqlite3 does not say that a file is absent
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = _lenient
            held = {str(column[1]) for column in connection.execute("PRAGMA table_info(attempts)")}
            if "day" not in held:
                raise ValueError(f"{path}: this SQLite file holds no ledger")
            columns = [name for name in COLUMNS if name in held]
            query = f"SELECT {', '.join(columns)} FROM attempts WHERE day BETWEEN ? AND ? OR day IS NULL"
            for cells in connection.execute(query, (first, last)):
                row = dict(zip(columns, cells, strict=True))
                yield f"request {row.get('request_id')}, attempt {row.get('attempt')}", _untangled(row)
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path}: not to be read as an SQLite ledger: {error}") from error


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _untangled(row: dict[str, object]) -> dict[str, object]:
    try:
        row["tags"] = orjson.loads(str(row.get("tags") or "[]"))
    except orjson.JSONDecodeError:
        row["tags"] = None
    return row


def _names(row: Mapping[str, object]) -> Names:
    tags = row.get("tags", [])
    if not is_list(tags):
        raise TypeError("tags")
    return (
        _text(row, "day"),
        _text(row, "handle"),
        _text(row, "backend"),
        _text(row, "preset"),
        _text(row, "profile"),
        _text(row, "kind"),
        tuple(str(tag) for tag in tags),
    )


def _text(row: Mapping[str, object], name: str) -> str:
    """Give the text of a cell; only what tells one attempt from another, and its day, must be there."""
    value = row[name] if name in {"day", "request_id"} else row.get(name) or NONE
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _counts(row: Mapping[str, object]) -> Counts:
    cost = row.get("cost")
    price = None if cost is None else Decimal(str(cost))
    if price is not None and not price.is_finite():
        raise ValueError("cost")
    return (
        1,
        row.get("outcome") == "failed",
        bool(row.get("cached")),
        _number(row, "input_tokens"),
        _number(row, "output_tokens"),
        _number(row, "cached_tokens"),
        _number(row, "cache_write_tokens") + _number(row, "cache_write_1h_tokens"),
        _number(row, "reasoning_tokens"),
        _number(row, "pages"),
        _number(row, "images"),
        price or Decimal(0),
        price is None,
        not row.get("measured", True),
        _seconds(row),
    )


def _number(row: Mapping[str, object], name: str) -> int:
    value = row.get(name) or 0
    if not isinstance(value, int):
        raise TypeError(name)
    return value


def _seconds(row: Mapping[str, object]) -> float:
    value = row.get("latency") or 0
    if not isinstance(value, int | float):
        raise TypeError("latency")
    return value
