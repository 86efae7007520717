"""How long and how often: the policies of backend, profile, preset and call as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pipelex_like.deck import Policy
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Backend, Candidate

MAX_RETRIES = 2
MAX_REPAIRS = 1
ATTEMPT_SECONDS = 600.0
_UNBOUND = Limits()
_NOTHING = Policy()
_NO_ACTIONS: Mapping[str, str] = FrozenDict()


@dataclass(frozen=True, slots=True)
class Rules:
    """The policies that hold for a call, the nearest to the caller first; a backend's own come last.

    A backend's `timeout` bounds one attempt, that of anybody else the whole call.
    """

    policies: tuple[Policy, ...]
    backends: Mapping[str, Backend]

    @classmethod
    def of(cls, policies: tuple[Policy, ...], backends: Mapping[str, Backend]) -> Rules:
        """Leave out the policies that say nothing."""
        return cls(tuple(policy for policy in policies if policy != _NOTHING), backends)

    @property
    def deadline(self) -> float | None:
        """Seconds for the whole call."""
        return _number("timeout", self.policies)

    @property
    def max_attempts(self) -> int | None:
        """Most requests of the whole call."""
        number = _number("max_attempts", self.policies)
        return None if number is None else int(number)

    def retries(self, candidate: Candidate) -> int:
        """Repeats of the same candidate."""
        number = _number("max_retries", self._all(candidate))
        return MAX_RETRIES if number is None else int(number)

    def repairs(self, candidate: Candidate) -> int:
        """How often a model may be shown what is wrong with its object; each counts as one of the repeats."""
        number = _number("max_repairs", self._all(candidate))
        return MAX_REPAIRS if number is None else int(number)

    def actions(self, candidate: Candidate) -> Mapping[str, str]:
        """What was declared to follow an error class."""
        tables = [policy.actions for policy in self._all(candidate) if policy.actions]
        if not tables:
            return _NO_ACTIONS
        return {word: action for table in reversed(tables) for word, action in table.items()}

    def limits(self, candidate: Candidate, remaining: float | None) -> Limits:
        """The bounds of one attempt at that candidate, when `remaining` seconds are left of the call."""
        policies = self._all(candidate)
        own = _number("timeout", (self._of(candidate),)) or ATTEMPT_SECONDS
        size, event = _number("max_response_bytes", policies), _number("max_event_bytes", policies)
        return Limits(
            timeout=own if remaining is None else min(own, remaining),
            connect=_number("connect_timeout", policies),
            first_event=_number("first_event_timeout", policies) or own,
            between_events=_number("between_events_timeout", policies) or own,
            max_stream_seconds=_number("max_stream_seconds", policies),
            max_response_bytes=_UNBOUND.max_response_bytes if size is None else int(size),
            max_event_bytes=_UNBOUND.max_event_bytes if event is None else int(event),
        )

    def _of(self, candidate: Candidate) -> Policy:
        backend = self.backends.get(candidate.backend)
        return _NOTHING if backend is None else backend.policy

    def _all(self, candidate: Candidate) -> tuple[Policy, ...]:
        return (*self.policies, self._of(candidate))


def _number(name: str, policies: tuple[Policy, ...]) -> float | None:
    # A policy of a bound deck holds no template any more.
    for policy in policies:
        value: object = getattr(policy, name)
        if value is not None:
            return cast("float", value)
    return None
