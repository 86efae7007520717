from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.deck import Budgets
from pipelex_like.errors import BudgetError
from pipelex_like.resilience.budget import Budget, CallBudget, Hold
from pipelex_like.types.spending import Standing

DAY = 86_400
NOON = 20_778 * DAY + DAY // 2  # 2026-11-21 12:00 UTC


class Wall:
    """A clock on the wall that somebody sets."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Shelf:
    """A day store that notes what it was asked, and gives the answers it was told to."""

    def __init__(self, answer: str | Standing | BudgetError = "h1") -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []
        self.after: Standing | None = Standing()

    def hold(
        self, day: str, cost: Decimal, tokens: int, *, max_cost: Decimal | None, max_total_tokens: int | None
    ) -> str | Standing:
        self.asked.append(("hold", day, cost, tokens, max_cost, max_total_tokens))
        if isinstance(self.answer, BudgetError):
            raise self.answer
        return self.answer

    def settle(self, hold_id: str, cost: Decimal, tokens: int) -> Standing | None:
        self.asked.append(("settle", hold_id, cost, tokens))
        return self.after

    def release(self, hold_id: str) -> None:
        self.asked.append(("release", hold_id))


def usd(text: str | int) -> Decimal:
    return Decimal(text)


def run_of(max_cost: str | None = None, max_total_tokens: int | None = None) -> Budget:
    cost = None if max_cost is None else usd(max_cost)
    return Budget(Budgets(run_max_cost=cost, run_max_total_tokens=max_total_tokens), Wall())


def fits(budget: Budget | CallBudget, cost: str | int, tokens: int = 0) -> Hold | None:
    try:
        return budget.reserve(usd(cost), tokens)
    except BudgetError:
        return None


BOTH = [
    pytest.param(run_of, id="run"),
    pytest.param(lambda cost=None, tokens=None: CallBudget(cost and usd(cost), tokens), id="call"),
    pytest.param(
        lambda cost=None, tokens=None: Budget(
            Budgets(day_max_cost=cost and usd(cost), day_max_total_tokens=tokens), Wall()
        ),
        id="day",
    ),
]


@pytest.mark.parametrize("make", BOTH)
def test_what_is_held_counts_like_what_is_spent(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    held = budget.reserve(usd(6), 0)
    assert fits(budget, "4.01") is None
    other = budget.reserve(usd(4), 0)
    assert fits(budget, "0.01") is None
    assert budget.settle(held, usd(1), 0) is None
    assert fits(budget, "5.01") is None
    budget.release(other)
    assert fits(budget, "9.01") is None
    assert fits(budget, 9)


@pytest.mark.parametrize("make", BOTH)
def test_tokens_have_limits_of_their_own(make: type[CallBudget]) -> None:
    budget = make(None, 100)  # pyright: ignore
    held = budget.reserve(None, 60)
    assert fits(budget, 1000, 41) is None
    assert budget.settle(held, None, 20) is None
    assert fits(budget, 1000, 81) is None
    assert fits(budget, 1000, 80)


@pytest.mark.parametrize("make", BOTH)
def test_a_refused_request_holds_nothing(make: type[CallBudget]) -> None:
    budget = make("10", 100)  # pyright: ignore
    for _ in range(3):
        assert fits(budget, 1, 101) is None
        assert fits(budget, 11, 1) is None
    assert fits(budget, 10, 100)


@pytest.mark.parametrize("make", BOTH)
def test_a_hold_ends_once(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    held = budget.reserve(usd(5), 0)
    budget.settle(held, usd(5), 0)
    budget.settle(held, usd(5), 0)
    budget.release(held)
    assert fits(budget, "5.01") is None
    gone = budget.reserve(usd(5), 0)
    budget.release(gone)
    budget.release(gone)
    assert budget.settle(gone, usd(99), 0) is None
    assert fits(budget, "5.01") is None
    assert fits(budget, 5)


@pytest.mark.parametrize("make", BOTH)
def test_an_unknown_cost_counts_as_what_was_held(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    assert budget.settle(budget.reserve(usd(4), 0), None, 0) is None
    assert fits(budget, "6.01") is None
    assert fits(budget, 6)


@pytest.mark.parametrize("make", BOTH)
def test_a_settlement_that_passes_a_limit_says_so_and_nothing_follows_it(make: type[CallBudget]) -> None:
    budget = make("10", 100)  # pyright: ignore
    held, fair, wordy = budget.reserve(usd(6), 60), budget.reserve(usd(2), 20), budget.reserve(usd(1), 1)
    note = budget.settle(held, usd("9.50"), 81)
    assert note is not None
    assert "max_cost = $10 is passed by $2.5: this request cost $9.5, $6 was held for it" in note
    assert "max_total_tokens = 100 is passed by 2: this request took 81, 60 were held for it" in note
    assert budget.settle(fair, usd(2), 20) is None, "it kept to what was held for it"
    told = budget.settle(wordy, usd(1), 2)
    assert told is not None
    assert "max_cost" not in told, "it kept to its cost, not to its tokens"
    assert fits(budget, "0.01") is None
    assert fits(budget, 0, 1) is None


@pytest.mark.parametrize("make", BOTH)
def test_what_is_free_is_let_through_all_the_same(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    budget.settle(budget.reserve(usd(10), 0), usd(20), 500)
    assert fits(budget, 0, 500)


@pytest.mark.parametrize("make", BOTH)
def test_a_price_that_is_not_known_cannot_be_kept_to_a_limit(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    with pytest.raises(BudgetError, match=r'max_cost = \$10 cannot be kept with this request: no price for "m"'):
        budget.reserve(None, 5, why='no price for "m"')
    with pytest.raises(BudgetError, match="`costs`"):
        budget.reserve(None, 5)
    assert make(None, 10).reserve(None, 10)  # pyright: ignore


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            Budgets(run_max_cost=usd("10.50")),
            "run_max_cost = $10.5 would be passed: $5 is spent, $4 is held by requests under way, and this one may "
            "cost $2. Raise it in [budgets] of routing_profiles.toml, or ask for less (max_tokens, "
            "reserve_output_tokens).",
        ),
        (
            Budgets(day_max_cost=usd(10)),
            "day_max_cost = $10 would be passed: $5 is spent, $4 is held by requests under way, and this one may cost "
            "$2. Wait for the next day in UTC, raise it in [budgets] of routing_profiles.toml, or ask for less "
            "(max_tokens, reserve_output_tokens).",
        ),
        (
            Budgets(day_max_total_tokens=100),
            "day_max_total_tokens = 100 would be passed: 50 are spent, 40 are held by requests under way, and this one "
            "may take 20. Wait",
        ),
    ],
)
def test_a_refusal_tells_what_is_gone_and_the_way_out(limits: Budgets, words: str) -> None:
    budget = Budget(limits, Wall())
    budget.settle(budget.reserve(usd(1), 1), usd(5), 50)
    budget.reserve(usd(4), 40)
    with pytest.raises(BudgetError) as refused:
        budget.reserve(usd(2), 20)
    assert str(refused.value).startswith(words)
    assert not refused.value.retryable


def test_a_call_is_told_to_raise_its_own_limit() -> None:
    with pytest.raises(BudgetError, match=r"^max_cost = \$1 would .* Raise it on the call or its preset, or ask for"):
        CallBudget(usd(1), None).reserve(usd(2), 0)


def test_the_next_day_begins_with_nothing_spent_and_the_run_goes_on() -> None:
    wall = Wall()
    budget = Budget(Budgets(day_max_cost=usd(10), run_max_cost=usd(25)), wall)
    late = budget.reserve(usd(10), 0)
    assert fits(budget, 1) is None
    wall.now += DAY / 2 - 0.5
    assert fits(budget, 1) is None
    wall.now += 0.5
    first = budget.reserve(usd(1), 0)
    budget.settle(late, usd(10), 0)
    assert fits(budget, 9), "what ended after midnight was of the day before"
    budget.release(first)
    wall.now += DAY
    assert fits(budget, "6.01") is None, "the run has spent 19"
    assert fits(budget, 6)


def test_a_clock_set_back_gives_no_money_twice() -> None:
    wall = Wall()
    budget = Budget(Budgets(day_max_cost=usd(10)), wall)
    budget.reserve(usd(10), 0)
    wall.now -= DAY
    assert fits(budget, 1) is None
    wall.now += DAY
    assert fits(budget, 1) is None


def test_other_limits_keep_what_was_spent() -> None:
    budget = Budget(Budgets(), Wall())
    assert not budget.limited
    budget.settle(budget.reserve(None, 0), usd(8), 80)
    held = budget.reserve(usd(1), 10)
    budget.replace(Budgets(run_max_cost=usd(10), day_max_total_tokens=100))
    assert budget.limited
    assert fits(budget, "1.01") is None
    assert fits(budget, 0, 11) is None
    budget.settle(held, usd(1), 10)
    assert fits(budget, 1, 10)
    budget.replace(Budgets(run_max_cost=usd(5)))
    assert fits(budget, "0.01") is None
    budget.replace(Budgets())
    assert fits(budget, 1_000_000, 1_000_000)


@pytest.mark.parametrize("make", BOTH)
def test_a_hundred_threads_and_a_budget_for_ten(make: type[CallBudget]) -> None:
    budget = make("10")  # pyright: ignore
    start = Barrier(20)

    def ask(_: int) -> Hold | None:
        start.wait()
        return fits(budget, 1)

    with ThreadPoolExecutor(20) as pool:
        held = [hold for hold in pool.map(ask, range(100)) if hold is not None]
        assert len(held) == 10
        list(pool.map(lambda hold: budget.settle(hold, usd("0.5"), 0), held))
    assert fits(budget, "5.01") is None
    assert fits(budget, 5)


STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 60)), max_size=40)


@pytest.mark.parametrize("make", BOTH)
@given(steps=STEPS)
def test_nothing_is_let_through_beyond_the_limit(make: type[CallBudget], steps: list[tuple[int, int, int]]) -> None:
    """Whatever comes: at each reservation spent, held and asked keep to the limit, and all that fits is let through."""
    budget = make("100", 100)  # pyright: ignore
    spent, open_holds = 0, list[Hold]()
    for asked, act, actual in steps:
        held = sum(int(hold.cost) for hold in open_holds)
        hold = fits(budget, asked, asked)
        assert (hold is not None) == (not asked or spent + held + asked <= 100)
        if hold is not None:
            open_holds.append(hold)
        if act and open_holds:
            ended = open_holds.pop(0)
            if act == 1:
                budget.release(ended)
                continue
            note = budget.settle(ended, usd(actual), actual)
            spent += actual
            gone = spent + sum(int(hold.cost) for hold in open_holds)
            assert (note is not None) == (actual > ended.tokens and gone > 100)


@pytest.mark.parametrize("make", BOTH)
@given(calls=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 80)), max_size=40))
def test_one_after_the_other_pass_a_limit_by_one_call_at_most(
    make: type[CallBudget], calls: list[tuple[int, int]]
) -> None:
    budget = make("100")  # pyright: ignore
    spent, notes = 0, 0
    for asked, actual in calls:
        hold = fits(budget, asked)
        if hold is not None:
            assert spent + asked <= 100
            spent += actual
            notes += budget.settle(hold, usd(actual), 0) is not None
    assert notes == (spent > 100)


def test_the_store_keeps_the_day_and_the_run_stays_here() -> None:
    shelf = Shelf()
    budget = Budget(Budgets(run_max_cost=usd(10), day_max_cost=usd(20), day_max_total_tokens=50), Wall(), store=shelf)
    assert budget.blocks
    held = budget.reserve(usd(4), 7)
    budget.settle(held, usd(3), 6)
    budget.settle(held, usd(3), 6)
    other = budget.reserve(usd(4), 7)
    budget.release(other)
    budget.release(other)
    assert shelf.asked == [
        ("hold", "2026-11-21", usd(4), 7, usd(20), 50),
        ("settle", "h1", usd(3), 6),
        ("hold", "2026-11-21", usd(4), 7, usd(20), 50),
        ("release", "h1"),
    ]
    assert fits(budget, "7.01") is None
    assert len(shelf.asked) == 4, "the run refuses before the store is asked"


def test_an_unknown_cost_is_settled_in_the_store_at_what_was_held() -> None:
    shelf = Shelf()
    budget = Budget(Budgets(day_max_cost=usd(20)), Wall(), store=shelf)
    budget.settle(budget.reserve(usd(4), 7), None, 6)
    assert shelf.asked[-1] == ("settle", "h1", usd(4), 6)


def test_the_store_is_left_alone_where_the_day_has_no_limit() -> None:
    shelf = Shelf()
    budget = Budget(Budgets(run_max_cost=usd(10)), Wall(), store=shelf)
    assert not budget.blocks
    budget.settle(budget.reserve(usd(4), 0), usd(4), 0)
    budget.release(budget.reserve(usd(4), 0))
    assert shelf.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Standing(cost=usd(15), held_cost=usd(3)), r"day_max_cost = \$20 would be passed: \$15 is spent, \$3 is held"),
        (BudgetError("the disk is gone"), "the disk is gone"),
    ],
)
def test_what_the_store_refuses_holds_nothing_of_the_run(answer: Standing | BudgetError, words: str) -> None:
    shelf = Shelf(answer)
    budget = Budget(Budgets(run_max_cost=usd(10), day_max_cost=usd(20)), Wall(), store=shelf)
    with pytest.raises(BudgetError, match=words):
        budget.reserve(usd(8), 0)
    shelf.answer = "h1"
    assert fits(budget, 10)
    assert all(ask[0] == "hold" for ask in shelf.asked)


def test_the_note_of_a_day_in_the_store() -> None:
    shelf = Shelf()
    budget = Budget(Budgets(run_max_cost=usd(100), day_max_cost=usd(20)), Wall(), store=shelf)
    held = budget.reserve(usd(4), 0)
    shelf.after = Standing(cost=usd(21), held_cost=usd(1))
    assert budget.settle(held, usd(6), 0) == (
        "day_max_cost = $20 is passed by $2: this request cost $6, $4 was held for it"
    )
    held = budget.reserve(usd(4), 0)
    shelf.after = None
    assert budget.settle(held, usd(6), 0) is None


def test_a_hold_ends_in_the_store_where_it_began() -> None:
    old, new = Shelf(), Shelf("h9")
    budget = Budget(Budgets(day_max_cost=usd(20)), Wall(), store=old)
    held = budget.reserve(usd(4), 0)
    budget.replace(Budgets(day_max_cost=usd(20)), store=new)
    budget.settle(held, usd(4), 0)
    budget.reserve(usd(1), 0)
    assert old.asked[-1] == ("settle", "h1", usd(4), 0)
    assert [ask[0] for ask in new.asked] == ["hold"]


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_process_keeps_what_was_spent_and_drops_what_was_held() -> None:
    budget = run_of("10")
    budget.settle(budget.reserve(usd(2), 0), usd(2), 0)
    held = budget.reserve(usd(8), 0)
    with budget._lock:  # pyright: ignore  # another thread of the parent may hold it at that moment
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            good = fits(budget, "8.01") is None and fits(budget, 8) is not None
            budget.settle(held, usd(8), 0)
            os._exit(0 if good and fits(budget, "0.01") is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fits(budget, "0.01") is None
