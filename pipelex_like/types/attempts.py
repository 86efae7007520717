"""The record of one try at one candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types.usage import Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.types.kinds import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as plain values: the name of its class and its message."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was tried and what came of it; `duration` in seconds, `cost` in US dollars or None if unknown, `via` the
    gateway that it went through. `cached`: the answer was at hand, and nothing was sent."""

    backend: str
    handle: str
    model_id: str
    outcome: Outcome
    error: Failure | None = None
    status: int | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    cost_note: str | None = None
    provider_request_id: str | None = None
    duration: float = 0.0
    via: str | None = None
    cached: bool = False
