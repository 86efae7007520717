"""Which backend serves a model: stand-ins, routes, default, order, unlisted patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.routing.models import unlisted_spec, with_provider

if TYPE_CHECKING:
    from pipelex_like.deck import BoundDeck, ModelSpec, Origin, RouteRule, StandIn
    from pipelex_like.routing.rules import Rules
    from pipelex_like.types import Kind

Locate = Callable[[str, "tuple[str | int, ...]"], "int | None"]
How = Literal["route", "optional_route", "default", "fallback_order", "any", "unlisted", "stand_in", "nobody"]
# Handles are finite; loose names come from outside, so the memo must not grow with them for ever.
_MOST_PLACES = 20_000


@dataclass(frozen=True, slots=True)
class Server:
    """A backend that serves a model. `named`: the profile names it for this, so it stays first though broken."""

    backend: str
    spec: ModelSpec
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model goes: the handle after stand-ins, its servers in order (none: nobody), and what decided it."""

    handle: str
    servers: tuple[Server, ...]
    how: How
    rule: RouteRule | None = None
    stand_in: StandIn | None = None
    replaced: str | None = None


class Assigner:
    """Finds the place of a model and remembers it."""

    def __init__(self, bound: BoundDeck, rules: Rules, locate: Locate | None = None) -> None:
        self.bound = bound
        self.rules = rules
        self._locate = locate
        self._places: dict[tuple[str, Kind, str | None], Place] = {}

    def place(self, name: str, kind: Kind, model_id: str | None = None) -> Place:
        """Give the place of a handle or loose name; with `model_id` only backends whose spec has that id count."""
        key = (name, kind, model_id)
        found = self._places.get(key)
        if found is None:
            found = self._find(name, kind, model_id)
            if len(self._places) < _MOST_PLACES:
                self._places[key] = found
        return found

    def where(self, origin: Origin) -> str:
        """Give the file of an origin, with the line where somebody can find it."""
        line = self._locate(origin.file, origin.path) if self._locate is not None else None
        return origin.file if line is None else f"{origin.file}:{line}"

    def spec(self, backend: str, handle: str, kind: Kind, model_id: str | None = None) -> ModelSpec | None:
        """Give the spec by which a backend serves the handle as that kind, whether it is on or not."""
        spec = self.bound.specs.get(backend, {}).get(handle)
        if spec is None or spec.kind not in (kind, None):
            return None
        if model_id is not None and (backend, handle) not in self.bound.model_ids.get(model_id, ()):
            return None
        return spec

    def by_model_id(self, backend: str, model_id: str, kind: Kind) -> ModelSpec | None:
        """Give the spec of a backend that has that model id and kind."""
        for owner, handle in self.bound.model_ids.get(model_id, ()):
            if owner == backend and (spec := self.spec(backend, handle, kind)) is not None:
                return spec
        return None

    def unlisted(self, backend: str, name: str, kind: Kind) -> ModelSpec | None:
        """Give the spec of an id that the backend's own spec file does not list, or None where it takes none."""
        held = self.bound.backends.get(backend)
        if held is None or held.spec.unlisted is False or held.spec.default_spec is None:
            return None
        found = unlisted_spec(held.spec, name, listed=self.bound.specs.get(backend))
        if self.written(backend, name) is not None or not self._does(found, kind):
            return None
        return replace(with_provider(found, held.model_providers), kind=kind)

    def _does(self, spec: ModelSpec, kind: Kind) -> bool:
        """Whether the SDK of a spec does that kind of work, as far as it says."""
        sdk = self.bound.deck.sdks.get(str(spec.sdk))
        return sdk is None or not sdk.kinds or kind in sdk.kinds

    def written(self, backend: str, handle: str) -> ModelSpec | None:
        """Give the spec as its file has it, also of a model that is switched off."""
        models = self.bound.deck.specs.get(backend)
        return None if models is None else models.get(handle)

    def is_listed(self, name: str) -> bool:
        """Whether any spec file has the name as a handle or model id, be it disabled."""
        deck = self.bound.deck
        return (
            name in self.bound.handles
            or name in self.bound.model_ids
            or any(name in models for models in deck.specs.values())
        )

    def state(self, backend: str) -> str:
        """Give `on`, `off` or `broken`; a backend that is not declared is off."""
        held = self.bound.backends.get(backend)
        return "off" if held is None else held.state

    def stand_in(self, name: str, kind: Kind) -> tuple[StandIn, str] | None:
        """Give the stand-in of a model and the handle that takes its place (maybe its own), or None."""
        for match in self.rules.stand_ins.matches(name):
            for handle in match.rule.handles:
                backends = self.bound.handles.get(handle, ())
                if any(self.spec(backend, handle, kind) is not None for backend in backends):
                    return match.rule, handle
        return None

    def _find(self, name: str, kind: Kind, model_id: str | None) -> Place:
        rule, handle = self.stand_in(name, kind) or (None, name)
        if rule is None or (handle == name and model_id is not None):
            return self._routed(name, kind, model_id) or self._ordered(name, kind, model_id)
        return replace(self.target_place(handle, kind), stand_in=rule, replaced=name if handle != name else None)

    def target_place(self, handle: str, kind: Kind) -> Place:
        """Give the place of a stand-in's handle. A stand-in names its model, so a backend that serves only when
        named may serve it."""
        place = self._routed(handle, kind, None) or self._ordered(handle, kind, None)
        if place.how != "nobody":
            return place
        named = tuple(name for name in self.bound.handles.get(handle, ()) if self._only_when_named(name))
        servers = self._servers(named, handle, kind, None, ("on", "broken"))
        return Place(handle=handle, servers=servers[:1], how="stand_in") if servers else place

    def _only_when_named(self, backend: str) -> bool:
        return self.bound.backends[backend].spec.only_when_named

    def _routed(self, name: str, kind: Kind, model_id: str | None) -> Place | None:
        for match in self.rules.routes.matches(name):
            rule = match.rule
            spec = self.spec(rule.backend, name, kind, model_id)
            if spec is None and match.literals is None and not self.is_listed(name):
                spec = self.unlisted(rule.backend, name, kind)
            state = self.state(rule.backend)
            if rule.optional:
                if spec is not None and state == "on":
                    server = Server(rule.backend, spec, named=True)
                    rest = self._others(name, kind, model_id, rule.backend)
                    return Place(handle=name, servers=(server, *rest), how="optional_route", rule=rule)
                continue
            served = spec is not None and state != "off"
            servers = (Server(rule.backend, spec, named=True),) if served and spec is not None else ()
            return Place(handle=name, servers=servers, how="route", rule=rule)
        return None

    def _ordered(self, name: str, kind: Kind, model_id: str | None) -> Place:
        profile, order = self.bound.profile, self.rules.order
        default = profile.default
        if default is not None and self.state(default) != "off":
            spec = self.spec(default, name, kind, model_id)
            if spec is not None:
                rest = self._others(name, kind, model_id, default)
                return Place(handle=name, servers=(Server(default, spec, named=True), *rest), how="default")
        how: How = "any" if profile.fallback_order is None else "fallback_order"
        written = model_id or name
        for state in ("on", "broken"):
            servers = self._servers(order, name, kind, model_id, (state,))
            if servers:
                return Place(handle=name, servers=servers if profile.failover else servers[:1], how=how)
            for backend in order:
                if self.state(backend) == state and self.rules.takes(backend, written):
                    spec = self.unlisted(backend, written, kind)
                    if spec is not None:
                        return Place(handle=name, servers=(Server(backend, spec),), how="unlisted")
        return Place(handle=name, servers=(), how="nobody")

    def _others(self, name: str, kind: Kind, model_id: str | None, first: str) -> tuple[Server, ...]:
        if not self.bound.profile.failover:
            return ()
        order = tuple(backend for backend in self.rules.order if backend != first)
        return self._servers(order, name, kind, model_id, ("on",))

    def _servers(
        self, order: tuple[str, ...], name: str, kind: Kind, model_id: str | None, states: tuple[str, ...]
    ) -> tuple[Server, ...]:
        return tuple(
            Server(backend, spec)
            for backend in order
            if self.state(backend) in states and (spec := self.spec(backend, name, kind, model_id)) is not None
        )
