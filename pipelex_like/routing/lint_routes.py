"""Routes that match nothing, that others leave nothing to, that lead to nobody, or whose order mattered in Pipelex."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.errors import did_you_mean
from pipelex_like.routing.patterns import Ranked, is_exact
from pipelex_like.routing.variables import problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pipelex_like.deck import BoundDeck, Profile, RouteRule
    from pipelex_like.errors import Problem
    from pipelex_like.routing.names import Names
    from pipelex_like.routing.patterns import Match

_HEAD = re.compile(r"[^*?\[{\\]*")


@dataclass(slots=True)
class _Reach:
    """What a rule matches, what of it is left to it, and one that takes the first of the rest."""

    matched: list[str]
    left: list[str]
    winner: RouteRule | None = None
    tied: bool = False


def lint_routes(names: Names) -> Iterator[Problem]:
    """Give the findings on the routes of every profile: they do not depend on which backends are on."""
    bound = names.bound
    if bound.deck.network_models & bound.backends.keys():
        return  # there are models that nobody can know of here
    handles = {handle for models in bound.deck.specs.values() for handle in models}.union(bound.handles)
    known = sorted(handles | bound.deck.faulty)
    for profile in bound.deck.profiles.profiles.values():
        if not profile.rules:
            continue
        ranked: Ranked[RouteRule] = Ranked((rule.pattern, rule) for rule in profile.rules)
        matches = {handle: found for handle in known if (found := ranked.matches(handle))}
        unreadable = {rule for rule, _ in ranked.faults}
        reaches = _reaches(profile, matches)
        for rule, reach in reaches.items():
            # Of two that tie, it is told at load, under the profile that is in force.
            if rule not in unreadable and not (reach.tied and profile is bound.profile):
                yield from _lint_rule(bound, rule, reach, known)
        yield from _lint_order(profile, matches, {rule for rule, reach in reaches.items() if not reach.left})


def _reaches(profile: Profile, matches: Mapping[str, Sequence[Match[RouteRule]]]) -> dict[RouteRule, _Reach]:
    found = {rule: _Reach([], []) for rule in profile.rules}
    for handle, rules in matches.items():
        holder: Match[RouteRule] | None = None
        for match in rules:
            reach = found[match.rule]
            reach.matched.append(handle)
            if holder is None:
                reach.left.append(handle)
                holder = None if match.rule.optional else match
            else:
                reach.winner = reach.winner or holder.rule
                tied = holder.literals == match.literals and holder.rule.backend != match.rule.backend
                reach.tied = reach.tied or tied
    return found


def _lint_rule(bound: BoundDeck, rule: RouteRule, reach: _Reach, known: Sequence[str]) -> Iterator[Problem]:
    if not reach.matched:
        if not is_exact(rule.pattern):
            message = f'"{rule.pattern}" matches no model of any spec file, and a pattern takes no other.'
            hint = _nearest(rule.pattern, known) or "Take the route out, or write the model's own name."
            yield problem("warning", "route-without-models", rule.origin, message, hint)
    elif not reach.left and reach.winner is not None:
        message = (
            f'this route is never reached: what "{rule.pattern}" matches, such as "{reach.matched[0]}", goes to '
            f'"{reach.winner.backend}" by "{reach.winner.pattern}", which is more specific or comes first.'
        )
        yield problem("warning", "unreachable-route", rule.origin, message, "Take one of the two out.")
    elif _lists_none(bound, rule.backend, reach.left):
        what = "so it never counts" if rule.optional else "so nobody serves them"
        message = (
            f'"{rule.backend}" lists none of the models that this route brings to it ({_some(reach.left)}), {what}.'
        )
        hint = f"Route them to a backend that lists them, or list them in backends/{rule.backend}.toml."
        yield problem("warning", "dead-end-route", rule.origin, message, hint)


def _lists_none(bound: BoundDeck, backend: str, handles: Sequence[str]) -> bool:
    held = bound.backends.get(backend)
    if held is None or held.spec.mirror or held.spec.models is not None or held.spec.default_spec is None:
        return False
    listed = {*bound.deck.specs.get(backend, ()), *bound.specs[backend], *bound.deck.faulty}
    return listed.isdisjoint(handles)


def _lint_order(
    profile: Profile, matches: Mapping[str, Sequence[Match[RouteRule]]], told_of: Collection[RouteRule]
) -> Iterator[Problem]:
    """Tell where the first pattern of the file, which wins in Pipelex, is not the most specific, which wins here.

    Of rules in `told_of` it is known already that they never count.
    """
    place = {rule: number for number, rule in enumerate(profile.rules)}
    told: set[tuple[str, str]] = set()
    for handle, found in matches.items():
        binding = [match for match in found if not match.rule.optional]
        if len(binding) < 2 or binding[0].literals is None:
            continue
        # Pipelex knows one file: what another one adds has no place in its order.
        binding = [match for match in binding if match.rule.origin.file == binding[0].rule.origin.file]
        here, there = binding[0].rule, min((match.rule for match in binding), key=place.__getitem__)
        if here.backend == there.backend or there in told_of or (here.pattern, there.pattern) in told:
            continue
        told.add((here.pattern, there.pattern))
        message = (
            f'"{handle}" goes to "{here.backend}", since "{here.pattern}" is more specific; Pipelex takes the first '
            f'that matches, which is "{there.pattern}", to "{there.backend}".'
        )
        hint = f'Write "{here.pattern}" above "{there.pattern}", and both say the same.'
        yield problem("warning", "route-order", here.origin, message, hint)


def _nearest(pattern: str, known: Sequence[str]) -> str:
    """Suggest the pattern with its literal beginning put right."""
    head = _HEAD.match(pattern)
    start = head[0] if head else ""
    hint = did_you_mean(start, {handle[: len(start)] for handle in known}) if start else ""
    return hint.replace('"?', f'{pattern[len(start) :]}"?')


def _some(handles: Sequence[str]) -> str:
    named = ", ".join(f'"{handle}"' for handle in handles[:2])
    return f"{named}, ..." if len(handles) > 2 else named
