"""Aliases, chains, presets and default choices: what the deck's files name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck.policy import NO_POLICY, Policy
from pipelex_like.types import EMPTY, FrozenDict
from pipelex_like.types.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One step of an alias, chain or preset: a reference as written, and the settings on top of it.

    `settings` holds the vocabulary of its kind only (`extra` among it); a value None means: send none. `origins`
    tells where each of them was written.
    """

    reference: str
    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = field(default=NO_POLICY)
    provider: str | None = None
    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    origin: Origin = NOWHERE
    origins: FrozenDict[str, Origin] = field(default_factory=FrozenDict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A further name for one target, or a chain of them. `kind` None: it stands under `[aliases]` or
    `[waterfalls]`, and targets of another kind are passed over. `layer` counts from 0, the farthest directory."""

    name: str
    kind: Kind | None
    targets: tuple[Target, ...]
    form: Literal["string", "list", "table"] = "string"
    layer: int = 0
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A task's needs: targets in order (its `model`, then its `fallback`), settings on top, and a policy.

    `origins` tells where each setting was written, which may be a nearer file than the preset's own.
    """

    name: str
    kind: Kind
    targets: tuple[Target, ...]
    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = field(default=NO_POLICY)
    provider: str | None = None
    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    description: str = ""
    origin: Origin = NOWHERE
    origins: FrozenDict[str, Origin] = field(default_factory=FrozenDict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a call without `model` uses: `slot` is for_text or for_object (llm), or `default`."""

    kind: Kind
    slot: Literal["for_text", "for_object", "default"]
    reference: str
    origin: Origin = NOWHERE
