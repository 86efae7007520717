"""One document while it is read: where things stand in it, and what was found wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.deck.policy import RULES
from pipelex_like.errors import Problem, did_you_mean
from pipelex_like.specs.templates import parse_template
from pipelex_like.types import FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipelex_like.deck import Origin, Scalar
    from pipelex_like.documents import RawDocument
    from pipelex_like.errors import Severity

Path = tuple[str | int, ...]

_BACKENDS = "It belongs to a backend: write it in its table in backends.toml."
_CALLS = "It governs calls: write it in a profile or a preset, or give it with the call."
_TOP = "It stands at the top of routing_profiles.toml, as a table of its own."
ELSEWHERE: Mapping[str, str] = {
    **{name: _BACKENDS for name, rule in RULES.items() if not rule.caller},
    **{name: _CALLS for name, rule in RULES.items() if not rule.backend},
    "tags": "They are given with the call: tags=[...].",
    "budgets": _TOP,
    "ledger": _TOP,
}
"""Keys that other tables have, and where."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(slots=True)
class Page:
    """Collects the problems of one document. `errors` and `templates` count up, so that whoever reads an entry can
    compare before and after. `variables` says whether `${...}` means something here."""

    document: RawDocument
    problems: list[Problem]
    faulty: set[str]
    variables: bool = True
    errors: int = 0
    templates: int = 0
    _seen: set[tuple[Path, str]] = field(default_factory=set[tuple[Path, str]])

    def origin(self, path: Path) -> Origin:
        """Where the value at that path was written."""
        return self.document.origin(path)

    def origins(self, path: Path, table: Iterable[str]) -> FrozenDict[str, Origin]:
        """Where each key of the table at that path was written, which may be in different files."""
        return FrozenDict({key: self.origin((*path, key)) for key in table})

    def error(self, path: Path, code: str, message: str, hint: str = "") -> None:
        """Report what keeps the configuration from loading."""
        self.errors += 1
        self._say("error", path, code, message, hint)

    def warn(self, path: Path, code: str, message: str, hint: str = "") -> None:
        """Report what is probably not meant."""
        self._say("warning", path, code, message, hint)

    def note(self, path: Path, code: str, message: str, hint: str = "") -> None:
        """Report what is good to know."""
        self._say("note", path, code, message, hint)

    def _say(self, severity: Severity, path: Path, code: str, message: str, hint: str) -> None:
        # What is wrong a second time at one place follows from the first, or was inherited by another entry.
        seen = (path, "" if severity == "error" else code)
        if seen in self._seen:
            return
        self._seen.add(seen)
        origin = self.origin(path)
        self.problems.append(
            Problem(
                severity=severity,
                code=code,
                file=origin.file,
                key=origin.key,
                path=origin.path,
                message=message,
                hint=hint,
            )
        )

    def unknown_key(self, path: Path, value: object, known: Collection[str], *, entry: bool = False) -> None:
        """Report the last part of the path as a key that nothing here knows, in the way that helps most.

        `entry`: the table around it is one that people name, and may be half of a name with a dot.
        """
        key = str(path[-1])
        suggestion = did_you_mean(key, known)
        if key in ELSEWHERE and key not in known:
            self.error(path, "unknown-key", f'"{key}" is no key of this table.', ELSEWHERE[key])
        elif entry and not suggestion and self.halves(path, value, known):
            self.unquoted(path[:-1], {key: value}, known)
        else:
            self.error(path, "unknown-key", f'"{shown(key)}" is no key of this table.', suggestion)

    @staticmethod
    def halves(path: Path, value: object, known: Collection[str]) -> bool:
        """Whether a key looks like the second half of a name with a dot: a number, or a table that could be one's."""
        while is_table(value):
            if any(key in known for key in value) or str(path[-1])[:1].isdigit():
                return True
            value = next(iter(value.values())) if len(value) == 1 else None
        return str(path[-1])[:1].isdigit()

    def unquoted(self, path: Path, value: dict[str, object], known: Collection[str] = ()) -> None:
        """Report a name with a dot that was written without quotes, so that TOML made tables of its parts."""
        parts = [str(path[-1])]
        inner: object = value
        while is_table(inner) and len(inner) == 1:
            key, inner = next(iter(inner.items()))
            parts.append(key)
            if is_table(inner) and any(key in known for key in inner):
                break
        name = shown(".".join(parts))
        self.faulty.update((parts[0], ".".join(parts)))
        self.error(
            (*path, *parts[1:]),
            "unquoted-name",
            f'a name with a dot needs quotes: without them TOML reads "{shown(parts[0])}" as a table.',
            f'write ["{name}"]' if is_table(inner) else f'write "{name}" = ...',
        )

    def name(self, path: Path, name: str) -> bool:
        """Check that a name can be referred to."""
        if name.isprintable() and name.strip():
            return True
        if not name.strip():
            self.error(path, "bad-name", "an empty name cannot be referred to.", "Give it a name.")
            return False
        return not self.has_control(path, name)

    def has_control(self, path: Path, text: str) -> bool:
        """Report control characters, which neither a header nor an address can carry."""
        if text.isprintable() or not _CONTROL.search(text):
            return False
        self.error(path, "control-character", "it holds a control character, such as a line break; take it out.")
        return True

    def text(self, path: Path, text: str, scalar: Scalar = "str") -> str | Template:
        """Give the text, or a Template where variables stand in it; a malformed one is reported."""
        if not text.isprintable() and self.has_control(path, text):
            return text
        if "${" not in text:
            return text
        try:
            found = parse_template(text, self.origin(path), scalar)
        except ValueError as fault:
            self.error(path, "bad-template", f"{fault.args[0]}.", *fault.args[1:])
            return text
        if isinstance(found, Template):
            self.templates += 1
        return found

    def free(self, path: Path, value: object) -> object:
        """Give a free table or value frozen, its variables as Templates; report what JSON has no word for."""
        if is_table(value):
            return self.free_table(path, value)
        if is_list(value):
            return tuple(self.free((*path, place), item) for place, item in enumerate(value))
        if isinstance(value, str):
            return self._free_text(path, value)
        if not isinstance(value, bool | int | float):
            self.error(path, "wrong-type", "a date or time cannot stand here.", "Write it as a text, in quotes.")
        elif isinstance(value, float) and not isfinite(value):
            self.error(path, "out-of-range", "the number must be finite.")
        return value

    def _free_text(self, path: Path, text: str) -> object:
        if not self.variables or "${" not in text:
            return text
        try:
            found = parse_template(text, self.origin(path))
        except ValueError as fault:
            self.error(path, "bad-template", f"{fault.args[0]}.", *fault.args[1:])
            return text
        self.templates += isinstance(found, Template)
        return found

    def free_table(self, path: Path, table: dict[str, object]) -> FrozenDict[str, object]:
        """Give a free table frozen; see `free`."""
        return FrozenDict({key: self.free((*path, key), value) for key, value in table.items()})


def shown(name: str) -> str:
    """Give a name so that no control character reaches a terminal."""
    return _CONTROL.sub("?", name)
