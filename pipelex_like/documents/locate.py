"""Find the line on which a key or a list's element stands. tomllib gives no places, so the text is scanned once."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from pipelex_like.documents.keys import DOTTED, split_key

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""{1,3}'
    r"|'''.*?'''{1,3}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def line_of(text: str, path: KeyPath) -> int | None:
    """Give the line (from 1) of the key, list element or table at `path`, or of the nearest one around it.

    None where the text is no TOML or nothing of the path stands in it.
    """
    try:
        tomllib.loads(text.removeprefix("\ufeff"))
        return nearest_line(key_lines(text), path)
    except (ValueError, RecursionError):
        return None


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Give the line of the longest beginning of `path` that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def key_lines(text: str) -> dict[KeyPath, int]:
    """Give the line of everything in a valid TOML text; `a` of `[a.b]`, if written nowhere, has that line too."""
    scan = Scan(text.removeprefix("\ufeff"))
    scan.document()
    return scan.implied | scan.written


class _LostError(ValueError):
    """The text is not the TOML it was taken for."""


class Scan:
    """One pass over a text; `at` only moves forward, and so does the count of lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.written: dict[KeyPath, int] = {}
        self.implied: dict[KeyPath, int] = {}
        self._elements: dict[KeyPath, int] = {}
        self._counted = 0
        self._line = 1

    def document(self) -> None:
        """Go through the whole text."""
        here: KeyPath = ()
        while self._next():
            if self.text.startswith("[[", self.at):
                here = self._header(2)
            elif self.text.startswith("[", self.at):
                here = self._header(1)
            else:
                self._pair(here)

    def _header(self, brackets: int) -> KeyPath:
        line = self._here()
        self.at += brackets
        self._next()
        *outer, last = self._keys()
        self._next()
        self.at += brackets
        path: KeyPath = ()
        for key in outer:
            path += (key,)
            self.implied.setdefault(path, line)
            if path in self._elements:
                path += (self._elements[path] - 1,)
        path += (last,)
        self.written.setdefault(path, line)
        if brackets == 1:
            return path
        index = self._elements.get(path, 0)
        self._elements[path] = index + 1
        self.written[(*path, index)] = line
        return (*path, index)

    def _pair(self, path: KeyPath) -> None:
        line = self._here()
        for key in self._keys():
            path += (key,)
            self.implied.setdefault(path, line)
        self.written.setdefault(path, line)
        self._next()
        self.at += 1
        self._next()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        match self.text[self.at : self.at + 1]:
            case "[":
                self._list(path)
            case "{":
                self._inline(path)
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_SCALAR)

    def _list(self, path: KeyPath) -> None:
        index = 0
        while not self._closes("]"):
            self.written[(*path, index)] = self._here()
            self._value((*path, index))
            index += 1

    def _inline(self, path: KeyPath) -> None:
        while not self._closes("}"):
            self._pair(path)

    def _closes(self, bracket: str) -> bool:
        """Step over the opening bracket or a comma; say whether the closing one follows, and step over it too."""
        self._next()
        if self.text[self.at : self.at + 1] in ("[", "{", ","):
            self.at += 1
            self._next()
        if not self.text.startswith(bracket, self.at):
            return False
        self.at += 1
        return True

    def _keys(self) -> tuple[str, ...]:
        keys = split_key(self._take(DOTTED))
        if keys is None:
            raise _LostError
        return keys

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _LostError
        self.at = found.end()
        return found.group()

    def _next(self) -> bool:
        """Move to what comes next, over spaces, line ends and comments; False at the end of the text."""
        self._take(_SPACE)
        return self.at < len(self.text)

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
