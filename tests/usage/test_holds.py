from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelex_like.deck import Budgets
from pipelex_like.errors import BudgetError
from pipelex_like.resilience.budget import Budget
from pipelex_like.types.spending import Standing
from pipelex_like.usage.holds import Holds
from pipelex_like.usage.ledger_sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelex_like.resilience.budget import DayStore

TODAY, YESTERDAY = "2026-11-21", "2026-11-20"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "account" / "ledger.sqlite"


@pytest.fixture
def holds(path: Path) -> Iterator[Holds]:
    opened = Holds(path)
    yield opened
    opened.close()


def usd(text: str | int) -> Decimal:
    return Decimal(text)


def held(store: DayStore, cost: str | int, tokens: int = 0, *, most: str | int = 10, day: str = TODAY) -> str | None:
    answer = store.hold(day, usd(cost), tokens, max_cost=usd(most), max_total_tokens=100)
    return answer if isinstance(answer, str) else None


def ended(holds: Holds, hold_id: str | None, cost: str | int, tokens: int = 0) -> Standing | None:
    assert hold_id is not None
    return holds.settle(hold_id, usd(cost), tokens)


def test_what_is_held_counts_like_what_is_spent(holds: Holds) -> None:
    first = held(holds, 6, 60)
    assert held(holds, "4.01") is None
    assert held(holds, 1, 41) is None
    second = held(holds, 4, 40)
    assert held(holds, "0.01") is None
    assert ended(holds, first, "1.25", 10) == Standing(cost=usd("1.25"), tokens=10, held_cost=usd(4), held_tokens=40)
    assert second is not None
    holds.release(second)
    assert held(holds, "8.76") is None
    assert held(holds, "8.75", 90)


def test_a_refusal_tells_where_the_day_stands(holds: Holds) -> None:
    ended(holds, held(holds, 2, 5), 3, 6)
    held(holds, 4, 7)
    answer = holds.hold(TODAY, usd(5), 1, max_cost=usd(10), max_total_tokens=None)
    assert answer == Standing(cost=usd(3), tokens=6, held_cost=usd(4), held_tokens=7) == holds.standing(TODAY)


def test_without_a_limit_all_is_held_and_what_is_free_passes_none(holds: Holds) -> None:
    big = holds.hold(TODAY, usd(1000), 1000, max_cost=None, max_total_tokens=None)
    assert isinstance(big, str)
    assert held(holds, 0, 0)
    assert held(holds, 0, 1) is None


def test_days_are_apart(holds: Holds) -> None:
    late = held(holds, 10, day=YESTERDAY)
    assert held(holds, 10)
    assert ended(holds, late, 8) == Standing(cost=usd(8), held_cost=usd(0))
    assert holds.standing(YESTERDAY).cost == 8
    assert holds.standing(TODAY) == Standing(held_cost=usd(10))
    assert holds.standing("2026-11-22") == Standing()


def test_a_hold_ends_once(holds: Holds) -> None:
    hold = held(holds, 5)
    assert ended(holds, hold, 4)
    assert ended(holds, hold, 4) is None
    assert hold is not None
    holds.release(hold)
    assert holds.standing(TODAY).cost == 4
    again = held(holds, 1)
    assert again != hold, "an id is never given twice"


def test_sums_are_exact(holds: Holds) -> None:
    for _ in range(10):
        ended(holds, held(holds, "0.1"), "0.0000000000000000001")
    assert holds.standing(TODAY) == Standing(cost=usd("0.000000000000000001"), held_cost=usd(0))


def test_open_holds_are_listed_until_they_end(holds: Holds) -> None:
    first, second = held(holds, "1.5", 7), held(holds, 2, day=YESTERDAY)
    one, two = holds.unsettled()
    assert (one.id, one.day, one.pid, one.cost, one.tokens) == (first, TODAY, os.getpid(), usd("1.5"), 7)
    assert (two.id, two.day, two.cost, two.tokens) == (second, YESTERDAY, usd(2), 0)
    ended(holds, first, 1)
    assert holds.unsettled() == (two,)


def test_the_file_is_its_owners_and_keeps_the_day(holds: Holds, path: Path) -> None:
    ended(holds, held(holds, 6), 6)
    held(holds, 1)
    assert path.stat().st_mode & 0o777 == 0o600
    holds.close()
    other = Holds(path)
    assert other.standing(TODAY) == Standing(cost=usd(6), held_cost=usd(1))
    assert held(other, "3.01") is None
    other.close()


def test_a_hold_that_ends_after_the_close_is_still_written(path: Path) -> None:
    holds = Holds(path)
    hold = held(holds, 5)
    holds.close()
    assert ended(holds, hold, 2)
    assert not path.with_name("ledger.sqlite-wal").exists(), "the file is let go of again"
    other = Holds(path)
    assert other.standing(TODAY).cost == 2
    other.close()


@pytest.mark.parametrize("ledger_first", [True, False])
def test_the_ledger_has_its_own_table_in_the_same_file(path: Path, *, ledger_first: bool) -> None:
    holds = Holds(path)
    if not ledger_first:
        held(holds, 1)
    ledger = connect(path)
    held(holds, 1)
    assert ledger.execute("SELECT count(*) FROM attempts").fetchone() == (0,)
    assert ledger.execute("SELECT count(*) FROM holds").fetchone() == (1 if ledger_first else 2,)
    ledger.close()
    holds.close()


def test_threads_share_one_store(holds: Holds) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = [hold for hold in pool.map(lambda _: held(holds, 1), range(100)) if hold is not None]
        assert len(got) == 10
        list(pool.map(lambda hold: ended(holds, hold, "0.5"), got))
    assert holds.standing(TODAY) == Standing(cost=usd(5), held_cost=usd(0))


def test_two_stores_take_turns(holds: Holds, path: Path) -> None:
    other = Holds(path)
    for _ in range(5):
        assert held(holds, 1)
        assert held(other, 1)
    assert held(holds, 1) is None
    assert held(other, 1) is None
    other.close()


def test_a_budget_of_two_runs_over_one_file(holds: Holds, path: Path) -> None:
    other = Holds(path)
    limits = Budgets(day_max_cost=usd(10), run_max_cost=usd(7))
    mine, theirs = (Budget(limits, lambda: 1_795_262_400.0, store=store) for store in (holds, other))
    mine.settle(mine.reserve(usd(6), 0), usd(6), 0)
    with pytest.raises(BudgetError, match=r"day_max_cost = \$10 would be passed: \$6 is spent, \$0 is held"):
        theirs.reserve(usd(5), 0)
    hold = theirs.reserve(usd(4), 0)
    with pytest.raises(BudgetError, match=r"day_max_cost = \$10 would be passed: \$6 is spent, \$4 is held"):
        mine.reserve(usd(1), 0)
    assert theirs.settle(hold, usd(5), 0) == (
        "day_max_cost = $10 is passed by $1: this request cost $5, $4 was held for it"
    )
    other.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 12)), max_size=12))
def test_nothing_is_let_through_beyond_the_limit(path: Path, steps: list[tuple[int, int, int]]) -> None:
    day = f"{TODAY}-{os.urandom(8).hex()}"
    pair = Holds(path), Holds(path)
    spent, open_holds = 0, list[tuple[str, int]]()
    for place, (asked, act, actual) in enumerate(steps):
        hold = held(pair[place % 2], asked, day=day)
        assert (hold is not None) == (not asked or spent + sum(cost for _, cost in open_holds) + asked <= 10)
        if hold is not None:
            open_holds.append((hold, asked))
        if act and open_holds:
            ending, _ = open_holds.pop(0)
            spent += actual if act == 1 else 0
            if act == 1:
                pair[(place + 1) % 2].settle(ending, usd(actual), actual)
            else:
                pair[(place + 1) % 2].release(ending)
        found = pair[0].standing(day)
        assert (found.cost, found.held_cost) == (spent, sum(cost for _, cost in open_holds))
    for holds in pair:
        holds.close()


PROGRAM = """
import sys
from decimal import Decimal
from pathlib import Path
from pipelex_like.usage.holds import Holds

holds = Holds(Path(sys.argv[1]))
print("ready", flush=True)
for order in sys.stdin:
    verb, *values = order.split()
    if verb == "race":
        through = 0
        for _ in range(int(values[1])):
            one = holds.hold("2026-11-21", Decimal(1), 1, max_cost=Decimal(values[0]), max_total_tokens=None)
            if isinstance(one, str):
                through += 1
                holds.settle(one, Decimal("0.25"), 1)
        print(through, flush=True)
    elif verb == "hold":
        print(holds.hold("2026-11-21", Decimal(values[0]), 5, max_cost=Decimal(10), max_total_tokens=None), flush=True)
"""


class Other:
    """Another process with the same file; `ask` gives the line that it answers."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, *, kill: bool = False) -> int:
        if kill:
            self.process.send_signal(signal.SIGKILL)
        with self.process:
            pass
        return self.process.returncode


def test_processes_that_race_never_hold_more_than_the_limit(holds: Holds, path: Path) -> None:
    others = [Other(path) for _ in range(4)]
    assert [other.hear() for other in others] == ["ready"] * 4
    for other in others:
        other.tell("race 40 150")
    let_through = sum(int(other.hear()) for other in others)
    assert [other.end() for other in others] == [0] * 4
    assert holds.standing(TODAY) == Standing(cost=usd("0.25") * let_through, tokens=let_through, held_cost=usd(0))
    assert 100 < let_through <= 157, "the last one begins where 39 are spent"
    assert holds.unsettled() == ()


def test_a_killed_process_leaves_its_hold_as_spent_once(holds: Holds, path: Path) -> None:
    other = Other(path)
    assert other.hear() == "ready"
    other.tell("hold 6")
    hold = other.hear()
    assert other.end(kill=True) == -signal.SIGKILL
    left = holds.unsettled()
    assert [(one.id, one.pid, one.cost, one.tokens) for one in left] == [(hold, other.process.pid, usd(6), 5)]
    assert held(holds, "4.01") is None
    assert held(holds, 4)
    assert ended(holds, hold, "2.5", 3), "somebody finds out what it cost"
    assert ended(holds, hold, "2.5", 3) is None
    assert holds.standing(TODAY) == Standing(cost=usd("2.5"), tokens=3, held_cost=usd(4), held_tokens=0)


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_process_opens_the_file_for_itself(holds: Holds) -> None:
    held(holds, 5)
    with holds._lock:  # pyright: ignore  # another thread of the parent may hold it at that moment
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            good = held(holds, 6) is None and held(holds, 4) is not None
            holds.close()
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert held(holds, "1.01") is None
    assert held(holds, 1)


def test_a_file_that_cannot_be_read_lets_nothing_through(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    holds = Holds(path)
    hold = held(holds, 5)
    holds.close()
    path.write_bytes(b"no database at all, but long enough to be looked at as one. " * 40)
    with pytest.raises(BudgetError, match=r"ledger.sqlite: what was spent today .* nothing was sent. Make the file"):
        held(holds, 1)
    with caplog.at_level(logging.WARNING, logger="pipelex_like"):
        assert ended(holds, hold, 5) is None
    assert f"hold {hold} counts as it is" in caplog.text
    with pytest.raises(sqlite3.Error):
        holds.unsettled()


def test_a_file_that_was_mended_serves_again(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be looked at as one. " * 40)
    holds = Holds(path)
    with pytest.raises(BudgetError, match="not a database"):
        held(holds, 1)
    path.unlink()
    assert held(holds, 1)
    holds.close()


def test_a_folder_that_cannot_be_made_lets_nothing_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BudgetError, match="nothing was sent"):
        held(Holds(tmp_path / "file" / "ledger.sqlite"), 1)


def test_a_writer_that_takes_long_is_not_waited_for_without_end(
    holds: Holds, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelex_like.usage.holds._PATIENCE", 0.05)
    other = connect(path)
    hold = held(holds, 1)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BudgetError, match="locked"):
        held(holds, 1)
    other.execute("ROLLBACK")
    assert ended(holds, hold, 1), "and then it goes on"
    other.close()
