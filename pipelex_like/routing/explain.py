"""How a reference is resolved, told step by step with the place that decided each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelex_like.deck import Alias, Preset
from pipelex_like.errors import ResolveError
from pipelex_like.routing.candidates import find_servers, make_candidate, places, same
from pipelex_like.routing.explain_candidates import CandidateTeller, as_toml, said_by
from pipelex_like.routing.explain_rules import rule_steps, struck_steps
from pipelex_like.routing.explanation import Explanation, Step
from pipelex_like.routing.refusals import Refusal, ways_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipelex_like.deck import BoundDeck, Candidate, Route
    from pipelex_like.routing.assign import Locate, Place
    from pipelex_like.routing.explanation import Told
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """What the router found for a reference: all that an explanation needs."""

    kind: Kind | None
    leaves: tuple[Leaf, ...]
    route: Route | None
    error: str | None


def look(resolve: Callable[[], tuple[Kind, tuple[Leaf, ...]]], route: Callable[[Kind], Route]) -> Found:
    """Resolve a reference as far as it goes, keeping the error instead of raising it."""
    kind: Kind | None = None
    leaves: tuple[Leaf, ...] = ()
    try:
        kind, leaves = resolve()
        return Found(kind, leaves, route(kind), None)
    except ResolveError as error:
        return Found(kind, leaves, None, str(error))


def explain(names: Names, reference: str, found: Found, locate: Locate | None = None) -> Explanation:
    """Tell the way from a reference to its candidates; `locate` finds the line of a path in a file."""
    way = [_profile_step(names.bound)]
    told: tuple[Told, ...] = ()
    if found.kind is not None:
        walk = _Walk(names, found, found.kind)
        way += [*_hidden(names, reference, found.kind), *walk.steps()]
        told = tuple(walk.candidates(locate))
    return Explanation(
        reference=reference,
        kind=found.kind,
        profile=names.bound.profile.name,
        profile_from=names.bound.profile_from,
        route=found.route,
        error=found.error,
        way=tuple(step.located(locate) for step in way),
        told=told,
    )


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


def _hidden(names: Names, reference: str, kind: Kind) -> Iterator[Step]:
    """Tell what else has that name, and loses it to what the reference stands for."""
    first: str | None = None
    for meaning in names.meanings(reference, kind, presets=True):
        match meaning:
            case Preset():
                what, origin = "a preset", meaning.origin
            case Alias():
                what, origin = "an alias or chain", meaning.origin
            case _ if meaning.how in ("handle", "model_id"):
                what, origin = "a model", None
            case _:
                continue
        if first is not None:
            yield Step(f'there is {what} "{meaning.name}" too, but {first} of that name comes first', origin, "lost")
        first = first or what


class _Walk:
    """Goes the way of each model, telling nothing twice, and remembers which of them each candidate came from."""

    def __init__(self, names: Names, found: Found, kind: Kind) -> None:
        self.names, self.found = names, found
        self.kind: Kind = kind
        self._told: set[tuple[str, object]] = set()
        self._leaf_of: dict[object, Leaf] = {}

    def steps(self) -> Iterator[Step]:
        """Tell the way to each model, and where it goes."""
        for leaf in self.found.leaves:
            way = list(self._way(leaf))
            yield from self._once(way)
            depth = max((step.depth for step in way), default=-1) + 1
            yield from (replace(step, depth=depth) for step in self._leaf_steps(leaf))

    def candidates(self, locate: Locate | None) -> Iterator[Told]:
        """Tell of each candidate of the route; the way must have been gone before."""
        route = self.found.route
        if route is None:
            return
        hops = [hop for leaf in self.found.leaves for hop in leaf.hops or ()]
        for number, candidate in enumerate(route.candidates, start=1):
            own = tuple(self._leaf_of[same(candidate)].hops or ())
            yield CandidateTeller(
                bound=self.names.bound, route=route, candidate=candidate, own=own, hops=hops, locate=locate
            ).tell(number)

    def _once(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if (step.text, step.origin) not in self._told:
                self._told.add((step.text, step.origin))
                yield step

    def _way(self, leaf: Leaf) -> Iterator[Step]:
        owners = 0
        for hop in leaf.hops or ():
            said = ", ".join(f"{name} = {as_toml(value)}" for name, value in hop.settings.items())
            if not said and hop.origin is None:
                continue
            yield Step(f"{said_by(hop)}{f' with {said}' if said else ''}", hop.origin, depth=owners)
            owners += hop.what != "target"

    def _leaf_steps(self, leaf: Leaf) -> Iterator[Step]:
        """Tell where a model goes. What the error of the whole says already is left to it."""
        found = find_servers(self.names, leaf, self.kind)
        place = _place(self.names, leaf, self.kind)
        if place is not None:
            if leaf.how == "model_id":
                yield Step(f'"{leaf.name}" is a model id of "{place.replaced or place.handle}"')
            yield from rule_steps(self.names, place, self.kind)
            yield from struck_steps(place, leaf.limits)
        elif leaf.provider or leaf.backend:
            at, insists = (leaf.provider, "provider") if leaf.provider else (leaf.backend, "a pin")
            yield Step(f'"{leaf.name}" is asked of "{at}" ({insists})')
        if isinstance(found, Refusal):
            yield from self._refused(found)
            return
        for server in found[0]:
            backend = self.names.bound.backends[server.backend]
            state = Step(f'"{backend.name}" is {backend.state}: {backend.reason}', backend.spec.origin)
            yield from self._once([state])
            if server.spec.retired:
                yield Step(f'"{server.spec.handle}" is retired', server.spec.origin)
            yield from self._again(leaf, make_candidate(self.names, leaf, server, found[1]))

    def _refused(self, refusal: Refusal) -> Iterator[Step]:
        route = self.found.route
        if route is not None or len(self.found.leaves) > 1:
            yield Step(str(refusal), None, "lost")
        if route is not None and (ways := ways_out(self.names.assigner, [refusal])):
            yield Step(f"what helps: {'; or '.join(ways)}")

    def _again(self, leaf: Leaf, made: Candidate) -> Iterator[Step]:
        """Tell that a candidate was there before; one that is new is remembered as this model's."""
        if self._leaf_of.setdefault(same(made), leaf) is not leaf:
            yield Step(f'"{made.handle}" at "{made.backend}" with these settings was there before', None, "lost")


def _place(names: Names, leaf: Leaf, kind: Kind) -> Place | None:
    if leaf.provider is not None or leaf.how in ("pin", "unknown"):
        return None
    found = list(places(names, leaf, kind))
    return next((place for place in found if place.servers), found[0] if found else None)
