"""Which rules of the profile decided where a model goes, and which gave way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.routing.explanation import Step
from pipelex_like.routing.rules import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipelex_like.routing.assign import Place
    from pipelex_like.routing.leaves import Limit
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
    if routed and profile.fallback_order:
        yield Step("fallback_order does not count: a route decides", profile.where("fallback_order"), "lost")
    if place.servers and not routed:
        if place.how != "default":
            yield from _order_steps(names, place, kind)
        yield from _later_steps(names, place, kind)


def struck_steps(place: Place, limits: Iterable[Limit]) -> Iterator[Step]:
    """Tell which servers an `only` or `exclude` on the way strikes out."""
    for server in place.servers:
        told = next(((limit, key) for limit in limits if (key := limit.key_against(server.backend)) is not None), None)
        if told is not None:
            yield Step(f'"{server.backend}" would serve it, but {told[0].owner} rules it out ({told[1]})', None, "lost")


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
    yield from _passed_over(names, handle, kind, order[: order.index(first)] if first in order else ())
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


def _passed_over(names: Names, handle: str, kind: Kind, before: Sequence[str]) -> Iterator[Step]:
    """Tell who comes before in the order and why each is not asked: those that have no such model in one step."""
    bound, strangers = names.bound, list[str]()
    for backend in before:
        held = bound.backends[backend]
        if names.assigner.spec(backend, handle, kind) is None:
            strangers.append(backend)
        elif held.state != "on" and backend != bound.profile.default:
            yield Step(f'"{backend}" comes before, but is {held.state}: {held.reason}', held.spec.origin, "lost")
    strangers = [backend for backend in strangers if backend != bound.profile.default]
    if strangers:
        listed = ", ".join(f'"{backend}"' for backend in strangers)
        verb = ("comes", "has") if len(strangers) == 1 else ("come", "have")
        origin = bound.profile.where("fallback_order") if bound.profile.fallback_order is not None else None
        yield Step(f'{listed} {verb[0]} before, but {verb[1]} no "{handle}"', origin, "lost")


def _later_steps(names: Names, place: Place, kind: Kind) -> Iterator[Step]:
    """Tell who could serve it too, but stands behind in the order, where the profile asks only one."""
    order, first = names.rules.order, place.servers[0].backend
    if names.bound.profile.failover or place.how in ("unlisted", "stand_in") or first not in order:
        return
    others = [
        f'"{backend}"'
        for backend in order[order.index(first) + 1 :]
        if names.assigner.state(backend) == "on" and names.assigner.spec(backend, place.handle, kind) is not None
    ]
    if others:
        text = f"{', '.join(others)} could serve it too, but {'comes' if len(others) == 1 else 'come'} later"
        yield Step(f"{text} (without failover = true only the first is asked)", None, "lost")


def _unable(names: Names, backend: str, handle: str, kind: Kind) -> str:
    held = names.bound.backends.get(backend)
    if held is None:
        return f'"{backend}" is not declared'
    if held.state != "on":
        return f'"{backend}" is {held.state} ({held.reason})'
    if names.assigner.spec(backend, handle, kind) is None:
        return f'"{backend}" does not serve "{handle}"'
    return "another rule comes before it"
