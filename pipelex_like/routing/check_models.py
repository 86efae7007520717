"""Models that the deck names although they are refused, retired, hidden or written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import did_you_mean
from pipelex_like.routing.refusals import wake
from pipelex_like.routing.variables import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.deck import Alias, Origin, Preset
    from pipelex_like.errors import Problem
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind


def check_leaf(names: Names, text: str, origin: Origin, leaf: Leaf, kind: Kind) -> Iterator[Problem]:
    """Give the problems of a reference that is a model: an id that is refused, unknown or retired."""
    if leaf.how == "loose":
        yield from _check_loose(names, origin, leaf.name)
    elif leaf.how == "pin" and leaf.backend is not None:
        yield from _check_pin(names, text, origin, leaf.backend, leaf.name)
    specs = [names.bound.specs[backend][handle] for backend, handle in _holders(names, leaf, kind)]
    if specs and all(spec.retired for spec in specs):
        message = f'"{text}" is retired by its provider ({specs[0].origin.file}).'
        yield problem("warning", "retired-model", origin, message, "Choose a model that is still offered.")


def _holders(names: Names, leaf: Leaf, kind: Kind) -> list[tuple[str, str]]:
    pairs = [(backend, leaf.name) for backend in names.bound.handles.get(leaf.name, ())]
    pairs.extend(names.bound.model_ids.get(leaf.name, ()))
    return [
        (backend, handle)
        for backend, handle in pairs
        if leaf.backend in (backend, None) and names.assigner.spec(backend, handle, kind) is not None
    ]


def _check_loose(names: Names, origin: Origin, name: str) -> Iterator[Problem]:
    if name in names.rules.routes.exact:
        return  # told where the route stands
    takers = names.takers(name)
    if takers and all(names.assigner.state(backend) == "off" for backend in takers):
        held = names.bound.backends[takers[0]]
        message = f'"{name}" is known only through "{held.name}", which is off here: {held.reason}.'
        yield problem("warning", "known-only-where-off", origin, message, f"What helps: {wake(held, names.bound)}.")


def _check_pin(names: Names, text: str, origin: Origin, backend: str, name: str) -> Iterator[Problem]:
    held, deck = names.bound.backends[backend], names.deck
    listed = names.assigner.written(backend, name) is not None or any(
        b == backend for b, _ in names.bound.model_ids.get(name, ())
    )
    if listed or name in deck.faulty or name in names.bound.specs[backend]:
        return
    hint = did_you_mean(name, names.bound.specs[backend])
    if held.spec.unlisted is False:
        message = f'"{backend}" does not list "{name}" and takes no unlisted model (unlisted = false).'
        yield problem("error", "unlisted-refused", origin, message, hint)
    elif held.spec.enabled is False:
        message = f'no spec file lists "{name}", and "{backend}" is switched off (enabled = false).'
        yield problem("error", "LLMHandleNotFoundError", origin, message, hint)
    elif held.spec.default_spec is None:
        message = f'"{backend}" has no spec file, so its SDK is unknown and "{text}" is served by nobody.'
        yield problem("warning", "unserved-pin", origin, message, f"Add backends/{backend}.toml with its models.")
    elif held.state == "off":
        message = f'"{name}" is known only through "{backend}", which is off here: {held.reason}.'
        yield problem("warning", "known-only-where-off", origin, message, f"What helps: {wake(held, names.bound)}.")


def check_twice(owner: Alias | Preset) -> Iterator[Problem]:
    """Warn where a chain names the same model with the same settings again."""
    seen: set[object] = set()
    for target in owner.targets:
        said = (target.reference, target.settings, target.provider, target.only, target.exclude)
        if said in seen:
            message = f'"{target.reference}" stands twice in "{owner.name}"; the second one is dropped.'
            yield problem("warning", "duplicate-in-chain", target.origin, message, "Leave one of them out.")
        seen.add(said)


def check_hidden(names: Names) -> Iterator[Problem]:
    """Warn where an alias has the name of a model, which then is only reached as `handle:name`."""
    for alias in names.deck.aliases.values():
        for backend in names.bound.handles.get(alias.name, ()):
            if alias.kind is None or names.assigner.spec(backend, alias.name, alias.kind) is not None:
                message = f'the alias "{alias.name}" hides the model of that name.'
                hint = f'Rename the alias, or reach the model as "handle:{alias.name}".'
                yield problem("warning", "alias-hides-handle", alias.origin, message, hint)
                break
