"""How far a budget is used up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was spent, and what requests under way hold for themselves: US dollars and tokens."""

    cost: Decimal = _ZERO
    tokens: int = 0
    held_cost: Decimal = _ZERO
    held_tokens: int = 0

    def holding(self, cost: Decimal, tokens: int) -> Standing:
        """Give where it stands with that much more held."""
        return Standing(
            cost=self.cost,
            tokens=self.tokens,
            held_cost=self.held_cost + cost,
            held_tokens=self.held_tokens + tokens,
        )

    def spending(self, cost: Decimal, tokens: int) -> Standing:
        """Give where it stands with that much more spent."""
        return Standing(
            cost=self.cost + cost,
            tokens=self.tokens + tokens,
            held_cost=self.held_cost,
            held_tokens=self.held_tokens,
        )

    def passes_cost(self, cost: Decimal, most: Decimal | None) -> bool:
        """Whether that much more would pass the limit; what is free passes none."""
        return most is not None and cost > 0 and self.cost + self.held_cost + cost > most

    def passes_tokens(self, tokens: int, most: int | None) -> bool:
        """Whether that many more would pass the limit; none at all never do."""
        return most is not None and tokens > 0 and self.tokens + self.held_tokens + tokens > most
