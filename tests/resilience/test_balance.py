from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import isclose
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Candidate
from pipelex_like.deck.models import ModelSpec
from pipelex_like.resilience.balance import Figures, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WAYS = ("weighted", "least_in_flight", "lowest_latency", "cheapest")


def candidate(backend: str, handle: str = "h") -> Candidate:
    model_id = f"{handle}-id"
    spec = ModelSpec(backend=backend, handle=handle, sdk="openai", model_id=model_id, kind="llm")
    return Candidate(handle=handle, backend=backend, model_id=model_id, sdk="openai", spec=spec)


def group(*backends: str) -> tuple[Candidate, ...]:
    return tuple(candidate(backend) for backend in backends)


def order(
    candidates: tuple[Candidate, ...],
    way: str,
    *,
    weights: Mapping[str, float] | None = None,
    busy: Mapping[str, int] | None = None,
    figures: Figures | None = None,
    prices: Mapping[str, Decimal | None] | None = None,
    chance: Callable[[], float] = lambda: 0.5,
) -> list[str]:
    found = ordered(
        candidates,
        way,
        weights=weights or {},
        in_flight=lambda backend: (busy or {}).get(backend, 0),
        figures=figures or Figures(),
        price=lambda candidate: (prices or {}).get(candidate.backend),
        chance=chance,
    )
    return [candidate.backend for candidate in found]


def test_the_least_busy_backend_comes_first() -> None:
    assert order(group("a", "b", "c", "d"), "least_in_flight", busy={"a": 3, "b": 1, "d": 1}) == ["c", "b", "d", "a"]


def test_the_fastest_comes_first_after_those_never_measured() -> None:
    figures = Figures()
    for backend, seconds in (("a", 3.0), ("b", 0.5), ("d", 1.0)):
        figures.note(backend, "h-id", seconds)
    figures.note("c", "another", 0.1)
    assert order(group("a", "b", "c", "d"), "lowest_latency", figures=figures) == ["c", "b", "d", "a"]


def test_the_cheapest_comes_first_and_an_unknown_price_last() -> None:
    prices = {"a": None, "b": Decimal("0.02"), "c": Decimal(0), "d": Decimal("0.01")}
    assert order(group("a", "b", "c", "d"), "cheapest", prices=prices) == ["c", "d", "b", "a"]


@pytest.mark.parametrize("way", ["least_in_flight", "lowest_latency", "cheapest"])
def test_ties_keep_the_order_declared(way: str) -> None:
    assert order(group("c", "a", "b"), way) == ["c", "a", "b"]


def test_a_draw_follows_the_weights() -> None:
    random = Random(7)
    weights = {"a": 1.0, "b/h": 6.0, "b": 0.0, "c": 3.0}
    drawn = [order(group("a", "b", "c"), "weighted", weights=weights, chance=random.random) for _ in range(5000)]
    first = {backend: sum(names[0] == backend for names in drawn) / 5000 for backend in "abc"}
    assert all(isclose(first[backend], share, abs_tol=0.03) for backend, share in (("a", 0.1), ("b", 0.6), ("c", 0.3)))
    second = [names[1] for names in drawn if names[0] == "b"]
    assert isclose(second.count("c") / len(second), 0.75, abs_tol=0.03)


def test_the_weight_of_a_model_goes_before_that_of_its_backend() -> None:
    models = (candidate("a", "x"), candidate("a", "y"), candidate("b", "x"))
    found = ordered(
        models,
        "weighted",
        weights={"a": 0.0, "a/y": 1.0, "b": 0.0},
        in_flight=lambda _: 0,
        figures=Figures(),
        price=lambda _: None,
        chance=lambda: 0.99,
    )
    assert [(one.backend, one.handle) for one in found] == [("a", "y"), ("a", "x"), ("b", "x")]


def test_without_weights_all_weigh_the_same() -> None:
    assert order(group("a", "b", "c"), "weighted", chance=lambda: 0.0) == ["a", "b", "c"]
    assert order(group("a", "b", "c"), "weighted", chance=lambda: 0.5) == ["b", "c", "a"]
    assert order(group("a", "b", "c"), "weighted", chance=lambda: 0.99) == ["c", "b", "a"]


def test_weights_too_large_to_add_still_give_everybody() -> None:
    weights = {"a": 1e308, "b": 1e308}
    assert sorted(order(group("a", "b"), "weighted", weights=weights, chance=lambda: 0.5)) == ["a", "b"]


def test_an_unknown_way_is_told() -> None:
    with pytest.raises(ValueError, match="fastest"):
        order(group("a", "b"), "fastest")


@given(
    way=st.sampled_from(WAYS),
    backends=st.lists(st.sampled_from("abcdef"), unique=True, max_size=6),
    weights=st.dictionaries(st.sampled_from("abcdef"), st.floats(min_value=0, max_value=1e308)),
    busy=st.dictionaries(st.sampled_from("abcdef"), st.integers(min_value=0, max_value=99)),
    seed=st.integers(),
)
def test_nobody_is_lost_or_doubled(
    way: str, backends: list[str], weights: dict[str, float], busy: dict[str, int], seed: int
) -> None:
    names = order(group(*backends), way, weights=weights, busy=busy, chance=Random(seed).random)
    assert sorted(names) == sorted(backends)
    if way == "weighted":
        zeros = [backend for backend in backends if weights.get(backend, 1.0) == 0]
        assert names[len(names) - len(zeros) :] == zeros


def test_a_mean_follows_the_latest() -> None:
    figures = Figures()
    assert figures.seconds("b", "m") is None
    figures.note("b", "m", 1.0)
    assert figures.seconds("b", "m") == 1.0
    figures.note("b", "m", 2.0)
    assert isclose(figures.seconds("b", "m") or 0, 1.2)
    for _ in range(50):
        figures.note("b", "m", 4.0)
    assert isclose(figures.seconds("b", "m") or 0, 4.0, abs_tol=0.001)
    assert figures.seconds("b", "other") is None


def test_notes_of_many_threads_stay_within_what_was_measured() -> None:
    figures = Figures()

    def note(number: int) -> None:
        figures.note("b", f"m{number % 3}", 1.0 + number % 2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(4000)))
    for number in range(3):
        mean = figures.seconds("b", f"m{number}")
        assert mean is not None
        assert 1.0 <= mean <= 2.0


def test_figures_are_bounded() -> None:
    figures = Figures()
    for number in range(20_000):
        figures.note("b", f"m{number}", 1.0)
    known = sum(figures.seconds("b", f"m{number}") is not None for number in range(20_000))
    assert 0 < known <= 4096
    assert figures.seconds("b", "m19999") == 1.0
