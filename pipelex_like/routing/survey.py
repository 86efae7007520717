"""Where every name of a deck leads under a profile, and what changes between two profiles. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck import NOWHERE, Alias, Preset
from pipelex_like.errors import ResolveError
from pipelex_like.routing.candidates import find_servers
from pipelex_like.routing.leaves import Leaf
from pipelex_like.routing.refusals import Refusal, ways_out
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import BoundDeck, Candidate, Origin
    from pipelex_like.routing.names import Meaning
    from pipelex_like.routing.router import Router
    from pipelex_like.types import Kind

What = Literal["choice", "preset", "alias", "chain", "model"]
Turn = Literal["elsewhere", "begins", "stops", "fallbacks", "settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name and where it leads: `candidates` in order; none, then `why` says in short why not and `error` in full.

    `reference` is what a call would name; of a default choice, `slot` is the key that holds it.
    """

    reference: str
    what: What
    kind: Kind | None
    origin: Origin = NOWHERE
    slot: str = ""
    candidates: tuple[Candidate, ...] = ()
    why: str = ""
    error: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Give plain values; keys of a backend and settings are not among them."""
        return {
            "reference": self.reference,
            "what": self.what,
            "slot": self.slot or None,
            "kind": self.kind,
            "candidate": brief(self.candidates[0]) if self.candidates else None,
            "more": max(0, len(self.candidates) - 1),
            "why": self.why or None,
            "error": self.error,
            "file": self.origin.file,
            "key": self.origin.key,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A reference that goes another way under the second profile: it `begins` or `stops` to resolve, its first
    candidate is `elsewhere`, or only its `fallbacks` or `settings` change."""

    turn: Turn
    before: Row
    after: Row

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        sides = {"before": self.before, "after": self.after}
        return {
            "reference": self.before.reference,
            "what": self.before.what,
            "slot": self.before.slot or None,
            "kind": self.before.kind,
            "change": self.turn,
            **{name: [brief(each) for each in row.candidates] for name, row in sides.items()},
            **{f"{name}_error": row.error for name, row in sides.items()},
        }


def brief(candidate: Candidate) -> dict[str, object]:
    """Give who a candidate is."""
    return {
        "handle": candidate.handle,
        "backend": candidate.backend,
        "model_id": candidate.model_id,
        "sdk": candidate.sdk,
    }


def survey(
    router: Router, *, kind: Kind | None = None, models: bool = False, references: Sequence[str] | None = None
) -> tuple[Row, ...]:
    """Give a row for every default choice, preset, alias and chain of the deck, and with `models` for every handle; or
    for the `references` given, whichever they are."""
    named = _declared(router, models=models) if references is None else _given(router, references)
    rows = (_resolved(router, row) for row in named if kind in (None, row.kind))
    return tuple(rows)


def compare(before: Sequence[Row], after: Sequence[Row]) -> tuple[Change, ...]:
    """Give the rows of the same deck that lead another way under the second profile."""
    others = {(row.what, row.slot, row.reference, row.kind): row for row in after}
    pairs = ((row, others[row.what, row.slot, row.reference, row.kind]) for row in before)
    return tuple(
        Change(turn=turn, before=row, after=other) for row, other in pairs if (turn := _turn(row, other)) is not None
    )


def _turn(before: Row, after: Row) -> Turn | None:
    if not before.candidates or not after.candidates:
        return None if before.candidates == after.candidates else "begins" if after.candidates else "stops"
    ways = [[(made.backend, made.handle, made.via) for made in row.candidates] for row in (before, after)]
    if ways[0][0] != ways[1][0]:
        return "elsewhere"
    if ways[0] != ways[1]:
        return "fallbacks"
    same = all(one.settings == other.settings for one, other in zip(before.candidates, after.candidates, strict=True))
    return None if same else "settings"


def _declared(router: Router, *, models: bool) -> Iterator[Row]:
    deck = router.bound.deck
    for (kind, slot), choice in deck.choices.items():
        yield Row(reference=choice.reference, what="choice", kind=kind, origin=choice.origin, slot=slot)
    for kind in KINDS:
        for (owner, name), preset in deck.presets.items():
            if owner == kind:
                yield Row(reference=f"preset:{name}", what="preset", kind=kind, origin=preset.origin)
    for name in dict.fromkeys(name for _, name in deck.aliases):
        for kind in router.kinds_of(f"alias:{name}"):
            alias = router.names.aliases(name, kind)[0]
            yield Row(reference=f"alias:{name}", what=_what(alias), kind=kind, origin=alias.origin)
    for name in sorted(router.bound.handles) if models else ():
        for kind in router.kinds_of(f"handle:{name}"):
            yield Row(reference=name, what="model", kind=kind, origin=_first_spec(router.bound, name, kind))


def _first_spec(bound: BoundDeck, handle: str, kind: Kind) -> Origin:
    specs = (bound.specs[backend][handle] for backend in bound.handles[handle])
    return next((spec.origin for spec in specs if spec.kind in (kind, None)), NOWHERE)


def _given(router: Router, references: Sequence[str]) -> Iterator[Row]:
    for reference in dict.fromkeys(references):
        for kind in router.kinds_of(reference):
            meaning = next(router.names.meanings(reference, kind, presets=True), None)
            origin = NOWHERE if meaning is None or isinstance(meaning, Leaf) else meaning.origin
            yield Row(reference=reference, what=_what(meaning), kind=kind, origin=origin)
        if not router.kinds_of(reference):
            yield Row(reference=reference, what="model", kind=None)


def _what(meaning: Meaning | None) -> What:
    if isinstance(meaning, Alias):
        return "chain" if len(meaning.targets) > 1 else "alias"
    return "preset" if isinstance(meaning, Preset) else "model"


def _resolved(router: Router, row: Row) -> Row:
    try:
        return replace(row, candidates=router.resolve(row.reference, row.kind).candidates)
    except ResolveError as error:
        return replace(row, why=_why(router, row), error=str(error))


def _why(router: Router, row: Row) -> str:
    """Say in a few words why nobody serves it, and one thing that would help."""
    if row.kind is None:
        return "nothing has this name"
    leaves, _ = router.flattener.reference(row.reference, row.kind)
    found = (find_servers(router.names, leaf, row.kind) for leaf in leaves)
    refusals = [each for each in found if isinstance(each, Refusal)]
    if not refusals:
        return "it stands for no model of this kind"
    ways = ways_out(router.names.assigner, refusals)
    more = f", or {len(ways) - 1} other ways" if len(ways) > 2 else f"; or {ways[1]}" if len(ways) == 2 else ""
    return f"{_short(refusals)}: {ways[0]}{more}" if ways else _short(refusals)


def _short(refusals: Sequence[Refusal]) -> str:
    only = refusals[0]
    if len(refusals) > 1 or not only.text:
        return "nobody serves it here"
    return str(only).rstrip(".") if only.backend is None else f'it goes to "{only.backend.name}", which is off'
