from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.errors import OverloadedError, RateLimitError, ServerError
from pipelex_like.resilience.backoff import RETRY_AFTER_CAP, pause


@pytest.mark.parametrize(
    ("failures", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)]
)
def test_the_wait_doubles_up_to_eight_seconds(failures: int, most: float) -> None:
    def wait(chance: float) -> float | None:
        return pause(failures, ServerError("x"), cap=RETRY_AFTER_CAP, chance=lambda: chance)

    assert (wait(0.0), wait(0.5), wait(0.75)) == (0.0, most / 2, most * 3 / 4)


def test_what_the_provider_asks_for_counts() -> None:
    def never() -> float:
        raise AssertionError("nothing is drawn")

    assert pause(7, RateLimitError("x", retry_after=12.5), cap=60.0, chance=never) == 12.5
    assert pause(1, OverloadedError("x", retry_after=0.0), cap=60.0, chance=never) == 0.0
    assert pause(1, RateLimitError("x", retry_after=60.0), cap=60.0, chance=never) == 60.0
    assert pause(1, RateLimitError("x", retry_after=60.1), cap=60.0, chance=never) is None
    assert pause(1, RateLimitError("x", retry_after=86_400.0), cap=60.0, chance=never) is None


def test_the_cap_is_no_cap_on_a_wait_of_our_own() -> None:
    assert pause(9, ServerError("x"), cap=1.0, chance=lambda: 0.5) == 4.0


@given(
    failures=st.integers(min_value=1, max_value=10_000),
    chance=st.floats(min_value=0, max_value=1, exclude_max=True),
    asked=st.none() | st.floats(min_value=0, max_value=1e9),
    cap=st.floats(min_value=0, max_value=1e6),
)
def test_no_wait_is_longer_than_it_may_be(failures: int, chance: float, asked: float | None, cap: float) -> None:
    wait = pause(failures, RateLimitError("x", retry_after=asked), cap=cap, chance=lambda: chance)
    if asked is None:
        assert wait is not None
        assert 0 <= wait < 8
    else:
        assert wait == (asked if asked <= cap else None)
