"""What a reference comes to before backends are asked: names of models, each with what was said on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck import NO_POLICY, Policy
from pipelex_like.types import EMPTY, FrozenDict, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipelex_like.deck import Origin

# Two words for one thing: the nearer one takes the other away.
EXCLUSIVE: Mapping[str, str] = {
    "quality": "nb_steps",
    "nb_steps": "quality",
    "size": "aspect_ratio",
    "aspect_ratio": "size",
}
POLICY_KEYS = tuple(item.name for item in fields(Policy))
_SAID = tuple(name for name in POLICY_KEYS if name != "actions")
NO_ORIGINS: Mapping[str, Origin] = FrozenDict()


@dataclass(frozen=True, slots=True)
class Hop:
    """A step on the way to a model: the preset, alias, chain element or call that was passed. `origins` tells where
    each of its settings, and each key of its policy, was written."""

    what: str
    name: str
    origin: Origin | None
    settings: FrozenDict[str, object]
    origins: Mapping[str, Origin]
    rest: Hop | None = None
    policy: Policy = NO_POLICY

    def __iter__(self) -> Iterator[Hop]:
        hop: Hop | None = self
        while hop is not None:
            yield hop
            hop = hop.rest


@dataclass(frozen=True, slots=True)
class Limit:
    """An `only` and `exclude` that were met on the way; `owner` is who said so (`preset "x"`)."""

    only: tuple[str, ...] | None
    exclude: tuple[str, ...]
    owner: str = ""

    def allows(self, backend: str) -> bool:
        """Whether the backend may serve."""
        return self.key_against(backend) is None

    def key_against(self, backend: str) -> str | None:
        """Give the key that rules the backend out, or None."""
        if self.only is not None and backend not in self.only:
            return "only"
        return "exclude" if backend in self.exclude else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A model by name. `how` says what the name is: a handle, the model id of some, what follows a pin to
    `backend`, a loose name that only an exact route or an unlisted pattern takes, or one that nothing knows.

    `certain` tells that the name fits this kind by its spec, not only because no spec says otherwise. `optional`:
    a pin that falls away where another backend lists the name and this one does not. `provider` is a backend that
    the way here insists on, `direct` that it goes round every gateway. `hops` is the way, the outermost step first.
    """

    name: str
    how: Literal["handle", "model_id", "pin", "loose", "unknown"]
    backend: str | None = None
    certain: bool = True
    optional: bool = False
    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = field(default=NO_POLICY)
    provider: str | None = None
    direct: bool = False
    limits: tuple[Limit, ...] = ()
    hops: Hop | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one step says of everything beneath it."""

    what: str
    name: str
    origin: Origin | None = None
    origins: Mapping[str, Origin] = field(default=NO_ORIGINS)
    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = field(default=NO_POLICY)
    provider: str | None = None
    direct: bool = False
    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()

    def over(self, leaves: Iterable[Leaf]) -> tuple[Leaf, ...]:
        """Lay this step over leaves: what it says wins over what they carry."""
        return tuple(self._over(leaf) for leaf in leaves)

    @property
    def _owner(self) -> str:
        return "the call" if self.what in ("call", "inline table") else f'{self.what} "{self.name}"'

    def _over(self, leaf: Leaf) -> Leaf:
        limited = self.only is not None or self.exclude
        return replace(
            leaf,
            settings=overlay(self.settings, leaf.settings),
            policy=overlay_policy(self.policy, leaf.policy),
            provider=self.provider or leaf.provider,
            direct=self.direct or leaf.direct,
            limits=(Limit(self.only, self.exclude, self._owner), *leaf.limits) if limited else leaf.limits,
            hops=Hop(self.what, self.name, self.origin, self.settings, self.origins, leaf.hops, self.policy),
        )


def overlay(outer: FrozenDict[str, object], inner: FrozenDict[str, object]) -> FrozenDict[str, object]:
    """Merge settings: the outer ones win, `extra` by key; a None stays, to say that no value is sent."""
    if not outer:
        return inner
    if not inner:
        return outer
    merged = {name: value for name, value in inner.items() if EXCLUSIVE.get(name) not in outer}
    merged.update(outer)
    below, above = inner.get("extra"), outer.get("extra")
    if is_table(below) and is_table(above):
        merged["extra"] = FrozenDict({**below, **above})
    return FrozenDict(merged)


def overlay_policy(outer: Policy, inner: Policy) -> Policy:
    """Merge policies: what the outer one says wins, `actions` by key."""
    if outer is NO_POLICY or outer is inner or outer == NO_POLICY:
        return inner
    if inner is NO_POLICY or inner == NO_POLICY:
        return outer
    said = {name: value for name in _SAID if (value := getattr(outer, name)) is not None}
    return replace(inner, **said, actions=FrozenDict({**inner.actions, **outer.actions}))


def common_settings(all_settings: Iterable[Mapping[str, object]]) -> FrozenDict[str, object]:
    """Give the settings that all of them have with the same value."""
    first, *others = all_settings
    return FrozenDict(
        {name: value for name, value in first.items() if all(name in o and o[name] == value for o in others)}
    )


def common_policy(policies: Iterable[Policy]) -> Policy:
    """Give what all of them say alike."""
    first, *others = policies
    if all(other == first for other in others):
        return first
    differing = {name: None for name in _SAID if any(getattr(o, name) != getattr(first, name) for o in others)}
    return replace(first, **differing, actions=common_settings([first.actions, *(o.actions for o in others)]))
