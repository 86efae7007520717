"""Read a file: any bytes, and anything that may stand in a file's place, give a text or table, or one Problem."""

from __future__ import annotations

import errno
import re
import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.errors import Problem
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 5_000_000
MAX_DEPTH = 64

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_NEEDS_QUOTES = re.compile(r"""\s*[\w.\-]*[^\s\w.\-\[\]"'#=][^\s\[\]"'#=]*\s*=""")
_PLAIN = frozenset((str, bool, float))
_LONG_NUMBER = re.compile(r"[0-9A-Fa-f_]{17,}")
_REASONS = {
    errno.ENOENT: "there is no such file, or a link leads nowhere",
    errno.EISDIR: "a folder stands where a file is expected",
    errno.ELOOP: "a loop of links stands here",
    errno.EACCES: "this may not be read; check its permissions",
    errno.EPERM: "this may not be read; check its permissions",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A TOML file's text, without its byte order mark, and what it says."""

    text: str = field(repr=False)
    data: dict[str, object] = field(repr=False)


def read_toml(path: Path, shown: str, texts: Mapping[Path, str] | None = None) -> Parsed | Problem:
    """Read and parse a TOML file, or the text that `texts` has in its place; `shown` is its name in a problem."""
    given = None if texts is None else texts.get(path)
    text = read_text(path, shown) if given is None else given.removeprefix("\ufeff")
    if isinstance(text, Problem):
        return text
    try:
        data: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _bad_toml(shown, text, str(error))
    except RecursionError:
        return _too_deep(shown, text)
    except ValueError:
        return _too_long_number(shown, text)
    return _refused(shown, text, data) or Parsed(text, data)


def read_text(path: Path, shown: str, *, pipes: bool = False) -> str | Problem:
    """Read a UTF-8 text of at most 5 MB. With `pipes` a pipe will do as well (`--env-file <(...)`)."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _problem("not-a-file", shown, _REASONS[errno.EISDIR])
        if not stat.S_ISREG(mode) and not (pipes and stat.S_ISFIFO(mode)):
            return _problem("not-a-file", shown, "this is no ordinary file")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return _problem("unreadable", shown, reason_of(error))
    if len(content) > MAX_BYTES:
        return _problem("too-large", shown, "the file is larger than 5 MB and was not read")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _problem("not-utf-8", shown, "the file is not UTF-8 from here on; save it as UTF-8", line)


def reason_of(error: OSError | ValueError) -> str:
    """Say in plain words why a path could not be read."""
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0, f"this cannot be read ({error.strerror or type(error).__name__})")
    return "no file can have such a name"


def _problem(code: str, shown: str, message: str, line: int | None = None, hint: str = "") -> Problem:
    return Problem(severity="error", code=code, file=shown, message=message, line=line, hint=hint)


def _bad_toml(shown: str, text: str, said: str) -> Problem:
    lines = text.splitlines() if "\r" not in text else text.replace("\r\n", "\n").split("\n")
    place = _PLACE.search(said)
    if place is None or place.group(1) is None:
        number, column = max(len(text.rstrip("\n").split("\n")), 1), ""
    else:
        number, column = int(place.group(1)), f", column {place.group(2)}"
    what = _PLACE.sub("", said)
    unquoted = _NEEDS_QUOTES.match(lines[number - 1]) if number <= len(lines) else None
    # The line itself stays out of the message: it may hold a key.
    hint = 'A name with other signs than letters, digits, - and _ stands in quotes: "gpt-*".' if unquoted else ""
    return _problem("bad-toml", shown, f"this is not valid TOML{column}: {what}.", number, hint)


def _refused(shown: str, text: str, data: dict[str, object]) -> Problem | None:
    """Refuse what TOML's grammar allows and nobody means: nesting without end, integers beyond 64 bits."""
    level: list[object] = [data]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for group in level:
            values = group.values() if is_table(group) else group if is_list(group) else ()
            if _PLAIN.issuperset(map(type, values)):
                continue
            for value in values:
                kind = type(value)
                if kind is dict or kind is list:
                    inner.append(value)
                elif kind is int and not _fits(value):
                    return _too_long_number(shown, text)
        if not inner:
            return None
        level = inner
    return _too_deep(shown, text)


def _fits(value: object) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _too_deep(shown: str, text: str) -> Problem:
    depth = 0
    found = 1
    for number, line in enumerate(text.split("\n"), start=1):
        opened = line.count("[") + line.count("{")
        if depth + opened + line.count(".") >= MAX_DEPTH:
            found = number
            break
        depth = max(0, depth + opened - line.count("]") - line.count("}"))
    return _problem("too-deep", shown, f"tables or lists are nested more than {MAX_DEPTH} deep", found)


def _too_long_number(shown: str, text: str) -> Problem:
    longest = max(_LONG_NUMBER.finditer(text), key=lambda found: len(found.group()), default=None)
    line = text.count("\n", 0, longest.start()) + 1 if longest else 1
    return _problem("number-too-large", shown, "this integer does not fit into 64 bits", line)
