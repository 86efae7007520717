"""In which order the candidates of a call are asked: as declared, or balanced."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipelex_like.engine.stakes import expected
from pipelex_like.resilience.balance import ordered
from pipelex_like.types import ExtractJob, ImageJob, LlmJob

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.deck import Candidate
    from pipelex_like.engine.calls import Call

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


def in_order(call: Call[J]) -> tuple[Candidate, ...]:
    """Give the candidates in the order in which this call asks them."""
    candidates, way = call.route.candidates, call.rules.balance
    if way is None or len(candidates) == 1:
        return candidates
    governor = call.core.governor

    def price(candidate: Candidate) -> Decimal | None:
        return expected(call.job_for(candidate)[0], candidate, call.rules).cost

    return ordered(
        candidates,
        way,
        weights=call.rules.weights,
        in_flight=governor.gates.in_flight,
        figures=governor.figures,
        price=price,
        chance=call.core.runtime.chance,
    )
