"""The rules of a profile, compiled: routes, stand-ins, unlisted patterns and the order of backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.routing.patterns import Ranked

if TYPE_CHECKING:
    from pipelex_like.deck import BoundDeck, RouteRule, StandIn

INTERNAL = "internal"
SANDBOX = "sandbox"


class Rules:
    """What the active profile and the backends' `unlisted` say by pattern."""

    def __init__(self, bound: BoundDeck) -> None:
        profile = bound.profile
        self.routes: Ranked[RouteRule] = Ranked((rule.pattern, rule) for rule in profile.rules)
        self.stand_ins: Ranked[StandIn] = Ranked((rule.pattern, rule) for rule in profile.stand_ins)
        self.unlisted: dict[str, Ranked[str]] = {
            name: Ranked((pattern, pattern) for pattern in backend.spec.unlisted)
            for name, backend in bound.backends.items()
            if not isinstance(backend.spec.unlisted, bool) and not backend.models
        }
        self.order = _order(bound)

    def takes(self, backend: str, name: str) -> list[str]:
        """Give the unlisted patterns of a backend that match a bare name."""
        ranked = self.unlisted.get(backend)
        return [match.rule for match in ranked.matches(name)] if ranked is not None else []


def _order(bound: BoundDeck) -> tuple[str, ...]:
    """Give the backends to ask where no route says: the default, then the fallback order or all, internal last."""
    profile = bound.profile
    if profile.fallback_order is not None:
        names = list(profile.fallback_order)
    else:
        names = [name for name, backend in bound.backends.items() if not backend.spec.only_when_named]
    if INTERNAL in bound.backends:
        names = [*(name for name in names if name != INTERNAL), INTERNAL]
    if profile.default is not None:
        names = [profile.default, *(name for name in names if name != profile.default)]
    return tuple(dict.fromkeys(name for name in names if name in bound.backends))
