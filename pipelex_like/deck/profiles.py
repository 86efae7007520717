"""Routing profiles: who serves which model, in which environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelex_like.deck.policy import NO_POLICY, Budgets, CacheStore, Ledger, Policy
from pipelex_like.types import FrozenDict
from pipelex_like.types.origin import NOWHERE, Origin


@dataclass(frozen=True, slots=True)
class RouteRule:
    """`"pattern" = "backend"`, from `routes` (binding) or `optional_routes`."""

    pattern: str
    backend: str
    optional: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class StandIn:
    """`"pattern" = ["handle", ...]`: another model of the same kind in its place."""

    pattern: str
    handles: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A routing profile. `fallback_order` None = not given; an empty one = nobody else. Rules keep their order,
    nearer layers first. `via` names the gateway for every backend that it has an address for."""

    name: str
    description: str = ""
    default: str | None = None
    fallback_order: tuple[str, ...] | None = None
    rules: tuple[RouteRule, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    failover: bool = False
    via: str | None = None
    policy: Policy = field(default=NO_POLICY)
    origin: Origin = NOWHERE
    origins: FrozenDict[str, Origin] = field(default_factory=FrozenDict)

    def where(self, key: str) -> Origin:
        """Where that key of the profile was written, or the profile itself."""
        return self.origins.get(key, self.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The whole of routing_profiles.toml. `active` None = none named: an empty profile serves. `ledger` None = no
    account is kept in a file."""

    active: str | None = None
    active_origin: Origin = NOWHERE
    profiles: FrozenDict[str, Profile] = field(default_factory=FrozenDict)
    environments: FrozenDict[str, str] = field(default_factory=FrozenDict)
    environments_origin: Origin = NOWHERE
    budgets: Budgets = field(default_factory=Budgets)
    ledger: Ledger | None = None
    cache: CacheStore = field(default_factory=CacheStore)
