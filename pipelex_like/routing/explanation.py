"""The values that an explanation is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipelex_like.deck import Origin, Route
    from pipelex_like.types import Kind

Verdict = Literal["chosen", "lost", "info"]
DEFAULT = "default"
_WIDTH = 110
# Stands for a blank at which no line is broken.
_GLUE = "\xa0"
_MARKS = {"chosen": "+", "lost": "-", "info": " "}


@dataclass(frozen=True, slots=True)
class Step:
    """One fact on the way, and where it was written; `chosen` decided something, `lost` gave way."""

    text: str
    origin: Origin | None = None
    verdict: Verdict = "info"
    line: int | None = None

    @property
    def place(self) -> str:
        """Where it was written, as `file:line: key`; empty where nothing was."""
        if self.origin is None or not self.origin.file:
            return ""
        at = self.origin.file if self.line is None else f"{self.origin.file}:{self.line}"
        return f"{at}: {self.origin.key}" if self.origin.key else at

    def to_dict(self) -> dict[str, object]:
        """Give plain values."""
        file, key = (self.origin.file, self.origin.key) if self.origin is not None else ("", "")
        return {"text": self.text, "file": file, "line": self.line, "key": key, "verdict": self.verdict}


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
        place = self.step.to_dict()
        return {"value": self.value, "from": self.source} | {name: place[name] for name in ("file", "line", "key")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole way of a reference. `route` is None where it leads nowhere, and `error` then says why.

    `policies` tells for each candidate how calls to it are governed, key by key.
    """

    reference: str
    kind: Kind | None
    profile: str
    profile_from: str
    route: Route | None
    error: str | None
    steps: tuple[Step, ...]
    shown: tuple[dict[str, object], ...] = field(default=(), repr=False)
    policies: tuple[tuple[Governed, ...], ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, object]:
        """Give the shape that `explain --json` promises; what a variable filled in stands as its template.

        `policy` holds for the first candidate; `policy_by_candidate` gives for each what differs from that.
        """
        return {
            "reference": self.reference,
            "kind": self.kind,
            "profile": self.profile,
            "profile_from": self.profile_from,
            "candidates": list(self.shown),
            "policy": {row.name: row.to_dict() for row in self._policy},
            "policy_by_candidate": [{row.name: row.to_dict() for row in self._own(rows)} for rows in self.policies],
            "steps": [step.to_dict() for step in self.steps],
            "error": self.error,
        }

    def __str__(self) -> str:
        lines = [f"{self.reference} ({self.kind or 'kind unknown'})", *map(_line, self.steps)]
        if self._policy:
            lines.append("how calls are governed:")
            lines += [_line(row.step) for row in self._policy if not row.is_default]
            for number, rows in enumerate(self.policies, start=1):
                lines += [f"{_line(row.step)} (candidate {number})" for row in self._own(rows)]
            usual = ", ".join(row.step.text.replace(" ", _GLUE) for row in self._policy if row.is_default)
            wrapped = wrap(f"by default: {usual}", _WIDTH, initial_indent="  ", subsequent_indent="    ")
            lines += [line.replace(_GLUE, " ") for line in wrapped]
        return "\n".join([*lines, *([self.error] if self.error else [])])

    @property
    def _policy(self) -> tuple[Governed, ...]:
        return self.policies[0] if self.policies else ()

    def _own(self, rows: tuple[Governed, ...]) -> list[Governed]:
        """Give what holds for a candidate in another way than for the first one."""
        return [row for row, first in zip(rows, self._policy, strict=True) if row != first]


def _line(step: Step) -> str:
    place = f"  [{step.place}]" if step.place else ""
    return f"{_MARKS[step.verdict]} {step.text}{place}"
