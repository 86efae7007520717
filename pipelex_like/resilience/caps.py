"""A pair of limits, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from pipelex_like.errors import BudgetError

if TYPE_CHECKING:
    from pipelex_like.types.spending import Standing

_ZERO = Decimal(0)


class Held(Protocol):
    """What was put by for a request, in US dollars and tokens."""

    cost: Decimal
    tokens: int


@dataclass(frozen=True, slots=True)
class Caps:
    """`max_cost` in US dollars and `max_total_tokens`, None = no limit; `word` stands before both names in TOML
    (`day_`), `way_out` is the sentence of what to do where one is reached."""

    cost: Decimal | None
    tokens: int | None
    word: str
    way_out: str

    @property
    def given(self) -> bool:
        """Whether there is any limit."""
        return self.cost is not None or self.tokens is not None

    def priced(self, cost: Decimal | None, why: str | None) -> Decimal:
        """Give the cost to hold. Raises BudgetError where it is not known, for the reason `why`, and has a limit."""
        if cost is None and self.cost is not None:
            reason = why or "no price is known for it; write its `costs` into the spec file"
            raise BudgetError(f"{self.word}max_cost = {_dollars(self.cost)} cannot be kept with this request: {reason}")
        return _ZERO if cost is None else cost

    def refusal(self, standing: Standing, cost: Decimal, tokens: int) -> BudgetError:
        """Give the error of a request that would pass one of the limits."""
        if self.cost is not None and standing.passes_cost(cost, self.cost):
            return BudgetError(
                f"{self.word}max_cost = {_dollars(self.cost)} would be passed: {_dollars(standing.cost)} is spent, "
                f"{_dollars(standing.held_cost)} is held by requests under way, and this one may cost "
                f"{_dollars(cost)}. {self.way_out}"
            )
        return BudgetError(
            f"{self.word}max_total_tokens = {self.tokens} would be passed: {standing.tokens} are spent, "
            f"{standing.held_tokens} are held by requests under way, and this one may take {tokens}. {self.way_out}"
        )

    def passed(self, standing: Standing, held: Held, cost: Decimal, tokens: int) -> list[str]:
        """Tell of each limit that is passed now, where this request came to more than was held for it."""
        notes: list[str] = []
        if self.cost is not None and cost > held.cost:
            beyond = standing.cost + standing.held_cost - self.cost
            if beyond > 0:
                facts = f"this request cost {_dollars(cost)}, {_dollars(held.cost)} was held for it"
                notes.append(f"{self.word}max_cost = {_dollars(self.cost)} is passed by {_dollars(beyond)}: {facts}")
        if self.tokens is not None and tokens > held.tokens:
            more = standing.tokens + standing.held_tokens - self.tokens
            if more > 0:
                facts = f"this request took {tokens}, {held.tokens} were held for it"
                notes.append(f"{self.word}max_total_tokens = {self.tokens} is passed by {more}: {facts}")
        return notes


def _dollars(amount: Decimal) -> str:
    return f"${amount.normalize():f}"
