"""What a migration comes to: the files as they would be, and what is to be said of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import Problem
from pipelex_like.setup.editing.changes import write_all
from pipelex_like.setup.migrate.spans import Edit, spans_of, with_edits
from pipelex_like.specs.backends import declared_keys
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.setup.editing.changes import Change

Form = Literal["pipelex", "litellm"]
NOT_CARRIED, OTHERWISE, SET, STAYS = "not-carried-over", "carried-otherwise", "set-variable", "stays"
"""Codes of notes: lost; carried over with another meaning; a variable to set; left as it is."""

_HIDDEN = '"***"'
_CREDENTIAL = re.compile(
    r"(?:^|[-_])(?:api_?)?(?:auth|authorization|key|token|secret|cookie|password|credentials?)(?:$|[-_])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A directory as it would be written. `found` says in words what was recognised; `notes` tell what is not, or
    not quite, the same, and which variables to set (`variables`). Nothing is written before `write`."""

    form: Form
    found: str
    source: Path
    target: Path
    changes: tuple[Change, ...]
    notes: tuple[Problem, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Change, ...]:
        """The files that would differ."""
        return tuple(change for change in self.changes if change)

    @property
    def overwrites(self) -> bool:
        """Whether a file that stands there already would differ."""
        return any(change.before is not None for change in self.changed)

    def diff(self) -> str:
        """Give the unified difference of all files, with credentials that stand in them hidden."""
        return "".join(shown_diff(change, self.target) for change in self.changed)

    def write(self) -> None:
        """Write the files, each in one step. Raises ConfigError, and writes none, if one of them was changed
        since they were looked at."""
        write_all(self.changes)


def note(code: str, place: str, key: str, message: str, hint: str = "", *, line: int | None = None) -> Problem:
    """Say something of a migration: a warning for what is lost, a note for the rest."""
    severity = "warning" if code == NOT_CARRIED else "note"
    return Problem(severity=severity, code=code, file=place, key=key, line=line, message=message, hint=hint)


def is_credential(name: str) -> bool:
    """Whether a header or key of that name may hold a secret."""
    return _CREDENTIAL.search(name) is not None


def shown_diff(change: Change, folder: Path) -> str:
    """Give the difference of one file, named from `folder` on, without what may be a secret."""
    from pipelex_like.setup.editing.changes import Change as Shown

    shown = Shown(
        path=change.path,
        before=None if change.before is None else without_secrets(change.before),
        after=without_secrets(change.after),
    )
    name = change.path.relative_to(folder).as_posix() if change.path.is_relative_to(folder) else str(change.path)
    return shown.diff(name)


def without_secrets(text: str) -> str:
    """Give a TOML text with every literal of a credential key, header or address with a password hidden."""
    secret = {name for name, key in declared_keys(sdk_settings()).items() if key.secret}
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix("\ufeff")
    try:
        tomllib.loads(text)
        spans = spans_of(text)
    except (ValueError, RecursionError):
        return "(this is no TOML, so it is not shown)\n"
    edits: list[Edit] = []
    for span in spans:
        raw = text[span.start : span.end]
        if span.what != "value" or raw[:1] not in ("'", '"') or "${" in raw or not span.path:
            continue
        last = str(span.path[-1])
        header = "headers" in span.path[:-1] or last.startswith("x-")
        address = "://" in raw and "@" in raw
        if last in secret or address or (header and is_credential(last)):
            edits.append(Edit(span.start, span.end, _HIDDEN))
    return mark + with_edits(text, edits)
