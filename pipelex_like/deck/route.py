"""The answer of the router."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.deck.policy import NO_POLICY, Policy
from pipelex_like.types import EMPTY, FrozenDict

if TYPE_CHECKING:
    from pipelex_like.deck.models import ModelSpec
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model of a backend that may serve the call.

    `settings` is what will be sent, by the preset's own key names, after the spec's constraints; `given` is the
    same before them, without the spec's own; `adapted` tells what the constraints changed, a line each.
    `via` is the gateway that its requests go through.
    `stood_in_for` is the handle that a stand-in replaced. `broken` is the reason why its backend cannot be called.
    """

    handle: str
    backend: str
    model_id: str
    sdk: str
    spec: ModelSpec
    settings: FrozenDict[str, object] = EMPTY
    given: FrozenDict[str, object] = EMPTY
    adapted: tuple[str, ...] = ()
    via: str | None = None
    stood_in_for: str | None = None
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A reference resolved: its kind, what the caller's side gave for all candidates, and these in order."""

    reference: str
    kind: Kind
    candidates: tuple[Candidate, ...]
    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = field(default=NO_POLICY)
    preset: str | None = None

    @property
    def primary(self) -> Candidate:
        """The first candidate."""
        return self.candidates[0]
