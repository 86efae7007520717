"""Findings on a deck that loads: what is allowed, and probably not meant. Only `validate` asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.deck import Alias
from pipelex_like.errors import did_you_mean
from pipelex_like.routing.assign import Assigner
from pipelex_like.routing.flatten import Flattener
from pipelex_like.routing.leaves import Leaf
from pipelex_like.routing.lint_chains import lint_chains, ways
from pipelex_like.routing.lint_prices import lint_prices
from pipelex_like.routing.lint_routes import lint_routes
from pipelex_like.routing.names import Names
from pipelex_like.routing.rules import Rules
from pipelex_like.routing.variables import problem
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, timedelta

    from pipelex_like.deck import BoundDeck, Origin
    from pipelex_like.errors import Problem


def lint_deck(bound: BoundDeck, *, today: date, max_age: timedelta) -> Iterator[Problem]:
    """Give the findings, without lines. A price that was checked more than `max_age` before `today` is old.

    A deck with errors is looked at as far as it goes; circles are left to those who report them.
    """
    names = Names(Assigner(bound, Rules(bound)))
    flattener = Flattener(names)
    yield from lint_routes(names)
    yield from lint_chains(names, flattener)
    yield from _lint_pins(names, flattener)
    if not bound.deck.faulty:
        yield from _lint_unused(names)
    yield from lint_prices(bound, today=today, max_age=max_age)


def _lint_pins(names: Names, flattener: Flattener) -> Iterator[Problem]:
    """Tell of pinned ids that the backend's spec file does not list, where load finds nothing wrong with them."""
    found: dict[Origin, Leaf] = {}
    for way in ways(names, flattener):
        for leaf in way.leaves:
            # The last step is the target that names the model.
            hops = tuple(leaf.hops or ())
            if hops and hops[-1].origin is not None:
                found.setdefault(hops[-1].origin, leaf)
    for choice in names.deck.choices.values():
        meaning = next(names.meanings(choice.reference, choice.kind, presets=True), None)
        if isinstance(meaning, Leaf):
            found.setdefault(choice.origin, meaning)
    for origin, leaf in found.items():
        if _is_unlisted(names, leaf):
            message = f'"{leaf.backend}" does not list "{leaf.name}"; it is sent as it is written, at no known price.'
            listed = names.bound.specs[str(leaf.backend)]
            near = did_you_mean(leaf.name, listed)
            hint = f"{near} If not, list" if near else "List"
            hint += f" it in backends/{leaf.backend}.toml, with its costs."
            yield problem("warning", "unlisted-pin", origin, message, hint)


def _is_unlisted(names: Names, leaf: Leaf) -> bool:
    held = names.bound.backends.get(leaf.backend or "")
    if leaf.how != "pin" or held is None or held.state == "off" or held.spec.mirror or leaf.name in names.deck.faulty:
        return False
    if held.spec.unlisted is False or held.spec.default_spec is None or held.spec.default_costs is not None:
        return False
    if names.assigner.written(held.name, leaf.name) is not None or leaf.name in names.bound.specs[held.name]:
        return False
    if leaf.optional and names.assigner.is_listed(leaf.name):
        return False
    return not any(owner == held.name for owner, _ in names.bound.model_ids.get(leaf.name, ()))


def _lint_unused(names: Names) -> Iterator[Problem]:
    deck = names.deck
    used: set[tuple[object, str]] = set()
    for owner in (*deck.aliases.values(), *deck.presets.values()):
        for kind in KINDS if owner.kind is None else (owner.kind,):
            for target in owner.targets:
                meaning = next(iter(names.of_target(target.reference, kind, owner)), None)
                if isinstance(meaning, Alias):
                    used.add((meaning.kind, meaning.name))
    for choice in deck.choices.values():
        meaning = next(names.meanings(choice.reference, choice.kind, presets=True), None)
        if isinstance(meaning, Alias):
            used.add((meaning.kind, meaning.name))
    for key, alias in deck.aliases.items():
        if key not in used:
            message = f'nothing in the configuration names the alias "{alias.name}".'
            hint = "If no program of yours does either, take it out."
            yield replace(problem("warning", "unused-alias", alias.origin, message, hint), severity="note")
