"""A backend: as the files declare it, and as one environment fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck.models import Costs
from pipelex_like.deck.policy import NO_POLICY, Policy
from pipelex_like.deck.template import Template
from pipelex_like.types import EMPTY, FrozenDict
from pipelex_like.types.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from pipelex_like.deck.models import ModelSpec
    from pipelex_like.types import Kind

State = Literal["on", "off", "broken"]
Scalarish = str | int | float | bool | Template


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """`[name]` of backends.toml with its templates unfilled, and the defaults of its spec file.

    `keys` are the SDK's keys that the table gives (`api_key`, `endpoint`, `aws_region`, ...); `origins` tells for
    each key of the table where it was written. `unlisted` is True, False or the patterns of bare names it takes.
    `via` names the gateway for its traffic, `direct` = none whatever the profile says.
    `required` = sets of variable names; None = the SDK decides. The repr leaves out keys, headers and proxy: a literal
    in them may be a credential. `default_spec` serves ids that no file lists.
    """

    name: str
    enabled: bool | Literal["auto"] | Template = True
    keys: FrozenDict[str, Scalarish] = field(default_factory=FrozenDict, repr=False)
    headers: FrozenDict[str, str | Template] = field(default_factory=FrozenDict, repr=False)
    proxy: str | Template | None = field(default=None, repr=False)
    ca_file: str | Template | None = None
    policy: Policy = field(default=NO_POLICY)
    display_name: str | None = None
    key_url: str | None = None
    key_hint: str | None = None
    other_names: tuple[str, ...] = ()
    unlisted: bool | tuple[str, ...] = True
    only_when_named: bool = False
    mirror: bool = False
    via: str | None = None
    default_costs: Costs | None = None
    required: tuple[tuple[str, ...], ...] | None = None
    models: Template | str | None = None
    model_providers: Template | str | None = None
    extra_config: FrozenDict[str, object] = field(default=EMPTY, repr=False)
    default_spec: ModelSpec | None = None
    sdks: tuple[str, ...] = ()
    origin: Origin = NOWHERE
    origins: FrozenDict[str, Origin] = field(default_factory=FrozenDict)

    def where(self, key: str) -> Origin:
        """Where that key of the table was written, or the table itself."""
        return self.origins.get(key, self.origin)


@dataclass(frozen=True, slots=True)
class Filled:
    """A value with its variables filled in. It prints as it was written: what came from a variable may be a
    secret, and `shown` is what any output may hold of it."""

    value: str | int | float | bool = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """A gateway that stands between a backend and us. `endpoints` are the addresses by SDK that take the place of the
    backend's own, `headers` what the gateway wants besides; an SDK that is not among them goes direct."""

    gateway: str
    endpoints: FrozenDict[str, str] = field(default_factory=FrozenDict, repr=False)
    headers: FrozenDict[str, str] = field(default_factory=FrozenDict, repr=False)
    proxy: str | None = field(default=None, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend in one environment.

    `reason` says in a sentence why it is on, off or broken; `missing` are the variables that would mend it
    (`alternatives`: the same, one tuple per set that would suffice). `keys` and `headers` hold secrets: their
    repr does not. `secrets` are all values that must never be printed.
    """

    spec: BackendSpec
    state: State
    reason: str
    missing: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    keys: FrozenDict[str, Filled] = field(default_factory=FrozenDict)
    headers: FrozenDict[str, Filled] = field(default_factory=FrozenDict)
    proxy: Filled | None = None
    ca_file: Filled | None = None
    policy: Policy = field(default=NO_POLICY)
    via: Via | None = None
    models: FrozenDict[str, str] = field(default_factory=FrozenDict)
    model_providers: FrozenDict[str, str] = field(default_factory=FrozenDict)
    kinds: tuple[Kind, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def name(self) -> str:
        """The name in backends.toml."""
        return self.spec.name

    def text(self, key: str) -> str | None:
        """The filled value of an SDK key as a string, or None where it is not set."""
        filled = self.keys.get(key)
        return None if filled is None else str(filled.value)
