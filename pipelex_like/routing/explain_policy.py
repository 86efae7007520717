"""How the calls of a route are governed: each value in force, and who said it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.deck.policy import ACTIONS, ATTEMPT_SECONDS, RULES, WORTH_WAITING
from pipelex_like.routing.explanation import DEFAULT, Governed, Step
from pipelex_like.types import is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import BoundDeck, Candidate, Origin, Route
    from pipelex_like.deck.policy import Rule
    from pipelex_like.routing.leaves import Hop

# A backend's `timeout` is of an attempt, everybody else's of the call: two values under one key.
ATTEMPT = "attempt_timeout"
_AS_AN_ATTEMPT = ("first_event_timeout", "between_events_timeout")


def governed(bound: BoundDeck, route: Route, candidate: Candidate, hops: Sequence[Hop]) -> tuple[Governed, ...]:
    """Give every value that governs a call to the candidate; `hops` are the steps on the way of all candidates.

    What comes from a variable stands as its template.
    """
    return tuple(_Teller(bound, route, candidate, hops).rows())


class _Teller:
    def __init__(self, bound: BoundDeck, route: Route, candidate: Candidate, hops: Sequence[Hop]) -> None:
        self.bound, self.route, self.hops = bound, route, hops
        self.backend = bound.backends[candidate.backend]
        self.lone = len(route.candidates) == 1

    def rows(self) -> Iterator[Governed]:
        yield self._callers("timeout") or self._usual("timeout", RULES["timeout"])
        attempt = self._backends("timeout", ATTEMPT) or _row(ATTEMPT, ATTEMPT_SECONDS, DEFAULT, form="seconds")
        yield attempt
        for name, rule in RULES.items():
            if name == "timeout":
                continue
            said = (self._callers(name) if rule.caller else None) or (self._backends(name) if rule.backend else None)
            if said is None and name in _AS_AN_ATTEMPT:
                said = _row(name, attempt.value, attempt.source, attempt.step.origin, form=rule.form)
            yield said or self._usual(name, rule)
        yield from self._actions()

    def _callers(self, name: str) -> Governed | None:
        """Give what the steps on the way or the profile say."""
        value = getattr(self.route.policy, name)
        if value is None:
            return None
        hop = next((hop for hop in self.hops if getattr(hop.policy, name) == value), None)
        return _row(name, value, *self._said(hop, name), form=RULES[name].form)

    def _said(self, hop: Hop | None, name: str) -> tuple[str, Origin | None]:
        if hop is not None:
            return f'{hop.what} "{hop.name}"', hop.origins.get(name, hop.origin)
        profile = self.bound.profile
        return f'profile "{profile.name}"', profile.where(name)

    def _backends(self, name: str, shown: str | None = None) -> Governed | None:
        value, spec = getattr(self.backend.policy, name), self.backend.spec
        if value is None:
            return None
        written = getattr(spec.policy, name)
        value = written.text if isinstance(written, Template) else value
        return _row(shown or name, value, f'backend "{spec.name}"', spec.where(name), form=RULES[name].form)

    @staticmethod
    def _usual(name: str, rule: Rule) -> Governed:
        if rule.default is not None:
            return _row(name, rule.default, DEFAULT, form=rule.form)
        return Governed(name, None, DEFAULT, Step(f"{name}: {rule.otherwise}"))

    def _actions(self) -> Iterator[Governed]:
        policy, spec = self.route.policy, self.backend.spec
        for word, usual in ACTIONS.items():
            name = f"actions.{word}"
            if word in policy.actions:
                action = policy.actions[word]
                hop = next((hop for hop in self.hops if hop.policy.actions.get(word) == action), None)
                yield _row(name, action, *self._said(hop, "actions"))
            elif word in self.backend.policy.actions:
                source = f'backend "{spec.name}"'
                yield _row(name, self.backend.policy.actions[word], source, spec.where("actions"))
            elif word == "invalid_object" and (declared := self._declared("invalid_response")):
                yield _row(name, declared, "invalid_response")
            else:
                yield _row(name, "retry" if self.lone and word in WORTH_WAITING else usual, DEFAULT)

    def _declared(self, word: str) -> str | None:
        return self.route.policy.actions.get(word) or self.backend.policy.actions.get(word)


def _row(name: str, value: object, source: str, origin: Origin | None = None, *, form: str = "word") -> Governed:
    by = "" if source == DEFAULT else f", from {source}"
    return Governed(name, _plain(value), source, Step(f"{name} = {_shown(value, form)}{by}", origin))


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else thaw(value)


def _shown(value: object, form: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    match form:
        case "seconds" | "cache":
            return f"{value:g} s" if isinstance(value, int | float) else str(value)
        case "dollars":
            return f"{value} USD"
        case "weights" if is_table(value):
            shares = ", ".join(f'"{name}" = {share}' for name, share in value.items())
            return f"{{ {shares} }}"
        case _:
            return str(value)
