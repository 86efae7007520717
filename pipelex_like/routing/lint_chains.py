"""Chains whose later models can do less than the first, and settings that the first one does not take."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pipelex_like.deck import Preset
from pipelex_like.errors import ResolveError
from pipelex_like.routing.fit import fit
from pipelex_like.routing.variables import problem
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.deck import Alias, ModelSpec, Origin
    from pipelex_like.errors import Problem
    from pipelex_like.routing.flatten import Flattener
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

_PICTURES = frozenset({"image", "images"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An alias or preset unrolled into its models, as one kind."""

    owner: Alias | Preset
    kind: Kind
    leaves: tuple[Leaf, ...]


def ways(names: Names, flattener: Flattener) -> Iterator[Way]:
    """Unroll all aliases and presets that lead somewhere; those that go in a circle are left out."""
    for owner in (*names.deck.aliases.values(), *names.deck.presets.values()):
        for kind in KINDS if owner.kind is None else (owner.kind,):
            try:
                leaves = flattener.preset(owner) if isinstance(owner, Preset) else flattener.alias(owner, kind)
            except ResolveError:
                continue
            if leaves:
                yield Way(owner=owner, kind=kind, leaves=leaves)


def lint_chains(names: Names, flattener: Flattener) -> Iterator[Problem]:
    """Compare the models of each chain with its first, and the settings on the way with what that one takes."""
    told: set[tuple[Origin, str]] = set()
    for way in ways(names, flattener):
        first = known_spec(names, way.leaves[0], way.kind)
        if first is None:
            continue
        for found in (*_lint_settings(way, first), *_lint_fallbacks(names, way, first)):
            key = found[0], found[1].code
            if key not in told:
                told.add(key)
                yield found[1]


def known_spec(names: Names, leaf: Leaf, kind: Kind) -> ModelSpec | None:
    """Give the spec of a model: that of the backend that serves it here, else of the first that lists it."""
    assigner, pinned = names.assigner, leaf.provider or leaf.backend
    if pinned is not None:
        return assigner.spec(pinned, leaf.name, kind) or assigner.by_model_id(pinned, leaf.name, kind)
    if leaf.how == "model_id":
        pairs = names.bound.model_ids.get(leaf.name, ())
        return next((spec for owner, handle in pairs if (spec := assigner.spec(owner, handle, kind))), None)
    place = assigner.place(leaf.name, kind)
    if place.servers and place.replaced is None:
        return place.servers[0].spec
    owners = names.bound.handles.get(leaf.name, ())
    return next((spec for owner in owners if (spec := assigner.spec(owner, leaf.name, kind))), None)


def _lint_settings(way: Way, first: ModelSpec) -> Iterator[tuple[Origin, Problem]]:
    leaf = way.leaves[0]
    for note in fit(leaf.settings, first)[1]:
        name, _, change = note.partition(": ")
        hop = next((hop for hop in leaf.hops or () if name in hop.settings), None)
        if hop is None or hop.origin is None:
            continue
        origin = hop.origins.get(name, hop.origin)
        hint = f'Write {name} as "{first.handle}" takes it, leave it out, or choose another model.'
        message = f"it is sent otherwise than it is written: {change}."
        yield origin, problem("warning", "setting-not-taken", origin, message, hint)


def _lint_fallbacks(names: Names, way: Way, first: ModelSpec) -> Iterator[tuple[Origin, Problem]]:
    start = _element(way.leaves[0])
    for leaf in way.leaves[1:]:
        origin = _element(leaf)
        spec = None if origin in (None, start) else known_spec(names, leaf, way.kind)
        if spec is None or origin is None:
            continue
        window, most = spec.context_window, first.context_window
        if isinstance(window, int) and isinstance(most, int) and window < most:
            message = (
                f'the fallback "{spec.handle}" reads {window} tokens, and "{first.handle}" before it {most}: '
                "it is passed over for what is longer."
            )
            hint = f"Choose a fallback with a window of {most} tokens, or put the smaller one first."
            yield origin, problem("warning", "fallback-smaller-window", origin, message, hint)
        lacking = _lacking(first, spec)
        if lacking:
            message = f'the fallback "{spec.handle}" lacks {lacking}, which "{first.handle}" before it has.'
            hint = "Choose a fallback that has it, or keep the chain for requests without it."
            yield origin, problem("warning", "fallback-lacks-capability", origin, message, hint)


def _element(leaf: Leaf) -> Origin | None:
    """Where the owner of the chain names what leads to the model: its second step, after the owner itself."""
    hop = next(islice(leaf.hops or (), 1, None), None)
    return None if hop is None else hop.origin


def _lacking(first: ModelSpec, later: ModelSpec) -> str:
    """Say what the later model cannot do and the first can; what a spec does not tell refuses nothing."""
    words: list[str] = []
    if first.inputs and later.inputs:
        words += sorted(_inputs(first) - _inputs(later))
    if "structured" in first.outputs and later.outputs and "structured" not in later.outputs:
        words.append("typed objects")
    if "tools" in later.constraints.unsupported and "tools" not in first.constraints.unsupported:
        words.append("tools")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _inputs(spec: ModelSpec) -> set[str]:
    return {"images" if word in _PICTURES else word for word in spec.inputs if isinstance(word, str)}
