"""How long, how often and how dear: the policies of backend, profile, preset and call as one."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, cast

from pipelex_like.deck import NO_POLICY
from pipelex_like.deck.policy import ATTEMPT_SECONDS, RULES
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from pipelex_like.deck import Backend, Balance, Candidate, Policy

_UNBOUND = Limits()
_USUAL = Limits(timeout=ATTEMPT_SECONDS, first_event=ATTEMPT_SECONDS, between_events=ATTEMPT_SECONDS)
_NO_ACTIONS: Mapping[str, str] = FrozenDict()
_NO_WEIGHTS: Mapping[str, float] = FrozenDict()
_DEFAULTS = {name: cast("float", rule.default) for name, rule in RULES.items() if rule.default is not None}


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
        said = tuple(policy for policy in policies if policy is not NO_POLICY and policy != NO_POLICY)
        return cls(said, backends)

    @property
    def deadline(self) -> float | None:
        """Seconds for the whole call."""
        return _number("timeout", self.policies)

    @property
    def max_attempts(self) -> int | None:
        """Most requests of the whole call."""
        number = _number("max_attempts", self.policies)
        return None if number is None else int(number)

    @property
    def max_cost(self) -> Decimal | None:
        """US dollars for the whole call, all its attempts together."""
        return cast("Decimal | None", _said("max_cost", self.policies))

    @property
    def max_total_tokens(self) -> int | None:
        """Tokens, in and out, for the whole call."""
        return cast("int | None", _said("max_total_tokens", self.policies))

    @property
    def reserve_output_tokens(self) -> int:
        """What an answer is taken to be at most where nothing bounds it, when its cost is estimated."""
        return int(_or_default("reserve_output_tokens", self.policies))

    @property
    def balance(self) -> Balance | None:
        """How the candidates are put in order; None = as declared."""
        return cast("Balance | None", _said("balance", self.policies))

    @property
    def weights(self) -> Mapping[str, float]:
        """Shares by backend or `backend/handle`; who is not in it has 1."""
        return cast("Mapping[str, float] | None", _said("weights", self.policies)) or _NO_WEIGHTS

    @property
    def hedge_after(self) -> float | None:
        """Seconds without an answer after which the next candidate is asked as well; None = never."""
        return _number("hedge_after", self.policies)

    @property
    def cache(self) -> float | None:
        """Seconds that an answer may be taken from the cache and is kept in it: `inf` = without end, None = not."""
        said = _said("cache", self.policies)
        if said is True:
            return inf
        return None if said is None or said is False else cast("float", said)

    @property
    def coalesce(self) -> bool:
        """Whether equal calls under way share one request."""
        return _said("coalesce", self.policies) is True

    def retries(self, candidate: Candidate) -> int:
        """Repeats of the same candidate."""
        return int(_or_default("max_retries", self._all(candidate)))

    def repairs(self, candidate: Candidate) -> int:
        """How often a model may be shown what is wrong with its object; each counts as one of the repeats."""
        return int(_or_default("max_repairs", self._all(candidate)))

    def retry_after_cap(self, candidate: Candidate) -> float:
        """The most seconds that are waited because a provider asks for it; a longer wish moves on."""
        return _or_default("retry_after_cap", self._all(candidate))

    def cooldown(self, candidate: Candidate) -> float:
        """Seconds of the first pause after it was given up; 0 = none."""
        return _or_default("cooldown", self._all(candidate))

    def max_concurrency(self, candidate: Candidate) -> int | None:
        """Most requests to its backend at the same time."""
        number = _number("max_concurrency", (self._of(candidate),))
        return None if number is None else int(number)

    def max_waiting(self, candidate: Candidate) -> int:
        """Most calls that wait for their turn at its backend."""
        return int(_or_default("max_waiting", (self._of(candidate),)))

    def actions(self, candidate: Candidate) -> Mapping[str, str]:
        """What was declared to follow an error class."""
        tables = [policy.actions for policy in self._all(candidate) if policy.actions]
        if not tables:
            return _NO_ACTIONS
        return {word: action for table in reversed(tables) for word, action in table.items()}

    def limits(self, candidate: Candidate, remaining: float | None) -> Limits:
        """The bounds of one attempt at that candidate, when `remaining` seconds are left of the call."""
        policies = self._all(candidate)
        if not policies and remaining is None:
            return _USUAL
        own = _number("timeout", (self._of(candidate),)) or ATTEMPT_SECONDS
        size, event = _number("max_response_bytes", policies), _number("max_event_bytes", policies)
        return Limits(
            timeout=own if remaining is None else min(own, remaining),
            connect=_number("connect_timeout", policies),
            first_event=_number("first_event_timeout", policies) or own,
            between_events=_number("between_events_timeout", policies) or own,
            start=_number("start_timeout", policies),
            job=_number("job_timeout", policies),
            max_stream_seconds=_number("max_stream_seconds", policies),
            max_response_bytes=_UNBOUND.max_response_bytes if size is None else int(size),
            max_event_bytes=_UNBOUND.max_event_bytes if event is None else int(event),
        )

    def _of(self, candidate: Candidate) -> Policy:
        backend = self.backends.get(candidate.backend)
        return NO_POLICY if backend is None else backend.policy

    def _all(self, candidate: Candidate) -> tuple[Policy, ...]:
        own = self._of(candidate)
        return self.policies if own is NO_POLICY else (*self.policies, own)


def _said(name: str, policies: tuple[Policy, ...]) -> object:
    for policy in policies:
        value: object = getattr(policy, name)
        if value is not None:
            return value
    return None


def _number(name: str, policies: tuple[Policy, ...]) -> float | None:
    # A policy of a bound deck holds no template any more.
    return cast("float | None", _said(name, policies))


def _or_default(name: str, policies: tuple[Policy, ...]) -> float:
    number = _number(name, policies)
    return _DEFAULTS[name] if number is None else number
