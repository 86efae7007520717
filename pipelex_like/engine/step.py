"""One request of a call, as it is decided on before it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pipelex_like.engine.stakes import Stake
from pipelex_like.types import ExtractJob, ImageJob, LlmJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access, Limits, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step(Generic[J]):
    """One request to be made, `pause` seconds after the last one failed."""

    candidate: Candidate
    job: J
    adapted: tuple[str, ...]
    limits: Limits
    open: Callable[[Access], Worker]
    pause: float = 0.0
    stake: Stake = field(default_factory=Stake)
