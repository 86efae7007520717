"""How a reference is resolved, told step by step with the place that decided each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelex_like.deck import Preset, Template
from pipelex_like.errors import ResolveError
from pipelex_like.routing.candidates import find_servers, places
from pipelex_like.routing.explain_policy import governed
from pipelex_like.routing.explain_rules import rule_steps
from pipelex_like.routing.explanation import Explanation, Step
from pipelex_like.routing.flatten import DIRECT
from pipelex_like.routing.refusals import Refusal, ways_out
from pipelex_like.types import is_list, is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelex_like.deck import BoundDeck, Candidate, Route
    from pipelex_like.routing.assign import Locate, Place
    from pipelex_like.routing.explanation import Governed
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """What the router found for a reference: all that an explanation needs."""

    kind: Kind | None
    leaves: tuple[Leaf, ...]
    preset: Preset | None
    route: Route | None
    error: str | None


def explain(names: Names, reference: str, found: Found, locate: Locate | None = None) -> Explanation:
    """Tell the way from a reference to its candidates; `locate` finds the line of a path in a file."""
    bound = names.bound
    steps = [_profile_step(bound)]
    if found.kind is not None:
        told: set[object] = set()
        for leaf in found.leaves:
            steps.extend(step for step in _way(leaf) if (step.text, step.origin) not in told)
            told.update((step.text, step.origin) for step in steps)
            steps.extend(_leaf_steps(names, leaf, found, found.kind))
    candidates = found.route.candidates if found.route is not None else ()
    for number, candidate in enumerate(candidates, start=1):
        steps.extend(_candidate_steps(bound, number, candidate, found.leaves))
    return Explanation(
        reference=reference,
        kind=found.kind,
        profile=bound.profile.name,
        profile_from=bound.profile_from,
        route=found.route,
        error=found.error,
        steps=tuple(_located(step, locate) for step in steps),
        shown=tuple(_shown(bound, candidate) for candidate in candidates),
        policies=() if found.route is None else _policies(bound, found, found.route, locate),
    )


def _located(step: Step, locate: Locate | None) -> Step:
    if locate is None or step.origin is None or not step.origin.file:
        return step
    return replace(step, line=locate(step.origin.file, step.origin.path))


def _policies(bound: BoundDeck, found: Found, route: Route, locate: Locate | None) -> tuple[tuple[Governed, ...], ...]:
    hops = [hop for leaf in found.leaves for hop in leaf.hops or ()]
    return tuple(
        tuple(replace(row, step=_located(row.step, locate)) for row in governed(bound, route, candidate, hops))
        for candidate in route.candidates
    )


def look(resolve: Callable[[], tuple[Kind, tuple[Leaf, ...], Preset | None]], route: Callable[[], Route]) -> Found:
    """Resolve a reference as far as it goes, keeping the error instead of raising it."""
    kind: Kind | None = None
    leaves: tuple[Leaf, ...] = ()
    preset: Preset | None = None
    try:
        kind, leaves, preset = resolve()
        return Found(kind, leaves, preset, route(), None)
    except ResolveError as error:
        return Found(kind, leaves, preset, None, str(error))


def _profile_step(bound: BoundDeck) -> Step:
    if bound.profile_from == "none":
        return Step("no profile: every backend that is on may serve, in the order of backends.toml")
    origin = bound.profile.origin if bound.profile.origin.file else None
    if bound.profile_from == "active":
        origin = bound.deck.profiles.active_origin
    by = bound.profile_from
    if by.startswith("[environments]"):
        origin = bound.deck.profiles.environments_origin.at(by.partition(" ")[2])
        by = f"PIPELEX_ENV and {by}"
    return Step(f'profile "{bound.profile.name}", chosen by {by}', origin, "chosen")


def _way(leaf: Leaf) -> Iterator[Step]:
    for hop in leaf.hops or ():
        said = ", ".join(f"{name} = {_plain(value)}" for name, value in hop.settings.items())
        with_settings = f" with {said}" if said else ""
        yield Step(f'{hop.what} "{hop.name}"{with_settings}', hop.origin)


def _leaf_steps(names: Names, leaf: Leaf, whole: Found, kind: Kind) -> Iterator[Step]:
    """Tell where a model goes. What the error of the whole says already is left to it."""
    bound, found = names.bound, find_servers(names, leaf, kind)
    place = _place(names, leaf, kind)
    if place is not None:
        if leaf.how == "model_id":
            yield Step(f'"{leaf.name}" is a model id of "{place.replaced or place.handle}"')
        yield from rule_steps(names, place, kind)
    elif leaf.provider or leaf.backend:
        at, insists = (leaf.provider, "provider") if leaf.provider else (leaf.backend, "a pin")
        yield Step(f'"{leaf.name}" is asked of "{at}" ({insists})')
    if isinstance(found, Refusal):
        if whole.route is not None or len(whole.leaves) > 1:
            yield Step(str(found), None, "lost")
        if whole.route is not None:
            yield from (Step(f"what helps: {way}") for way in ways_out(names.assigner, [found]))
        return
    for server in found[0]:
        backend = bound.backends[server.backend]
        yield Step(f'"{server.backend}" is {backend.state}: {backend.reason}', backend.spec.origin)
        if server.spec.retired:
            yield Step(f'"{server.spec.handle}" is retired', server.spec.origin)


def _place(names: Names, leaf: Leaf, kind: Kind) -> Place | None:
    if leaf.provider is not None or leaf.how in ("pin", "unknown"):
        return None
    found = list(places(names, leaf, kind))
    return next((place for place in found if place.servers), found[0] if found else None)


def _candidate_steps(bound: BoundDeck, number: int, candidate: Candidate, leaves: Sequence[Leaf]) -> Iterator[Step]:
    text = f'candidate {number}: "{candidate.backend}" with model id "{candidate.model_id}" through {candidate.sdk}'
    yield Step(text, candidate.spec.origin, "chosen" if number == 1 else "info")
    leaf = next((leaf for leaf in leaves if _gave(leaf, candidate)), None)
    for name, value in _settings_shown(bound, candidate).items():
        hop = next((hop for hop in (leaf.hops if leaf and leaf.hops else ()) if name in hop.settings), None)
        source = f'{hop.what} "{hop.name}"' if hop is not None else "its spec"
        origin = hop.origins.get(name, hop.origin) if hop is not None else candidate.spec.origin
        yield Step(f"{name} = {_plain(value)}, from {source}", origin)
    for line in candidate.adapted:
        yield Step(f"adapted: {line}", candidate.spec.origin)
    yield from _gateway_steps(bound, candidate)
    if candidate.broken is not None:
        yield Step(f'a call fails: backend "{candidate.backend}" is broken: {candidate.broken}')


def _gateway_steps(bound: BoundDeck, candidate: Candidate) -> Iterator[Step]:
    """Tell of the gateway that its requests go through, or why a profile's does not count for it."""
    held, profile = bound.backends[candidate.backend], bound.profile
    own = held.spec.via
    origin = profile.where("via") if own is None else held.spec.where("via")
    if candidate.via is not None:
        yield Step(f'its requests go through "{candidate.via}"', origin)
    elif held.via is not None and candidate.sdk in held.via.endpoints:
        yield Step(f'its requests go direct, since provider = "{DIRECT}" says so')
    elif own == DIRECT:
        yield Step(f'its requests go direct, since via = "{DIRECT}" says so', origin)
    elif profile.via not in (None, DIRECT) and candidate.broken is None:
        yield Step(f'its requests go direct, since "{profile.via}" has no address for it', origin)


def _gave(leaf: Leaf, candidate: Candidate) -> bool:
    same_settings = all(
        candidate.given.get(name) == value for name, value in leaf.settings.items() if value is not None
    )
    names = (candidate.handle, candidate.model_id, candidate.stood_in_for)
    return leaf.name in names and same_settings


def _shown(bound: BoundDeck, candidate: Candidate) -> dict[str, object]:
    return {
        "handle": candidate.handle,
        "backend": candidate.backend,
        "model_id": candidate.model_id,
        "sdk": candidate.sdk,
        "settings": _settings_shown(bound, candidate),
    }


def _settings_shown(bound: BoundDeck, candidate: Candidate) -> dict[str, object]:
    """Give the settings as plain values, with those of the spec's `extra` that a variable filled in as templates."""
    shown = {name: thaw(value) for name, value in candidate.settings.items()}
    models = bound.deck.specs.get(candidate.backend)
    written = models.get(candidate.handle) if models is not None else None
    extra = shown.get("extra")
    if written is not None and written.templated and is_table(extra):
        own = candidate.given.get("extra")
        own_keys = own if is_table(own) else {}
        shown["extra"] = {
            key: value if key in own_keys else _untemplated(written.extra.get(key, value))
            for key, value in extra.items()
        }
    return shown


def _untemplated(value: object) -> object:
    if isinstance(value, Template):
        return value.text
    if is_table(value):
        return {key: _untemplated(item) for key, item in value.items()}
    return [_untemplated(item) for item in value] if is_list(value) else value


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(thaw(value))
