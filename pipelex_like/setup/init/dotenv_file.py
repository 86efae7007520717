"""Put variables into a `.env` file: every line that stands there stays, and what is written reads back exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.changes import BOM, Change, read_exactly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dotenv.parser import Binding

HIDDEN = "***"
OWNER_ONLY = 0o600
OTHERS = 0o077

_BARE = re.compile(r"[A-Za-z0-9_./:+=@%,-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HEAD = re.compile(r"(\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+))([^\S\r\n]*=[^\S\r\n]*)?")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_TAIL = re.compile(r"(?:\s+#[^\r\n]*|[^\S\r\n]*)(?:\r\n|\n|\r|\Z)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable to write; `value` empty: a line to fill in. `comment` goes above a line that is new."""

    name: str
    value: str = field(default="", repr=False)
    comment: str = ""


def changed_env(path: Path, entries: Sequence[Entry], opening: str = "") -> Change:
    """Give the file with the variables in it; a file that is made begins with the comment `opening`.

    A line that names the variable is filled in, else one is added at the end. An entry without a value adds its
    line only where the file does not name it. Raises ConfigError for a file that is no UTF-8.
    """
    before = read_exactly(path)
    after = with_entries(before, entries)
    if before is None and opening:
        after = f"# {opening}\n" + (f"\n{after}" if after else "")
    return Change(path=path, before=before, after=after)


def with_entries(text: str | None, entries: Sequence[Entry]) -> str:
    """Give the text with the variables in it. Raises ConfigError where they would not be read back from it."""
    mark = BOM if text is not None and text.startswith(BOM) else ""
    body = (text or "").removeprefix(BOM)
    bindings = _bindings(body)
    parts = [binding.original.string for binding in bindings]
    held = {binding.key: at for at, binding in enumerate(bindings) if binding.key is not None}
    added: list[Entry] = []
    for entry in entries:
        at = held.get(entry.name)
        if at is None:
            added.append(entry)
        elif entry.value and bindings[at].value != entry.value:
            parts[at] = _filled(bindings[at], entry.value)
    after = _appended("".join(parts), added, "\r\n" if _ends_in_crlf(body) else "\n")
    wanted = values_of(body) | {entry.name: entry.value for entry in added}
    wanted |= {entry.name: entry.value for entry in entries if entry.value}
    if values_of(after) != wanted:
        message = "a line of this file is written in a way that nothing can be put beside it."
        hint = "Look for a quote that does not end, or add the variables by hand."
        raise ConfigError([Problem(severity="error", code="cannot-edit", file=".env", message=message, hint=hint)])
    return mark + after


def values_of(text: str) -> dict[str, str]:
    """Give what python-dotenv reads out of a text, without interpolation."""
    return {binding.key: binding.value or "" for binding in _bindings(text.removeprefix(BOM)) if binding.key}


def quoted(value: str) -> str:
    """Write a value so that python-dotenv reads back exactly it."""
    if not value or _BARE.match(value):
        return value
    if _CONTROL.search(value):
        return '"' + "".join(_ESCAPES.get(sign, sign) for sign in value) + '"'
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def shown_diff(change: Change, name: str) -> str:
    """Give the lines that differ, without a value and without what stands around them."""
    before, after = (text.splitlines(keepends=True) for text in (change.before or "", change.after))
    old, new = (_masked(text) for text in (change.before or "", change.after))
    lines = [f"--- {name if change.before is not None else '/dev/null'}\n", f"+++ {name}\n"]
    for kind, i, j, k, m in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if kind != "equal":
            lines.append(f"@@ -{i + 1},{j - i} +{k + 1},{m - k} @@\n")
            lines += [f"-{line}\n" for line in old[i:j]] + [f"+{line}\n" for line in new[k:m]]
    return "".join(lines) if change else ""


def _bindings(body: str) -> list[Binding]:
    return list(parse_stream(StringIO(body)))


def _filled(binding: Binding, value: str) -> str:
    """Put another value in the place of a line's own; a comment behind it stays."""
    line = binding.original.string
    head = _HEAD.match(line)
    if head is None:
        return line
    equals, rest = head[2] or "=", line[head.end() :]
    own = _QUOTED.match(rest)
    if own is not None:
        tail = rest[own.end() :]
    elif rest.startswith("#") and not binding.value:
        tail = f" {rest}"
    else:
        found = _TAIL.search(rest)
        tail = rest[found.start() :] if found else ""
    return f"{head[1]}{equals}{quoted(value)}{tail}"


def _appended(text: str, entries: Sequence[Entry], end: str) -> str:
    lines: list[str] = []
    for entry in entries:
        lines += [f"# {entry.comment}"] if entry.comment else []
        lines.append(f"{entry.name}={quoted(entry.value)}")
    if not lines:
        return text
    if text and not text.endswith(("\n", "\r")):
        text += end
    if text and entries[0].comment and not text.endswith(end * 2):
        text += end
    return text + "".join(f"{line}{end}" for line in lines)


def _masked(text: str) -> list[str]:
    """Give the text line by line with nothing that may be a secret: names stay, values and old comments do not."""
    shown: list[str] = []
    for binding in _bindings(text.removeprefix(BOM)):
        written = binding.original.string
        for line in written.splitlines():
            head = _HEAD.match(line)
            if not line.strip():
                shown.append("")
            elif binding.key is not None and head is not None and binding.key in head[1]:
                shown.append(f"{head[1].strip()}={HIDDEN if binding.value else ''}")
            elif binding.key is None and line.lstrip().startswith("#"):
                shown.append(line if "=" not in line and not re.search(r"\S{20,}", _without_links(line)) else "# ***")
            else:
                shown.append(HIDDEN)
    return shown


def _without_links(line: str) -> str:
    return re.sub(r"https?://\S+", "", line)


def _ends_in_crlf(body: str) -> bool:
    return "\r\n" in body and body.count("\r\n") == body.count("\n")
