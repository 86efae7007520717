"""Which rules of the profile decided where a model goes, and which gave way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.routing.explanation import Step
from pipelex_like.routing.rules import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.routing.assign import Place
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

# A rule that is the very name says more than any pattern.
_EXACT = 1_000_000


def rule_steps(names: Names, place: Place, kind: Kind) -> Iterator[Step]:
    """Tell every rule that touches the model, those that lost too."""
    yield from _stand_in_steps(names, place, kind)
    yield from _route_steps(names, place, kind)
    profile, handle = names.bound.profile, place.handle
    default = profile.default
    routed = place.rule is not None
    if place.how == "default":
        yield Step(f'default = "{default}" serves "{handle}"', profile.where("default"), "chosen")
    elif default is not None:
        why = "a route decides" if routed else _unable(names, default, handle, kind)
        yield Step(f'default = "{default}" does not count: {why}', profile.where("default"), "lost")
    if place.servers and not routed and place.how != "default":
        yield from _order_steps(names, place, kind)


def _stand_in_steps(names: Names, place: Place, kind: Kind) -> Iterator[Step]:
    winner: int | None = None
    for match in names.rules.stand_ins.matches(place.replaced or place.handle):
        rule = match.rule
        targets = " or ".join(f'"{handle}"' for handle in rule.handles)
        written = f'stand_ins "{rule.pattern}" = {targets}'
        if rule is place.stand_in:
            winner = _weight(match.literals)
            itself = f'{written} means "{place.handle}" itself'
            text = f'"{place.replaced}" is replaced by "{place.handle}"' if place.replaced else itself
            yield Step(text, rule.origin, "chosen")
        elif winner is not None:
            yield Step(f"{written} also matches, but {_weaker(match.literals, winner)}", rule.origin, "lost")
        else:
            yield Step(f"{written} also matches, but has no model of kind {kind}", rule.origin, "lost")


def _route_steps(names: Names, place: Place, kind: Kind) -> Iterator[Step]:
    winner: int | None = None
    for match in names.rules.routes.matches(place.handle):
        rule = match.rule
        written = f'{"optional_routes" if rule.optional else "routes"} "{rule.pattern}" = "{rule.backend}"'
        if rule is place.rule:
            winner = _weight(match.literals)
            exact = "its very name" if match.literals is None else f"{match.literals} literal characters"
            yield Step(f'"{place.handle}" matches {written} ({exact})', rule.origin, "chosen")
        elif winner is not None:
            yield Step(f"{written} also matches, but {_weaker(match.literals, winner)}", rule.origin, "lost")
        else:
            why = _unable(names, rule.backend, place.handle, kind)
            yield Step(f"{written} also matches, but does not count: {why}", rule.origin, "lost")


def _weight(literals: int | None) -> int:
    return _EXACT if literals is None else literals


def _weaker(literals: int | None, winner: int) -> str:
    if winner == _EXACT:
        return "a name beats a pattern"
    if _weight(literals) < winner:
        return f"says less ({literals} literal characters)"
    return "stands after one that says as much"


def _order_steps(names: Names, place: Place, kind: Kind) -> Iterator[Step]:
    bound, handle, first = names.bound, place.handle, place.servers[0].backend
    order = names.rules.order
    for backend in order[: order.index(first)] if first in order else ():
        held = bound.backends[backend]
        if held.state != "on" and backend != bound.profile.default and names.assigner.spec(backend, handle, kind):
            yield Step(f'"{backend}" comes before, but is {held.state}: {held.reason}', held.spec.origin, "lost")
    origin = bound.backends[first].spec.origin
    match place.how:
        case "unlisted":
            origin = bound.backends[first].spec.where("unlisted")
            text = f'"{first}" takes "{handle}" by its unlisted patterns'
        case "stand_in":
            text = f'"{first}" serves it, because the stand-in names the model'
        case "fallback_order" if first in (bound.profile.fallback_order or ()):
            origin = bound.profile.where("fallback_order")
            text = f'"{first}" serves it, by fallback_order'
        case _ if first == INTERNAL:
            text = f'"{first}" serves it; it always comes last'
        case _:
            text = f'"{first}" serves it, as the first in backends.toml that is on'
    yield Step(text, origin, "chosen")


def _unable(names: Names, backend: str, handle: str, kind: Kind) -> str:
    held = names.bound.backends.get(backend)
    if held is None:
        return f'"{backend}" is not declared'
    if held.state != "on":
        return f'"{backend}" is {held.state} ({held.reason})'
    if names.assigner.spec(backend, handle, kind) is None:
        return f'"{backend}" does not serve "{handle}"'
    return "another rule comes before it"
