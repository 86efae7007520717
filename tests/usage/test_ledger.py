"""Both forms of the ledger, by what is in the file afterwards."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from usage.records import record

from pipelex_like.types import Usage
from pipelex_like.usage.ledger import ledger_path, open_ledger
from pipelex_like.usage.ledger_jsonl import JsonLines
from pipelex_like.usage.ledger_sqlite import Table, connect
from pipelex_like.usage.reading import read_ledger
from pipelex_like.usage.summary import Summary
from pipelex_like.usage.writing import LedgerSink

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]


@pytest.fixture(params=["usage.jsonl", "usage.sqlite", "usage.db"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "deep" / "folder" / request.param


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger="pipelex_like"):
        yield caplog


def requests(path: Path) -> int:
    return read_ledger(path).total.requests


def program(code: str, path: Path) -> str:
    """Run a program of its own that finds `path`, `record` and `open_ledger`; give what it prints."""
    head = (
        "import os, sys\nfrom pathlib import Path\nfrom usage.records import record\n"
        "from pipelex_like.usage.ledger import open_ledger\npath = Path(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_the_file_says_what_the_summary_says(path: Path) -> None:
    records = [
        record(1, tags=("a", "b"), status=200, provider_request_id="p-1", first_token=0.1, streamed=True),
        record(2, backend="azure", cost=None, cost_note="no price", outcome="failed", error="ServerError", status=500),
        record(2, attempt=2, preset=None, cost=Decimal("0.000000000001"), measured=False),
        record(3, kind="extract", usage=Usage(pages=3, estimated=True), cached=True, cost=Decimal(0)),
        record(4, kind="img_gen", usage=Usage(images=2), simulated=True, over_limit="day_max_cost"),
    ]
    summary, ledger = Summary(), open_ledger(path)
    for each in records:
        summary.write(each)
        ledger.write(each)
    ledger.close()
    for grouping in ("day", "model", "backend", "preset", "profile", "kind", "tag"):
        reading = read_ledger(path, by=grouping)
        assert reading.groups == summary.by(grouping)
        assert reading.total == summary.total
        assert reading.unreadable == 0


def test_the_file_is_its_owners_and_its_folder_is_made(path: Path) -> None:
    ledger = open_ledger(path)
    assert not path.exists()
    ledger.write(record())
    ledger.flush()
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    ledger.close()


def test_flushed_records_can_be_read_while_it_is_open(path: Path) -> None:
    ledger = open_ledger(path)
    for number in range(2500):
        ledger.write(record(number))
    ledger.flush()
    assert requests(path) == 2500
    ledger.close()


def test_what_comes_after_close_is_kept_too(path: Path) -> None:
    ledger = open_ledger(path)
    ledger.write(record(1))
    ledger.close()
    ledger.close()
    ledger.write(record(2))
    ledger.flush()
    assert requests(path) == 2
    ledger.close()


def test_an_attempt_is_never_counted_twice(path: Path) -> None:
    for _ in range(2):
        ledger = open_ledger(path)
        ledger.write(record(1))
        ledger.write(record(1))
        ledger.write(record(1, attempt=2))
        ledger.close()
    assert requests(path) == 2


def test_any_value_can_be_kept(path: Path) -> None:
    odd = record(
        1,
        at=float("nan"),
        handle="half \ud800\nline",
        tags=("\udfff", "ß"),
        usage=Usage(input_tokens=10**30, output_tokens=-(10**30)),
        latency=float("nan"),
    )
    ledger = open_ledger(path)
    ledger.write(odd)
    ledger.write(record(2))
    ledger.close()
    reading = read_ledger(path, by="model")
    assert reading.unreadable == 0
    assert "half ?\nline" in reading.groups
    assert "ß" in read_ledger(path, by="tag").groups


def test_threads_write_at_once(path: Path) -> None:
    ledger = open_ledger(path)

    def work(place: int) -> None:
        for number in range(300):
            ledger.write(record(place * 1000 + number))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    assert requests(path) == 1800


def test_processes_write_at_once(path: Path) -> None:
    code = (
        "for place in range(3):\n"
        "    if not os.fork():\n"
        "        ledger = open_ledger(path)\n"
        "        for number in range(200):\n"
        "            ledger.write(record(place * 1000 + number))\n"
        "            ledger.flush()\n"
        "        ledger.close()\n"
        "        os._exit(0)\n"
        "for place in range(3):\n"
        "    os.wait()\n"
    )
    program(code, path)
    reading = read_ledger(path)
    assert (reading.total.requests, reading.unreadable) == (600, 0)


def test_a_program_that_just_ends_leaves_its_records(path: Path) -> None:
    program("ledger = open_ledger(path)\nfor n in range(50): ledger.write(record(n))", path)
    assert requests(path) == 50


def test_a_record_that_comes_while_the_program_ends_is_kept(path: Path) -> None:
    code = "import atexit\nledger = open_ledger(path)\natexit.register(lambda: ledger.write(record(1)))"
    program(code, path)
    assert requests(path) == 1


def test_a_fork_writes_its_own_records_and_not_its_parents(path: Path) -> None:
    code = (
        "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
        "ledger = open_ledger(path)\n"
        "for n in range(20): ledger.write(record(n))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    for n in range(100, 105): ledger.write(record(n))\n"
        "    ledger.close()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "ledger.write(record(20))\n"
        "ledger.close()\n"
    )
    program(code, path)
    assert requests(path) == 26
    if path.suffix == ".jsonl":
        assert len(path.read_bytes().splitlines()) == 26


def test_a_place_that_cannot_be_written_is_told_once_and_waited_for(path: Path, told: pytest.LogCaptureFixture) -> None:
    path.parents[1].write_text("a file where the folder should be")
    form = JsonLines if path.suffix == ".jsonl" else Table
    ledger = LedgerSink(path, lambda: form(path), again=0.01)
    for number in range(5):
        ledger.write(record(number))
        ledger.flush()
    assert len(told.records) == 1
    assert str(path) in told.text
    path.parents[1].unlink()
    ledger.flush()
    assert requests(path) == 5
    ledger.close()
    assert len(told.records) == 1


def test_no_more_than_the_bound_waits_and_what_is_lost_is_told(path: Path, told: pytest.LogCaptureFixture) -> None:
    path.parents[1].write_text("a file where the folder should be")
    form = JsonLines if path.suffix == ".jsonl" else Table
    ledger = LedgerSink(path, lambda: form(path), most=5, again=0.01)
    for number in range(8):
        ledger.write(record(number))
        ledger.flush()
    ledger.close()
    assert "5 records waiting" in told.text
    assert "8 records of usage could not be written" in told.text


def test_a_locked_table_makes_nobody_wait(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "usage.sqlite"
    ledger = LedgerSink(path, lambda: Table(path, wait=0.01), again=0.01)
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(10):
            ledger.write(record(number))
        ledger.flush()
        assert "database is locked" in told.text
        other.execute("ROLLBACK")
    ledger.flush()
    assert requests(path) == 10
    ledger.close()


def test_a_full_disk_costs_no_record(tmp_path: Path) -> None:
    """The limit on a file's size stands for the disk: the line that meets it is cut, the next one not glued on."""
    path = tmp_path / "usage.jsonl"
    code = (
        "import resource\n"
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, most))\n"
        "ledger = open_ledger(path)\n"
        "for n in range(10): ledger.write(record(n))\n"
        "ledger.flush()\n"
        "print(path.stat().st_size)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "ledger.close()\n"
    )
    assert program(code, path).strip() == "3000"
    reading = read_ledger(path)
    assert (reading.total.requests, reading.unreadable) == (10, 1)


def test_a_line_that_a_killed_process_left_unfinished_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    path.write_text('{"at": 17')
    ledger = open_ledger(path)
    ledger.write(record(1))
    ledger.close()
    reading = read_ledger(path)
    assert (reading.total.requests, reading.unreadable, reading.first_unreadable) == (1, 1, "line 1")


def test_a_file_that_is_moved_away_begins_anew(path: Path) -> None:
    ledger = open_ledger(path)
    ledger.write(record(1))
    ledger.flush()
    for each in path.parent.iterdir():
        each.unlink()
    ledger.write(record(2))
    ledger.close()
    assert requests(path) == 1


def test_costs_are_exact_text(path: Path) -> None:
    ledger = open_ledger(path)
    ledger.write(record(1, cost=Decimal("0.1000000000000000000001"), tags=("a",)))
    ledger.close()
    if path.suffix == ".jsonl":
        row = orjson.loads(path.read_bytes())
        assert (row["cost"], row["tags"], row["measured"]) == ("0.1000000000000000000001", ["a"], True)
    else:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT cost, tags, measured FROM attempts").fetchone()
        assert row == ("0.1000000000000000000001", '["a"]', 1)


def test_a_table_of_a_later_version_is_still_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute("ALTER TABLE attempts ADD COLUMN novelty TEXT")
        connection.execute("PRAGMA user_version = 2")
    ledger = open_ledger(path)
    ledger.write(record(1))
    ledger.close()
    assert requests(path) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "usage.db"
    path.write_text("something dear to somebody, and long enough to be taken for a header" * 20)
    before = path.read_bytes()
    ledger = open_ledger(path)
    ledger.write(record(1))
    ledger.close()
    assert "not a database" in told.text
    assert path.read_bytes() == before


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.jsonl, \.sqlite, \.sqlite3, \.db"):
        open_ledger(tmp_path / "usage.csv")


def test_where_the_ledger_stands(tmp_path: Path) -> None:
    variables = {"PIPELEX_LEDGER": " from_env.db "}
    assert ledger_path("a/b.jsonl", variables, tmp_path) == tmp_path / "a" / "b.jsonl"
    assert ledger_path(None, variables, tmp_path) == tmp_path / "from_env.db"
    assert ledger_path(None, {"PIPELEX_LEDGER": " "}, tmp_path) is None
    assert ledger_path("~/x.db", {}, tmp_path) == Path("~/x.db").expanduser()
