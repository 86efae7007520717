from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from usage.records import DAY, NOVEMBER_1, record

from pipelex_like.usage.ledger import open_ledger
from pipelex_like.usage.reading import read_ledger


@pytest.fixture(params=["usage.jsonl", "usage.sqlite"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five days in November, dearer by the day; the last one is anthropic's."""
    path = tmp_path / request.param
    ledger = open_ledger(path)
    for number in range(5):
        backend = "anthropic" if number == 4 else "openai"
        at = NOVEMBER_1 + (4 - number) * DAY
        ledger.write(record(number, at=at, backend=backend, cost=Decimal(10 ** (5 - number))))
    ledger.close()
    return path


def test_days_come_in_order_and_all_else_the_dearest_first(path: Path) -> None:
    assert list(read_ledger(path).groups) == [f"2026-11-0{day}" for day in range(1, 6)]
    assert list(read_ledger(path, by="backend").groups) == ["openai", "anthropic"]


@pytest.mark.parametrize(
    ("since", "until", "requests"),
    [
        (None, None, 5),
        (date(2026, 11, 2), None, 4),
        (None, date(2026, 11, 2), 2),
        (date(2026, 11, 2), date(2026, 11, 3), 2),
        (date(2026, 11, 6), None, 0),
        (date(2026, 11, 3), date(2026, 11, 2), 0),
    ],
)
def test_both_ends_of_the_days_are_included(path: Path, since: date | None, until: date | None, requests: int) -> None:
    assert read_ledger(path, since=since, until=until).total.requests == requests


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"at": 1, "request_id": "x", "attempt": 1}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "input_tokens": "many"}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "cost": "NaN"}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "cost": "cheap"}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "tags": "a"}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "latency": "long"}',
        b'{"day": "2026-11-01", "request_id": "x", "attempt": 1, "handle": 5}',
    ],
)
def test_a_line_that_cannot_be_read_is_counted_and_told(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "usage.jsonl"
    good = b'{"day": "2026-11-01", "request_id": "y", "attempt": 1, "cost": "0.5", "of_tomorrow": {}}'
    path.write_bytes(b"\n".join([good, b"", line, line, b""]))
    reading = read_ledger(path, by="preset")
    assert (reading.unreadable, reading.first_unreadable) == (2, "line 3")
    assert {name: totals.cost for name, totals in reading.groups.items()} == {"none": Decimal("0.5")}


def test_a_row_that_cannot_be_read_is_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    ledger = open_ledger(path)
    for number in range(5):
        ledger.write(record(number))
    ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE attempts SET cost = 'cheap' WHERE request_id = 'req_1'")
        connection.execute("UPDATE attempts SET tags = '[' WHERE request_id = 'req_2'")
        connection.execute("UPDATE attempts SET day = NULL WHERE request_id = 'req_3'")
        connection.execute("UPDATE attempts SET handle = CAST(x'ff41' AS TEXT) WHERE request_id = 'req_4'")
        connection.commit()
    reading = read_ledger(path, by="model", since=date(2026, 11, 1))
    assert (reading.unreadable, reading.first_unreadable) == (3, "request req_1, attempt 1")
    assert set(reading.groups) == {"gpt-4o", "\ufffdA"}


def test_a_table_with_fewer_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE attempts (day TEXT, request_id TEXT, attempt INTEGER, cost TEXT)")
        connection.execute("INSERT INTO attempts VALUES ('2026-11-01', 'x', 1, '0.25')")
        connection.commit()
    reading = read_ledger(path, by="backend")
    assert (reading.total.cost, list(reading.groups)) == (Decimal("0.25"), ["none"])


def test_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_ledger(tmp_path / "absent.db")
    with pytest.raises(FileNotFoundError):
        read_ledger(tmp_path / "absent.jsonl")
    assert not list(tmp_path.iterdir())
    garbage = tmp_path / "garbage.db"
    garbage.write_text("no database" * 100)
    with pytest.raises(ValueError, match=r"garbage\.db: .* not a database"):
        read_ledger(garbage)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE things (x)")
    with pytest.raises(ValueError, match="holds no ledger"):
        read_ledger(other)


def test_a_name_with_the_signs_of_an_address_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=rw#c%41.sqlite"
    ledger = open_ledger(path)
    ledger.write(record())
    ledger.close()
    assert read_ledger(path).total.requests == 1


def test_the_shape_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    ledger = open_ledger(path)
    ledger.write(record())
    ledger.close()
    row = orjson.loads(path.read_bytes())
    promised = {"at", "day", "request_id", "attempt", "kind", "backend", "handle", "outcome", "input_tokens", "cost"}
    assert promised <= set(row)
    assert (row["at"], row["day"]) == (NOVEMBER_1, "2026-11-01")
