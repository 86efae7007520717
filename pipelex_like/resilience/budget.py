"""Limits on spending: what a request may come to is held before it is sent, and what it came to takes its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pipelex_like.resilience.caps import Caps
from pipelex_like.types.spending import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.deck import Budgets

_ZERO = Decimal(0)
_DAY = 86_400
_LESS = "or ask for less (max_tokens, reserve_output_tokens)"


class DayStore(Protocol):
    """Keeps the day's spending of several processes. Every method may block; a day is written 2026-11-30."""

    def hold(
        self, day: str, cost: Decimal, tokens: int, *, max_cost: Decimal | None, max_total_tokens: int | None
    ) -> str | Standing:
        """Give the id of a new hold, or where the day stands if a limit would be passed.

        Raises BudgetError where the store cannot tell.
        """
        ...

    def settle(self, hold_id: str, cost: Decimal, tokens: int) -> Standing | None:
        """Put what was spent in the place of a hold, once, and give where its day stands then.

        None for one that is not held any more, and where the store cannot write: the hold then counts as it is.
        """
        ...

    def release(self, hold_id: str) -> None:
        """Drop a hold of which nothing was spent."""
        ...


class _Account:
    """Where one budget stands. Its owner's lock guards it; `gone` and `used` are what was spent and is held."""

    __slots__ = ("gone", "held_cost", "held_tokens", "used")

    def __init__(self, cost: Decimal = _ZERO, tokens: int = 0) -> None:
        self.gone = cost
        self.used = tokens
        self.held_cost = _ZERO
        self.held_tokens = 0

    def standing(self) -> Standing:
        return Standing(
            cost=self.gone - self.held_cost,
            tokens=self.used - self.held_tokens,
            held_cost=self.held_cost,
            held_tokens=self.held_tokens,
        )

    def without_holds(self) -> _Account:
        return _Account(self.gone - self.held_cost, self.used - self.held_tokens)

    def check(self, caps: Caps, cost: Decimal, tokens: int) -> None:
        """Raise BudgetError where that much more would pass a limit."""
        dear = caps.cost is not None and cost > 0 and self.gone + cost > caps.cost
        if dear or (caps.tokens is not None and tokens > 0 and self.used + tokens > caps.tokens):
            raise caps.refusal(self.standing(), cost, tokens)


@dataclass(slots=True, eq=False)
class Hold:
    """US dollars and tokens put by for one request. It ends once, by settle or release; later ones do nothing."""

    cost: Decimal
    tokens: int
    accounts: tuple[_Account, ...]
    store: DayStore | None = None
    store_id: str | None = None
    open: bool = True

    def begin(self) -> None:
        """Put it on its accounts, under their lock."""
        for account in self.accounts:
            account.gone += self.cost
            account.held_cost += self.cost
            account.used += self.tokens
            account.held_tokens += self.tokens

    def end(self, cost: Decimal = _ZERO, tokens: int = 0) -> bool:
        """Put what was spent in its place, under the accounts' lock. Give whether it was still open."""
        if not self.open:
            return False
        self.open = False
        for account in self.accounts:
            account.gone += cost - self.cost
            account.held_cost -= self.cost
            account.used += tokens - self.tokens
            account.held_tokens -= self.tokens
        return True


class CallBudget:
    """The limits of one call, over all its attempts, also those that run side by side."""

    def __init__(self, max_cost: Decimal | None, max_total_tokens: int | None) -> None:
        self._caps = Caps(max_cost, max_total_tokens, "", f"Raise it on the call or its preset, {_LESS}.")
        self._account = _Account()
        self._lock = Lock()

    def reserve(self, cost: Decimal | None, tokens: int, *, why: str | None = None) -> Hold:
        """Hold that much for an attempt; see Budget.reserve."""
        asked = self._caps.priced(cost, why)
        hold = Hold(asked, tokens, (self._account,))
        with self._lock:
            self._account.check(self._caps, asked, tokens)
            hold.begin()
        return hold

    def settle(self, hold: Hold, cost: Decimal | None, tokens: int) -> str | None:
        """Count what the attempt came to; see Budget.settle."""
        spent = hold.cost if cost is None else cost
        with self._lock:
            if not hold.end(spent, tokens):
                return None
            if spent <= hold.cost and tokens <= hold.tokens:
                return None
            standing = self._account.standing()
        return "; ".join(self._caps.passed(standing, hold, spent, tokens)) or None

    def release(self, hold: Hold) -> None:
        """Give back what was held for an attempt that cost nothing."""
        with self._lock:
            hold.end()


class Budget:
    """The limits of a run and of a day, for all threads and loops. The day is the UTC date of `now()`, a unix time.

    With a `store` the day's limits count what all its users spend while such a limit is set. Where a request comes to
    more than was held for it, its settlement may pass a limit; nothing else that costs is let through then. A forked
    process begins with what was spent, and without what was held.
    """

    def __init__(self, limits: Budgets, now: Callable[[], float], *, store: DayStore | None = None) -> None:
        self._now = now
        self._rules = (*_caps(limits), store)
        self._run = _Account()
        self._day = _Account()
        self._date = 0
        self._lock = Lock()
        self._pid = os.getpid()

    def replace(self, limits: Budgets, *, store: DayStore | None = None) -> None:
        """Put other limits and another store in the place of these; what was spent stays spent."""
        self._rules = (*_caps(limits), store)

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        run, day, _ = self._rules
        return run.given or day.given

    @property
    def blocks(self) -> bool:
        """Whether `reserve` asks the store, and so may block, as `settle` and `release` then may for its holds."""
        _, day, store = self._rules
        return store is not None and day.given

    def reserve(self, cost: Decimal | None, tokens: int, *, why: str | None = None) -> Hold:
        """Hold that much for a request; `why` tells why no cost is known.

        Raises BudgetError where spent, held and asked together would pass a limit (what is free passes none), and
        where a limit on cost meets a price that is not known. Nothing is held then.
        """
        run, day, store = self._rules
        asked = run.priced(cost, why)
        day.priced(cost, why)
        date = int(self._now() // _DAY)
        with self._own_lock():
            self._run.check(run, asked, tokens)
            if store is not None and day.given:
                hold = Hold(asked, tokens, (self._run,), store)
            else:
                hold = Hold(asked, tokens, (self._run, self._checked_day(date, day, asked, tokens)))
            hold.begin()
        if hold.store is not None:
            self._hold_day(hold, hold.store, day, date)
        return hold

    def settle(self, hold: Hold, cost: Decimal | None, tokens: int) -> str | None:
        """Count what the request came to, where a cost of None counts as what was held. Give a note where that passed
        a limit."""
        spent = hold.cost if cost is None else cost
        above = spent > hold.cost or tokens > hold.tokens
        run, day, _ = self._rules
        with self._own_lock():
            if not hold.end(spent, tokens):
                return None
            standings = [account.standing() for account in hold.accounts] if above else []
        if hold.store is not None and hold.store_id is not None:
            standing = hold.store.settle(hold.store_id, spent, tokens)
            standings += [] if standing is None else [standing]
        if not above:
            return None
        passed = (
            caps.passed(standing, hold, spent, tokens) for standing, caps in zip(standings, (run, day), strict=False)
        )
        return "; ".join(note for notes in passed for note in notes) or None

    def release(self, hold: Hold) -> None:
        """Give back what was held for a request that cost nothing."""
        with self._own_lock():
            ended = hold.end()
        if ended and hold.store is not None and hold.store_id is not None:
            hold.store.release(hold.store_id)

    def _own_lock(self) -> Lock:
        # What was under way when this process was forked is the parent's, and so may be the lock.
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), Lock()
            self._run, self._day = self._run.without_holds(), self._day.without_holds()
        return self._lock

    def _checked_day(self, date: int, caps: Caps, cost: Decimal, tokens: int) -> _Account:
        # A clock that is set back does not give the day's money a second time.
        if date > self._date:
            self._date, self._day = date, _Account()
        self._day.check(caps, cost, tokens)
        return self._day

    def _hold_day(self, hold: Hold, store: DayStore, caps: Caps, date: int) -> None:
        day = datetime.fromtimestamp(date * _DAY, UTC).date().isoformat()
        held: str | Standing | None = None
        try:
            held = store.hold(day, hold.cost, hold.tokens, max_cost=caps.cost, max_total_tokens=caps.tokens)
        finally:
            if not isinstance(held, str):
                self.release(hold)
        if isinstance(held, Standing):
            raise caps.refusal(held, hold.cost, hold.tokens)
        hold.store_id = held


def _caps(limits: Budgets) -> tuple[Caps, Caps]:
    place = f"in [budgets] of routing_profiles.toml, {_LESS}."
    return (
        Caps(limits.run_max_cost, limits.run_max_total_tokens, "run_", f"Raise it {place}"),
        Caps(
            limits.day_max_cost, limits.day_max_total_tokens, "day_", f"Wait for the next day in UTC, raise it {place}"
        ),
    )
