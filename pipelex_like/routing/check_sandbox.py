"""Chains in which a simulated answer could come in the place of a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Alias, Preset
from pipelex_like.routing.candidates import find_servers
from pipelex_like.routing.refusals import Refusal
from pipelex_like.routing.rules import INTERNAL, SANDBOX
from pipelex_like.routing.variables import problem
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import BoundDeck
    from pipelex_like.errors import Problem
    from pipelex_like.routing.flatten import Flattener
    from pipelex_like.routing.leaves import Leaf
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind


def check_sandbox(names: Names, flattener: Flattener) -> Iterator[Problem]:
    """Report chains in which the sandbox comes after a real backend. The deck has no circle."""
    bound = names.bound
    if SANDBOX not in bound.backends or not _is_reachable(bound):
        return
    for owner in (*bound.deck.aliases.values(), *bound.deck.presets.values()):
        if len(owner.targets) < 2:
            continue
        for kind in KINDS if owner.kind is None else (owner.kind,):
            leaves = flattener.preset(owner) if isinstance(owner, Preset) else flattener.alias(owner, kind)
            if _mixes(names, leaves, kind):
                message = f'"{owner.name}" falls back from a real backend to "{SANDBOX}", whose answers are simulated.'
                hint = "Take the sandbox out of the chain, or put it into a profile of its own."
                yield problem("error", "fallback-to-sandbox", owner.origin, message, hint)
                break


def _is_reachable(bound: BoundDeck) -> bool:
    """Whether any chain can lead to the sandbox: it has the models of others, a stand-in does, or a target names it."""
    stand_ins = (handle for rule in bound.profile.stand_ins for handle in rule.handles)
    return (
        bound.backends[SANDBOX].spec.mirror
        or any(SANDBOX in bound.handles.get(handle, ()) for handle in stand_ins)
        or any(_names_sandbox(bound, owner) for owner in bound.deck.aliases.values())
        or any(_names_sandbox(bound, owner) for owner in bound.deck.presets.values())
    )


def _names_sandbox(bound: BoundDeck, owner: Alias | Preset) -> bool:
    own = bound.specs[SANDBOX]
    return (isinstance(owner, Preset) and owner.provider == SANDBOX) or any(
        target.provider == SANDBOX
        or target.reference.startswith(f"{SANDBOX}/")
        or target.reference.removeprefix("handle:") in own
        for target in owner.targets
    )


def _mixes(names: Names, leaves: Sequence[Leaf], kind: Kind) -> bool:
    """Whether the sandbox follows a real backend. A model that nobody serves here counts as real only before a
    sandbox that the chain itself names: what a profile sends there as a whole was asked for."""
    real = wished = False
    for leaf in leaves:
        found = find_servers(names, leaf, kind)
        pinned = SANDBOX in (leaf.backend, leaf.provider)
        if isinstance(found, Refusal):
            wished = wished or not pinned
            continue
        for server in found[0]:
            if server.backend == SANDBOX and (real or (pinned and wished)):
                return True
            real = real or server.backend not in (SANDBOX, INTERNAL)
    return False
