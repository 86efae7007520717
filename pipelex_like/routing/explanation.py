"""The values that an explanation is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipelex_like.routing.explanation_text import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from pipelex_like.deck import Candidate, Origin, Route
    from pipelex_like.routing.assign import Locate
    from pipelex_like.types import Kind

Verdict = Literal["chosen", "lost", "info"]
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Step:
    """One fact on the way, and where it was written; `chosen` decided something, `lost` gave way.

    `depth` tells how far inside other facts it stands.
    """

    text: str
    origin: Origin | None = None
    verdict: Verdict = "info"
    line: int | None = None
    depth: int = 0

    @property
    def place(self) -> str:
        """Where it was written, as `file:line: key`; empty where nothing was."""
        if self.origin is None or not self.origin.file:
            return ""
        at = self.origin.file if self.line is None else f"{self.origin.file}:{self.line}"
        return f"{at}: {self.origin.key}" if self.origin.key else at

    def located(self, locate: Locate | None) -> Step:
        """Give the step with its line, where `locate` finds it."""
        if locate is None or self.origin is None or not self.origin.file:
            return self
        return replace(self, line=locate(self.origin.file, self.origin.path))

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        return {"text": self.text, **self.place_dict(), "verdict": self.verdict}

    def place_dict(self) -> dict[str, object]:
        """Give the place as plain values."""
        file, key = (self.origin.file, self.origin.key) if self.origin is not None else ("", "")
        return {"file": file, "line": self.line, "key": key}


@dataclass(frozen=True, slots=True)
class Governed:
    """A value that governs the calls: `source` said it (`preset "x"`, `default`), and the step tells it with its
    place."""

    name: str
    value: object
    source: str
    step: Step

    @property
    def is_default(self) -> bool:
        """Whether nobody said anything else."""
        return self.source == DEFAULT

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        return {"value": self.value, "from": self.source, **self.step.place_dict()}


@dataclass(frozen=True, slots=True)
class Lost:
    """A value of a setting that gave way to a nearer one; `source` said it, and the step tells where and why."""

    value: object
    source: str
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that is sent to a candidate (`temperature`; `extra.top_k` for a key of `extra`).

    `given` is what `source` said, `value` what is left of it after the model's constraints; both plain, with what a
    variable filled in as its template.
    """

    name: str
    value: object
    given: object
    source: str
    step: Step
    lost: tuple[Lost, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        gone = [{"value": each.value, "from": each.source, **each.step.place_dict()} for each in self.lost]
        said = {"value": self.value, "given": self.given, "from": self.source}
        return {**said, **self.step.place_dict(), "lost": gone}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a call of that size would cost at a candidate; `cost` in US dollars, None with the reason in `note`.

    `at_most`: the price depends on what only the call tells, and this is the dearest.
    """

    size: str
    cost: Decimal | None
    note: str | None = None
    at_most: bool = False

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        cost = None if self.cost is None else float(self.cost)
        return {"call": self.size, "cost_usd": cost, "cost_note": self.note, "at_most": self.at_most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A candidate with everything about it: `head` names it, `notes` say what is changed or left out for it and what
    stands in its way, `policy` how calls to it are governed. `shown` is its part of the JSON record.

    `left_out` are lines on what its protocol changes or leaves out, `example` what a call costs; both are None where
    nobody has asked.
    """

    candidate: Candidate
    head: Step
    settings: tuple[Setting, ...]
    notes: tuple[Step, ...]
    policy: tuple[Governed, ...]
    shown: dict[str, object]
    left_out: tuple[str, ...] | None = None
    example: Example | None = None

    @property
    def steps(self) -> Iterator[Step]:
        """Everything but the policy, in order."""
        yield self.head
        for setting in self.settings:
            yield setting.step
            yield from (each.step for each in setting.lost)
        yield from self.notes
        yield from (Step(f"adapted: {line}", depth=1) for line in self.left_out or ())

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        made = self.candidate
        return {
            **self.shown,
            "settings_from": {setting.name: setting.to_dict() for setting in self.settings},
            "adapted": [*made.adapted, *(self.left_out or ())],
            "stood_in_for": made.stood_in_for,
            "via": made.via,
            "broken": made.broken,
            **({} if self.example is None else {"example": self.example.to_dict()}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole way of a reference. `route` is None where it leads nowhere, and `error` then says why.

    `way` are the steps up to the candidates, and `told` has one value for each of these, in their order.
    """

    reference: str
    kind: Kind | None
    profile: str
    profile_from: str
    route: Route | None
    error: str | None
    way: tuple[Step, ...]
    told: tuple[Told, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step: those of the way, then those of each candidate."""
        return (*self.way, *(step for each in self.told for step in each.steps))

    @property
    def policy(self) -> tuple[Governed, ...]:
        """How calls to the first candidate are governed, key by key."""
        return self.told[0].policy if self.told else ()

    def own_policy(self, told: Told) -> list[Governed]:
        """Give what holds for a candidate in another way than for the first one."""
        return [row for row, first in zip(told.policy, self.policy, strict=True) if row != first]

    def to_dict(self) -> dict[str, object]:
        """Give the shape that `explain --json` promises; what a variable filled in stands as its template.

        `policy` holds for the first candidate; `policy_by_candidate` gives for each what differs from that.
        """
        return {
            "reference": self.reference,
            "kind": self.kind,
            "profile": self.profile,
            "profile_from": self.profile_from,
            "candidates": [each.to_dict() for each in self.told],
            "policy": {row.name: row.to_dict() for row in self.policy},
            "policy_by_candidate": [{row.name: row.to_dict() for row in self.own_policy(each)} for each in self.told],
            "steps": [step.to_dict() for step in self.steps],
            "error": self.error,
        }

    def __str__(self) -> str:
        return as_text(self)
