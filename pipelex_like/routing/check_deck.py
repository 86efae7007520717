"""References of the deck that lead nowhere, go round in circles or say what they cannot mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.deck import Alias, Choice, Preset
from pipelex_like.errors import ResolveError, did_you_mean
from pipelex_like.routing.check_models import check_hidden, check_leaf, check_twice
from pipelex_like.routing.check_sandbox import check_sandbox
from pipelex_like.routing.cycles import circles
from pipelex_like.routing.flatten import Flattener
from pipelex_like.routing.leaves import Leaf
from pipelex_like.routing.names import split_reference
from pipelex_like.routing.variables import problem
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.deck import BoundDeck, Origin
    from pipelex_like.errors import Problem
    from pipelex_like.routing.names import Meaning, Names
    from pipelex_like.types import Kind


_RIGHT_KIND = "Name a model of kind {0}, or write this in the table of the other kind."


@dataclass(frozen=True, slots=True)
class Mention:
    """A reference that stands in the deck, and who wrote it."""

    text: str
    kind: Kind | None
    owner: Alias | Preset | Choice
    origin: Origin
    provider: str | None = None

    @property
    def inside(self) -> Alias | Preset | None:
        """The alias or preset in which its own name means the next thing of that name."""
        return None if isinstance(self.owner, Choice) else self.owner


def check_deck(names: Names) -> Iterator[Problem]:
    """Give the problems of all references of the deck."""
    bound = names.bound
    flattener = Flattener(names)
    cycles = list(_check_cycles(names))
    yield from cycles
    for mention in _mentions(bound):
        yield from _check_mention(names, flattener, mention)
    for owner in (*bound.deck.aliases.values(), *bound.deck.presets.values()):
        yield from check_twice(owner)
    yield from check_hidden(names)
    if not cycles:
        yield from check_sandbox(names, flattener)


def _mentions(bound: BoundDeck) -> Iterator[Mention]:
    for owner in (*bound.deck.aliases.values(), *bound.deck.presets.values()):
        for target in owner.targets:
            provider = target.provider or (owner.provider if isinstance(owner, Preset) else None)
            yield Mention(target.reference, owner.kind, owner, target.origin, provider)
    for choice in bound.deck.choices.values():
        yield Mention(choice.reference, choice.kind, choice, choice.origin)


def _check_cycles(names: Names) -> Iterator[Problem]:
    told: set[frozenset[str]] = set()
    for kind in KINDS:
        nodes = {(alias.kind, alias.name): alias for alias in names.deck.aliases.values() if alias.kind in (kind, None)}
        edges = {
            key: [_below(names, alias, target.reference, kind) for target in alias.targets]
            for key, alias in nodes.items()
        }
        graph = {key: [below for below in found if below is not None] for key, found in edges.items()}
        for circle in circles(graph):
            members = frozenset(name for _, name in circle)
            if members in told:
                continue
            told.add(members)
            printed = " -> ".join(f'"{name}"' for _, name in circle)
            message = f"these aliases go round in a circle: {printed}."
            yield problem("error", "cycle", nodes[circle[0]].origin, message, "Let one of them name a model.")


def _below(names: Names, alias: Alias, text: str, kind: Kind) -> tuple[Kind | None, str] | None:
    first = next(iter(names.of_target(text, kind, alias)), None)
    return (first.kind, first.name) if isinstance(first, Alias) else None


def _check_mention(names: Names, flattener: Flattener, mention: Mention) -> Iterator[Problem]:
    if mention.provider is not None:
        return
    kinds = KINDS if mention.kind is None else (mention.kind,)
    for kind in kinds:
        meanings = tuple(meaning for meaning in _meanings(names, mention, kind) if not _is_guess(names, meaning))
        if not meanings:
            continue
        if isinstance(meanings[0], Leaf):
            yield from check_leaf(names, mention.text, mention.origin, meanings[0], kind)
        elif mention.kind is not None and _leads_nowhere(flattener, meanings, kind):
            message = f'"{mention.text}" leads to no model of kind {kind}.'
            yield problem("error", "wrong-kind", mention.origin, message, _RIGHT_KIND.format(kind))
        return
    unknown = _unknown(names, flattener, mention)
    if unknown is not None:
        yield unknown


def _meanings(names: Names, mention: Mention, kind: Kind) -> tuple[Meaning, ...]:
    if mention.inside is not None:
        return names.of_target(mention.text, kind, mention.inside)
    return tuple(names.meanings(mention.text, kind, presets=True))


def _is_guess(names: Names, meaning: Meaning) -> bool:
    """Whether only a backend that takes every name makes it one: in a deck, it is more likely a slip."""
    return isinstance(meaning, Leaf) and meaning.how == "loose" and not names.is_known_loose(meaning.name)


def _leads_nowhere(flattener: Flattener, meanings: tuple[Meaning, ...], kind: Kind) -> bool:
    try:
        return not any(not isinstance(meaning, Alias) or flattener.alias(meaning, kind) for meaning in meanings)
    except ResolveError:
        return False  # a circle, told on its own


def _unknown(names: Names, flattener: Flattener, mention: Mention) -> Problem | None:
    """Give the problem of a reference that means nothing as the kind that its place asks for."""
    text, kind, owner = mention.text, mention.kind, mention.owner
    form, name = split_reference(text)
    if not isinstance(owner, Choice) and name == owner.name and form in ("bare", "alias"):
        message = f'it goes round in a circle: "{name}" -> "{name}".'
        return problem("error", "cycle", mention.origin, message, f'Nothing else is named "{name}".')
    others = flattener.elsewhere(text, kind, mention.inside) if kind is not None else ()
    if others:
        message = f'"{text}" is of kind {" and ".join(others)}, and {kind} is wanted here.'
        return problem("error", "wrong-kind", mention.origin, message, _RIGHT_KIND.format(kind))
    presets = [preset for (of, known), preset in names.deck.presets.items() if known == name and kind in (of, None)]
    if presets and not isinstance(owner, Choice):
        targets = ", ".join(f'"{target.reference}"' for target in presets[0].targets)
        message = f'"{text}" is a preset, and a target is never one.'
        return problem("error", "preset-as-target", mention.origin, message, f"Name what the preset names: {targets}.")
    if _blamed_elsewhere(names, name):
        return None
    return _dangling(names, mention, form, name)


def _blamed_elsewhere(names: Names, name: str) -> bool:
    """Whether an entry that was left out for its own errors may be what is meant."""
    head, slash, rest = name.partition("/")
    return not names.deck.faulty.isdisjoint({name, head, rest} if slash else {name})


def _dangling(names: Names, mention: Mention, form: str, name: str) -> Problem:
    bound, kind = names.bound, mention.kind
    is_choice = isinstance(mention.owner, Choice)
    code = "LLMHandleNotFoundError" if kind in (None, "llm") else "HandleNotFoundError"
    if form == "preset" and kind in (None, "llm"):
        code = "LLMPresetNotFoundError"
    message = f'there is no {names.noun(form, presets=is_choice)} "{name}".'
    hint = (names.right_form(mention.text, kind) if is_choice or form != "preset" else "") or did_you_mean(
        name, names.candidates(mention.text, kind, presets=is_choice)
    )
    if form == "preset":
        return problem("error", code, mention.origin, message, hint)
    routed = any(rule.pattern == name for profile in names.deck.profiles.profiles.values() for rule in profile.rules)
    network = [backend for backend in bound.deck.backends if backend in bound.deck.network_models]
    if routed:
        message = f'"{name}" is known only through a route of a profile that is not active.'
    elif network:
        message = f'no spec file knows "{name}"; "{network[0]}" may, whose models come from the network.'
    catchers = names.catchers(name)
    hint = hint or (f'To ask "{catchers[0]}" for it, write "{catchers[0]}/{name}".' if catchers else "")
    return problem("warning" if routed or network else "error", code, mention.origin, message, hint)
