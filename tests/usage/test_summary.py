from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage.records import DAY, NOVEMBER_1, record

from pipelex_like.types import Usage
from pipelex_like.usage.summary import GROUPINGS, Summary, Totals, day_of


def summed(*records: object) -> Summary:
    summary = Summary()
    for each in records:
        summary.write(each)  # type: ignore[arg-type]
    return summary


def test_every_number_is_added_up() -> None:
    usage = Usage(
        input_tokens=100,
        output_tokens=20,
        cached_tokens=40,
        cache_write_tokens=3,
        cache_write_1h_tokens=4,
        reasoning_tokens=5,
        pages=6,
        images=7,
    )
    one = record(1, usage=usage, cost=Decimal("0.1"), latency=0.25)
    two = record(2, usage=usage, cost=Decimal("0.2"), latency=0.5)
    assert summed(one, two).total == Totals(
        requests=2,
        input_tokens=200,
        output_tokens=40,
        cached_tokens=80,
        cache_write_tokens=14,
        reasoning_tokens=10,
        pages=12,
        images=14,
        cost=Decimal("0.3"),
        seconds=0.75,
    )


def test_nothing_written_is_zero() -> None:
    summary = Summary()
    assert summary.total == Totals()
    assert summary.by("day") == {}
    assert summary.recent == ()


def test_outcomes_guesses_and_unknown_costs_are_counted() -> None:
    total = summed(
        record(1, outcome="failed", cost=Decimal(0)),
        record(2, outcome="abandoned", cost=None, cost_note="cancelled"),
        record(3, measured=False),
        record(4, usage=Usage(estimated=True)),
        record(5, cached=True, cost=Decimal(0)),
    ).total
    assert (total.requests, total.failed, total.unpriced, total.estimated, total.from_cache) == (5, 1, 1, 2, 1)
    assert total.cost == Decimal("0.0009")


@pytest.mark.parametrize(
    ("grouping", "changes", "names"),
    [
        ("day", {"at": NOVEMBER_1 + DAY}, ["2026-11-01", "2026-11-02"]),
        ("model", {"handle": "claude"}, ["gpt-4o", "claude"]),
        ("backend", {"backend": "azure"}, ["openai", "azure"]),
        ("preset", {"preset": None}, ["sum_up", "none"]),
        ("profile", {"profile": "prod"}, ["auto", "prod"]),
        ("kind", {"kind": "extract"}, ["llm", "extract"]),
        ("tag", {"tags": ("team-a",)}, ["none", "team-a"]),
    ],
)
def test_groups(grouping: str, changes: dict[str, object], names: list[str]) -> None:
    groups = summed(record(1), record(2, **changes), record(3, **changes)).by(grouping)  # type: ignore[arg-type]
    assert {name: totals.requests for name, totals in groups.items()} == {names[0]: 1, names[1]: 2}
    assert groups[names[1]].cost == Decimal("0.0009")


def test_a_record_counts_for_each_of_its_tags_once() -> None:
    summary = summed(record(1, tags=("a", "b", "a")))
    assert {name: totals.requests for name, totals in summary.by("tag").items()} == {"a": 1, "b": 1}
    assert summary.total.requests == 1


def test_another_grouping_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="day, model, backend"):
        Summary().by("colour")  # type: ignore[arg-type]


def test_memory_stays_bounded_and_nothing_is_lost_from_the_sums() -> None:
    summary = summed(*(record(n, handle=f"model-{n}", tags=(f"user-{n}",)) for n in range(5000)))
    for grouping in ("model", "tag"):
        groups = summary.by(grouping)
        assert len(groups) <= 2001
        assert groups["other"].requests == 3000
        assert sum(totals.requests for totals in groups.values()) == 5000
    assert summary.by("backend")["openai"].requests == summary.total.requests == 5000
    assert [each.request_id for each in summary.recent] == [f"req_{n}" for n in range(4900, 5000)]


def test_reset_begins_anew() -> None:
    summary = summed(*(record(n) for n in range(300)))
    summary.reset()
    assert (summary.total, summary.by("model"), summary.recent) == (Totals(), {}, ())
    summary.write(record(1))
    assert summary.total.requests == 1


def test_threads_write_and_read_at_once() -> None:
    summary = Summary()

    def work(place: int) -> None:
        for number in range(1000):
            summary.write(record(number, handle=f"m{place}"))
            if number % 100 == 0:
                assert summary.total.requests <= 8000

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert summary.total.requests == 8000
    assert {totals.requests for totals in summary.by("model").values()} == {1000}
    assert summary.total.cost == 8000 * Decimal("0.00045")


def test_days_are_days_of_utc() -> None:
    assert day_of(NOVEMBER_1 - 0.001) == "2026-10-31"
    assert day_of(NOVEMBER_1) == "2026-11-01"
    assert day_of(NOVEMBER_1 + DAY - 0.001) == "2026-11-01"
    assert day_of(-1.0) == "1969-12-31"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e30, -1e30])
def test_a_time_that_is_none_breaks_nothing(at: float) -> None:
    assert list(summed(record(1, at=at)).by("day")) == ["none"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 10**12)), max_size=300))
def test_groups_add_up_to_the_total(rows: list[tuple[str, str, int]]) -> None:
    summary = summed(*(record(n, handle=a, backend=b, cost=Decimal(c).scaleb(-9)) for n, (a, b, c) in enumerate(rows)))
    total = summary.total
    assert total.cost == sum((Decimal(c).scaleb(-9) for _, _, c in rows), Decimal(0))
    for grouping in GROUPINGS:
        groups = summary.by(grouping).values()
        assert sum((each.cost for each in groups), Decimal(0)) == total.cost
        assert sum(each.requests for each in groups) == total.requests == len(rows)
