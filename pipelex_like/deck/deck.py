"""The validated configuration, before and after an environment is filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.deck.profiles import Profiles
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck.backends import Backend, BackendSpec
    from pipelex_like.deck.models import ModelSpec
    from pipelex_like.deck.presets import Alias, Choice, Preset
    from pipelex_like.deck.profiles import Profile
    from pipelex_like.deck.sdk import SdkSettings
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeck:
    """Everything that the files say, checked, with every variable still a template: it holds no secret.

    `backends` keeps the order of backends.toml. `specs` maps a backend to its models by handle. `aliases` and
    `presets` map (kind, name) to the value; an alias for all kinds stands under (None, name). `sdks` are the
    known SDKs by name. `network_models` names backends whose models come from the network (pipelex_gateway).
    `faulty` are the names of entries that were left out because they have errors of their own, so that whoever
    refers to one is not blamed for it.
    """

    backends: FrozenDict[str, BackendSpec] = field(default_factory=FrozenDict)
    specs: FrozenDict[str, FrozenDict[str, ModelSpec]] = field(default_factory=FrozenDict)
    profiles: Profiles = field(default_factory=Profiles)
    aliases: FrozenDict[tuple[Kind | None, str], Alias] = field(default_factory=FrozenDict)
    presets: FrozenDict[tuple[Kind, str], Preset] = field(default_factory=FrozenDict)
    choices: FrozenDict[tuple[Kind, str], Choice] = field(default_factory=FrozenDict)
    sdks: FrozenDict[str, SdkSettings] = field(default_factory=FrozenDict)
    network_models: frozenset[str] = frozenset()
    faulty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundDeck:
    """A deck in one environment under one profile.

    `profile_from` says what chose the profile (`argument`, `PIPELEX_PROFILE`, `[environments] dev`, `active`,
    `none`). `specs` has the templates filled in, disabled models left out, the models of variables and mirrors
    added. `handles` maps a handle to its backends in the order of backends.toml; `model_ids` maps a model id to
    (backend, handle) pairs.
    """

    deck: ModelDeck
    profile: Profile
    profile_from: str
    backends: Mapping[str, Backend]
    specs: Mapping[str, Mapping[str, ModelSpec]]
    handles: Mapping[str, tuple[str, ...]]
    model_ids: Mapping[str, tuple[tuple[str, str], ...]]
    other_names: Mapping[str, str]
    lenient: bool = False
