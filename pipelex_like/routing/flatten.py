"""Aliases, chains and presets unrolled into the models they stand for, depth first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.deck import Alias, Preset
from pipelex_like.errors import ResolveError
from pipelex_like.routing.leaves import Layer, Leaf
from pipelex_like.routing.names import split_reference
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import Target
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

DIRECT = "direct"


class Flattener:
    """Gives the models behind a reference and remembers those of each alias.

    An alias is unrolled once per kind, whatever the depth and the number of ways that lead to it.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._memo: dict[Kind, dict[tuple[Kind | None, str], tuple[Leaf, ...]]] = {kind: {} for kind in KINDS}

    def reference(
        self, text: str, kind: Kind, *, provider: str | None = None
    ) -> tuple[tuple[Leaf, ...], Preset | None]:
        """Give the models behind a reference, and the preset it names, if any. With `provider` a name that is no
        alias, chain or preset is taken as it is written. No model: nothing here knows it as that kind."""
        for meaning in self.names.meanings(text, kind, presets=True):
            if isinstance(meaning, Preset):
                return self.preset(meaning), meaning
            if isinstance(meaning, Alias):
                leaves = self.alias(meaning, kind)
                if leaves:
                    return leaves, None
            elif provider is None:
                return (meaning,), None
        # A backend may have an id in "@", but none has one in "$".
        if provider is None or split_reference(text)[0] == "preset":
            return (), None
        return (self._verbatim(text, provider),), None

    def preset(self, preset: Preset) -> tuple[Leaf, ...]:
        """Give the models of a preset, with its settings over theirs."""
        layer = Layer(
            what="preset",
            name=preset.name,
            origin=preset.origin,
            origins=preset.origins,
            settings=preset.settings,
            policy=preset.policy,
            provider=self._backend(preset.provider),
            direct=preset.provider == DIRECT,
            only=self._backends(preset.only),
            exclude=self._backends(preset.exclude) or (),
        )
        memo, leaves = self._memo[preset.kind], list[Leaf]()
        for target in preset.targets:
            while isinstance(reached := self._target(target, preset.kind, preset, memo, layer.provider), Alias):
                self.alias(reached, preset.kind)
            leaves.extend(reached)
        return layer.over(unique(leaves))

    def alias(self, alias: Alias, kind: Kind) -> tuple[Leaf, ...]:
        """Give the models of an alias as that kind. Raises ResolveError that prints the circle where there is one."""
        memo = self._memo[kind]
        found = memo.get((alias.kind, alias.name))
        if found is not None:
            return found
        path: dict[tuple[Kind | None, str], Alias] = {(alias.kind, alias.name): alias}
        while path:
            key, top = next(reversed(path.items()))
            unrolled = self._unroll(top, kind, memo)
            if not isinstance(unrolled, Alias):
                memo[key] = unrolled
                del path[key]
                continue
            below = (unrolled.kind, unrolled.name)
            if below in path:
                raise _circle(list(path), below)
            path[below] = unrolled
        return memo[alias.kind, alias.name]

    def _unroll(
        self, alias: Alias, kind: Kind, memo: Mapping[tuple[Kind | None, str], tuple[Leaf, ...]]
    ) -> tuple[Leaf, ...] | Alias:
        """Give the models of an alias, or the alias that must be unrolled before it."""
        leaves: list[Leaf] = []
        for target in alias.targets:
            reached = self._target(target, kind, alias, memo, None)
            if isinstance(reached, Alias):
                return reached
            leaves.extend(reached)
        layer = Layer(what=_word(alias), name=alias.name, origin=alias.origin)
        return layer.over(unique(leaves))

    def _target(
        self,
        target: Target,
        kind: Kind,
        owner: Alias | Preset,
        memo: Mapping[tuple[Kind | None, str], tuple[Leaf, ...]],
        provider: str | None,
    ) -> tuple[Leaf, ...] | Alias:
        provider = self._backend(target.provider) or provider
        for meaning in self.names.of_target(target.reference, kind, owner):
            if isinstance(meaning, Alias):
                leaves = memo.get((meaning.kind, meaning.name))
                if leaves is None:
                    return meaning
                if leaves:
                    return self._layer(target).over(leaves)
            elif isinstance(meaning, Leaf) and provider is None:
                return self._layer(target).over((meaning,))
        if provider is not None:
            leaf = replace(self._verbatim(target.reference, provider), optional=len(owner.targets) > 1)
            return self._layer(target).over((leaf,))
        if self.elsewhere(target.reference, kind, owner):
            return ()
        return self._layer(target).over((Leaf(name=target.reference, how="unknown", certain=False),))

    def elsewhere(self, text: str, kind: Kind, owner: Alias | Preset | None = None) -> tuple[Kind, ...]:
        """Give the other kinds in which something has that name."""

        def known(other: Kind) -> bool:
            names = self.names
            found = names.meanings(text, other, presets=True) if owner is None else names.of_target(text, other, owner)
            return any(not isinstance(meaning, Leaf) or meaning.certain for meaning in found)

        return tuple(other for other in KINDS if other != kind and known(other))

    def _layer(self, target: Target) -> Layer:
        return Layer(
            what="target",
            name=target.reference,
            origin=target.origin,
            origins=target.origins,
            settings=target.settings,
            policy=target.policy,
            provider=self._backend(target.provider),
            direct=target.provider == DIRECT,
            only=self._backends(target.only),
            exclude=self._backends(target.exclude) or (),
        )

    def _verbatim(self, text: str, provider: str) -> Leaf:
        form, name = split_reference(text)
        name = name if form == "handle" else text
        head, slash, rest = name.partition("/")
        if slash and rest and self.names.backend(head) == provider:
            name = rest
        return Leaf(name=name, how="pin", backend=provider, certain=False)

    def _backend(self, name: str | None) -> str | None:
        return None if name is None or name == DIRECT else self.names.backend(name) or name

    def _backends(self, names: Iterable[str] | None) -> tuple[str, ...] | None:
        return None if names is None else tuple(self.names.backend(name) or name for name in names)

    def limits(
        self, only: Iterable[str] | None, exclude: Iterable[str]
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Give `only` and `exclude` of a call with backends by their own names."""
        return self._backends(only), self._backends(exclude) or ()

    def provider(self, name: str | None) -> str | None:
        """Give the backend that `provider` of a call names; None for none and for `direct`."""
        return self._backend(name)


def unique(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Drop leaves that say the same as an earlier one, whichever way led to them."""
    seen: dict[object, Leaf] = {}
    for leaf in leaves:
        said = (leaf.name, leaf.how, leaf.backend, leaf.settings, leaf.policy, leaf.provider, leaf.direct, leaf.limits)
        seen.setdefault(said, leaf)
    return list(seen.values())


def _word(alias: Alias) -> str:
    return "chain" if len(alias.targets) > 1 else "alias"


def _circle(path: list[tuple[Kind | None, str]], back_to: tuple[Kind | None, str]) -> ResolveError:
    names = [name for _, name in path[path.index(back_to) :]]
    printed = " -> ".join(f'"{name}"' for name in (*names, back_to[1]))
    return ResolveError(f"these aliases go round in a circle: {printed}", reference=names[0])
