"""What is wrong with the rules of the profiles, in the light of the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.errors import did_you_mean
from pipelex_like.routing.patterns import PatternError, compile_pattern, is_exact
from pipelex_like.routing.profile import ruled_out
from pipelex_like.routing.refusals import nobody, wake, ways_out
from pipelex_like.routing.rules import INTERNAL, SANDBOX
from pipelex_like.routing.variables import problem
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelex_like.deck import BoundDeck, Origin, RouteRule, StandIn
    from pipelex_like.errors import Problem
    from pipelex_like.routing.assign import Assigner
    from pipelex_like.routing.patterns import Pattern
    from pipelex_like.routing.rules import Rules
    from pipelex_like.types import Kind

_HEAD = re.compile(r"[^*?\[{\\]*")
# Only these can be wrong in a pattern; compiling the others would tell nothing.
_RISKY = re.compile(r"[\[{]|^$")


def check_profile(assigner: Assigner) -> Iterator[Problem]:
    """Give the problems of patterns in all profiles, and of the active profile's choices."""
    bound, rules = assigner.bound, assigner.rules
    yield from _check_patterns(bound)
    yield from _check_default(bound)
    yield from _check_routes(bound, assigner)
    yield from _check_ties(bound, rules)
    for stand_in in bound.profile.stand_ins:
        yield from _check_stand_in(bound, assigner, stand_in)
    yield from _check_sandbox(bound, rules)


def _check_patterns(bound: BoundDeck) -> Iterator[Problem]:
    written: list[tuple[str, Origin]] = []
    for profile in bound.deck.profiles.profiles.values():
        written.extend((rule.pattern, rule.origin) for rule in profile.rules)
        written.extend((rule.pattern, rule.origin) for rule in profile.stand_ins)
    for backend in bound.deck.backends.values():
        if not isinstance(backend.unlisted, bool):
            written.extend((pattern, backend.where("unlisted")) for pattern in backend.unlisted)
    for text, origin in written:
        if not _RISKY.search(text):
            continue
        try:
            compile_pattern(text)
        except PatternError as error:
            yield problem("error", "bad-pattern", origin, f'the pattern "{text}" cannot be read: {error}.')


def _check_default(bound: BoundDeck) -> Iterator[Problem]:
    profile, default = bound.profile, bound.profile.default
    if default is None:
        return
    origin, held = profile.where("default"), bound.backends.get(default)
    key = ruled_out(profile, default)
    if key is not None:
        message = f'"{default}" is the default, and {key} of the same profile rules it out.'
        yield problem("error", "default-ruled-out", origin, message, f"Change default or {key}.")
        return
    severity = "warning" if bound.lenient else "error"
    if held is None:
        if default not in bound.deck.faulty:
            message = f'the default "{default}" is not declared in backends.toml.'
            yield problem(severity, "disabled-default", origin, message, _declare(default))
    elif held.state == "off":
        message = f'the default "{default}" is off: {held.reason}.'
        hint = f"What helps: {wake(held, bound)}, or choose another default or profile."
        yield problem(severity, "disabled-default", origin, message, hint)


def _check_routes(bound: BoundDeck, assigner: Assigner) -> Iterator[Problem]:
    for rule in bound.profile.rules:
        held = bound.backends.get(rule.backend)
        if not rule.optional and rule.backend not in bound.deck.faulty and (held is None or held.state == "off"):
            why = "is not declared in backends.toml" if held is None else f"is off: {held.reason}"
            message = f'this route goes to "{rule.backend}", which {why}; what it matches is served by nobody.'
            hint = _declare(rule.backend) if held is None else f"What helps: {wake(held, bound)}."
            yield problem("warning", "route-to-disabled-backend", rule.origin, message, hint)
        elif held is not None and held.state != "off" and is_exact(rule.pattern):
            yield from _check_exact(bound, assigner, rule)


def _declare(name: str) -> str:
    return f'Declare [{name}] there, or begin that file with extends = "pipelex_like", which brings the packaged ones.'


def _check_exact(bound: BoundDeck, assigner: Assigner, rule: RouteRule) -> Iterator[Problem]:
    name = rule.pattern
    if assigner.is_listed(name) or name in bound.deck.faulty:
        return
    hint = did_you_mean(name, bound.handles)
    if bound.backends[rule.backend].spec.unlisted is not False:
        message = f'no spec file lists "{name}"; it is sent to "{rule.backend}" as it is written.'
    else:
        message = f'no spec file lists "{name}", and "{rule.backend}" takes no unlisted model (unlisted = false).'
        hint = hint or f"Add a table for it to backends/{rule.backend}.toml."
    yield problem("warning", "unlisted-route", rule.origin, message, hint)


def _check_ties(bound: BoundDeck, rules: Rules) -> Iterator[Problem]:
    told: set[frozenset[str]] = set()
    for group in rules.routes.equals():
        for place, (pattern, rule) in enumerate(group):
            for other, rival in group[place + 1 :]:
                pair = frozenset((pattern.text, other.text))
                if rule.backend == rival.backend or pair in told:
                    continue
                both = _both(pattern, other, bound.handles)
                if both is None:
                    continue
                told.add(pair)
                message = (
                    f'"{pattern.text}" (to "{rule.backend}") and "{other.text}" (to "{rival.backend}") both match '
                    f'"{both}" and are equally specific; the first written one wins.'
                )
                hint = f'Write "{both}" as a route of its own, or make one pattern more specific.'
                yield problem("warning", "ambiguous-route", rival.origin, message, hint)


def _both(first: Pattern, second: Pattern, handles: Iterable[str]) -> str | None:
    """Give a handle that both patterns match with equal weight, if there is one."""
    heads = [_HEAD.match(pattern.text) for pattern in (first, second)]
    one, two = (head[0] if head else "" for head in heads)
    if not (one.startswith(two) or two.startswith(one)):
        return None
    for handle in handles:
        weight = first.weight(handle)
        if weight is not None and weight == second.weight(handle):
            return handle
    return None


def _check_stand_in(bound: BoundDeck, assigner: Assigner, stand_in: StandIn) -> Iterator[Problem]:
    for handle in stand_in.handles:
        if handle in bound.deck.faulty:
            continue
        kinds: list[Kind] = [
            kind
            for kind in KINDS
            if any(assigner.spec(backend, handle, kind) for backend in bound.handles.get(handle, ()))
        ]
        if not kinds:
            message = f'the stand-in "{handle}" is no handle of any spec file.'
            severity = "warning" if bound.deck.network_models & bound.backends.keys() else "error"
            hint = did_you_mean(handle, bound.handles)
            yield problem(severity, "LLMHandleNotFoundError", stand_in.origin, message, hint)
        elif not any(assigner.target_place(handle, kind).servers for kind in kinds):
            message = f'nobody serves the stand-in "{handle}" under this profile.'
            refusals = [nobody(assigner, assigner.target_place(handle, kind), kind) for kind in kinds]
            hint = " ".join(dict.fromkeys(str(refusal) for refusal in refusals if refusal.text))
            ways = ways_out(assigner, refusals)
            hint += f" What helps: {'; or '.join(ways)}." if ways else ""
            severity = "warning" if bound.lenient else "error"
            yield problem(severity, "stand-in-unserved", stand_in.origin, message, hint.strip())


def _check_sandbox(bound: BoundDeck, rules: Rules) -> Iterator[Problem]:
    """A simulated answer must never come in the place of a real one that somebody asked for."""
    held, order, profile = bound.backends.get(SANDBOX), rules.order, bound.profile
    if held is None or SANDBOX not in order or not (profile.failover or held.spec.mirror):
        return
    before = [name for name in order[: order.index(SANDBOX)] if name != INTERNAL]
    if before:
        message = f'"{SANDBOX}" comes after "{before[0]}": simulated answers would stand in for real ones.'
        hint = 'Use a profile of its own for the sandbox, with default = "sandbox" or stand_ins.'
        yield problem("error", "fallback-to-sandbox", profile.where("fallback_order"), message, hint)
