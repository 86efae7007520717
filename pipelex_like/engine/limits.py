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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What holds for the requests to one backend.

    `retries` are repeats of the same candidate; `repairs`, how often a model may be shown what is wrong with its
    object, count among them. `retry_after_cap` is the most seconds that are waited because a provider asks for it; a
    longer wish moves on. `cooldown` are the seconds of the first pause after it was given up, 0 = none. `actions` is
    what was declared to follow an error class.
    """

    retries: int
    repairs: int
    retry_after_cap: float
    cooldown: float
    max_concurrency: int | None
    max_waiting: int
    actions: Mapping[str, str]


class Rules:
    """The policies that hold for a call, the nearest to the caller first; a backend's own come last.

    A backend's `timeout` bounds one attempt, that of anybody else the whole call.
    """

    __slots__ = (
        "_backends",
        "_policies",
        "_ways",
        "balance",
        "cache",
        "coalesce",
        "deadline",
        "hedge_after",
        "max_attempts",
        "max_cost",
        "max_total_tokens",
        "reserve_output_tokens",
        "weights",
    )

    def __init__(self, policies: tuple[Policy, ...], backends: Mapping[str, Backend]) -> None:
        self._policies = policies
        self._backends = backends
        self._ways: dict[str, Ways] = {}
        self.deadline = _number("timeout", policies)
        """Seconds for the whole call."""
        self.max_attempts = _whole("max_attempts", policies)
        """Most requests of the whole call."""
        self.max_cost = cast("Decimal | None", _said("max_cost", policies))
        """US dollars for the whole call, all its attempts together."""
        self.max_total_tokens = _whole("max_total_tokens", policies)
        """Tokens, in and out, for the whole call."""
        self.reserve_output_tokens = int(_or_default("reserve_output_tokens", policies))
        """What an answer is taken to be at most where nothing bounds it, when its cost is estimated."""
        self.balance = cast("Balance | None", _said("balance", policies))
        """How the candidates are put in order; None = as declared."""
        self.weights = cast("Mapping[str, float] | None", _said("weights", policies)) or _NO_WEIGHTS
        """Shares by backend or `backend/handle`; who is not in it has 1."""
        self.hedge_after = _number("hedge_after", policies)
        """Seconds without an answer after which the next candidate is asked as well; None = never."""
        self.cache = _age(_said("cache", policies))
        """Seconds that an answer may be taken from the cache and is kept in it: `inf` = without end, None = not."""
        self.coalesce = _said("coalesce", policies) is True
        """Whether equal calls under way share one request."""

    @property
    def backends(self) -> Mapping[str, Backend]:
        """The backends of the profile in force."""
        return self._backends

    def ways(self, candidate: Candidate) -> Ways:
        """Give what holds for the requests to its backend."""
        ways = self._ways.get(candidate.backend)
        if ways is None:
            ways = self._ways[candidate.backend] = self._worked_out(candidate)
        return ways

    def _worked_out(self, candidate: Candidate) -> Ways:
        policies, own = self._all(candidate), (self._of(candidate),)
        tables = [policy.actions for policy in policies if policy.actions]
        actions = {word: action for table in reversed(tables) for word, action in table.items()}
        return Ways(
            retries=int(_or_default("max_retries", policies)),
            repairs=int(_or_default("max_repairs", policies)),
            retry_after_cap=_or_default("retry_after_cap", policies),
            cooldown=_or_default("cooldown", policies),
            max_concurrency=_whole("max_concurrency", own),
            max_waiting=int(_or_default("max_waiting", own)),
            actions=actions or _NO_ACTIONS,
        )

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
        backend = self._backends.get(candidate.backend)
        return NO_POLICY if backend is None else backend.policy

    def _all(self, candidate: Candidate) -> tuple[Policy, ...]:
        own = self._of(candidate)
        return self._policies if own is NO_POLICY else (*self._policies, own)


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


def _whole(name: str, policies: tuple[Policy, ...]) -> int | None:
    number = _number(name, policies)
    return None if number is None else int(number)


def _age(said: object) -> float | None:
    if said is True:
        return inf
    return None if said is None or said is False else cast("float", said)


def saying(*policies: Policy) -> tuple[Policy, ...]:
    """Leave out the policies that say nothing."""
    return tuple(policy for policy in policies if policy is not NO_POLICY and policy != NO_POLICY)
