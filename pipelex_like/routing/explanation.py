"""The values that an explanation is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipelex_like.deck import Origin, Route
    from pipelex_like.types import Kind

Verdict = Literal["chosen", "lost", "info"]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole way of a reference. `route` is None where it leads nowhere, and `error` then says why."""

    reference: str
    kind: Kind | None
    profile: str
    profile_from: str
    route: Route | None
    error: str | None
    steps: tuple[Step, ...]
    shown: tuple[dict[str, object], ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, object]:
        """Give the shape that `explain --json` promises; what a variable filled in stands as its template."""
        return {
            "reference": self.reference,
            "kind": self.kind,
            "profile": self.profile,
            "profile_from": self.profile_from,
            "candidates": list(self.shown),
            "steps": [step.to_dict() for step in self.steps],
            "error": self.error,
        }

    def __str__(self) -> str:
        lines = [f"{self.reference} ({self.kind or 'kind unknown'})"]
        for step in self.steps:
            place = f"  [{step.place}]" if step.place else ""
            lines.append(f"{_MARKS[step.verdict]} {step.text}{place}")
        return "\n".join([*lines, *([self.error] if self.error else [])])
