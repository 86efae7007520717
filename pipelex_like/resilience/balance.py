"""In which order the candidates of a group are asked, where their order is not fixed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.deck import Candidate

_SHARE = 0.2
_KEPT = 4096


class Figures:
    """How long each (backend, model id) took lately, in seconds: a mean in which the latest one weighs a fifth.

    Without a lock: of two notes at the same instant one may be lost, which a mean can bear. Past 4096 models all are
    measured anew.
    """

    def __init__(self) -> None:
        self._means: dict[tuple[str, str], float] = {}

    def note(self, backend: str, model_id: str, seconds: float) -> None:
        """Add what one answer took."""
        key = (backend, model_id)
        mean = self._means.get(key)
        if mean is None and len(self._means) >= _KEPT:
            self._means.clear()
        self._means[key] = seconds if mean is None else mean + _SHARE * (seconds - mean)

    def seconds(self, backend: str, model_id: str) -> float | None:
        """Give the mean, None where nothing was measured."""
        return self._means.get((backend, model_id))


def ordered(
    candidates: tuple[Candidate, ...],
    way: str,
    *,
    weights: Mapping[str, float],
    in_flight: Callable[[str], int],
    figures: Figures,
    price: Callable[[Candidate], Decimal | None],
    chance: Callable[[], float],
) -> tuple[Candidate, ...]:
    """Give the same candidates in the order in which to ask them; ties keep the order declared.

    `way` is "weighted": drawn by chance, twice as often first for twice the weight (of `backend/handle`, else of the
    backend, else 1), those of weight 0 last; "least_in_flight": by backend; "lowest_latency": those never measured
    first; "cheapest": those of unknown price last. `chance` gives a number in [0, 1).
    """
    match way:
        case "weighted":
            return _drawn(candidates, weights, chance)
        case "least_in_flight":
            return tuple(sorted(candidates, key=lambda candidate: in_flight(candidate.backend)))
        case "lowest_latency":
            return tuple(sorted(candidates, key=lambda candidate: _latency(figures, candidate)))
        case "cheapest":
            return tuple(sorted(candidates, key=lambda candidate: _cost(price(candidate))))
        case _:
            raise ValueError(f'there is no way to balance called "{way}"')


def _latency(figures: Figures, candidate: Candidate) -> float:
    known = figures.seconds(candidate.backend, candidate.model_id)
    return -1.0 if known is None else known


def _cost(price: Decimal | None) -> tuple[bool, Decimal]:
    return price is None, price or Decimal(0)


def _drawn(
    candidates: tuple[Candidate, ...], weights: Mapping[str, float], chance: Callable[[], float]
) -> tuple[Candidate, ...]:
    left = [(candidate, _weight(candidate, weights)) for candidate in candidates]
    never = tuple(candidate for candidate, weight in left if weight <= 0)
    left = [(candidate, weight) for candidate, weight in left if weight > 0]
    drawn: list[Candidate] = []
    while left:
        drawn.append(left.pop(_picked([weight for _, weight in left], chance))[0])
    return (*drawn, *never)


def _picked(weights: list[float], chance: Callable[[], float]) -> int:
    if len(weights) == 1:
        return 0
    point = chance() * sum(weights)
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return place
    return len(weights) - 1


def _weight(candidate: Candidate, weights: Mapping[str, float]) -> float:
    own = weights.get(f"{candidate.backend}/{candidate.handle}")
    return weights.get(candidate.backend, 1.0) if own is None else own
