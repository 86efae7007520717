"""Frozen values of the configuration: what was declared, bound and routed. No I/O, no pydantic."""

from pipelex_like.deck.backends import Backend, BackendSpec, Filled, Scalarish, State, Via
from pipelex_like.deck.deck import BoundDeck, ModelDeck
from pipelex_like.deck.models import (
    Constraints,
    Costs,
    ImagePrice,
    ModelSpec,
    StructureMethod,
    ThinkingMode,
    Tier,
)
from pipelex_like.deck.policy import NO_POLICY, Balance, Budgets, CacheStore, Ledger, Policy
from pipelex_like.deck.presets import Alias, Choice, Preset, Target
from pipelex_like.deck.profiles import Profile, Profiles, RouteRule, StandIn
from pipelex_like.deck.route import Candidate, Route
from pipelex_like.deck.sdk import SdkKey, SdkSettings
from pipelex_like.deck.template import Name, Scalar, Slot, Template
from pipelex_like.types.origin import NOWHERE, Origin, dotted

__all__ = [
    "NOWHERE",
    "NO_POLICY",
    "Alias",
    "Backend",
    "BackendSpec",
    "Balance",
    "BoundDeck",
    "Budgets",
    "CacheStore",
    "Candidate",
    "Choice",
    "Constraints",
    "Costs",
    "Filled",
    "ImagePrice",
    "Ledger",
    "ModelDeck",
    "ModelSpec",
    "Name",
    "Origin",
    "Policy",
    "Preset",
    "Profile",
    "Profiles",
    "Route",
    "RouteRule",
    "Scalar",
    "Scalarish",
    "SdkKey",
    "SdkSettings",
    "Slot",
    "StandIn",
    "State",
    "StructureMethod",
    "Target",
    "Template",
    "ThinkingMode",
    "Tier",
    "Via",
    "dotted",
]
