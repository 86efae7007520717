"""Where each key and value of a TOML text stands, to the character, so that a word can be exchanged in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelex_like.documents.keys import split_key
from pipelex_like.documents.locate import Scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.documents.locate import KeyPath

_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: one part of a key, a value, a whole pair, or a table's header with its brackets."""

    what: Literal["key", "value", "pair", "header"]
    path: KeyPath
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of a text that another takes the place of."""

    start: int
    end: int
    text: str


def spans_of(text: str) -> list[Span]:
    """Give the pieces of a valid TOML text, a pair after what is in it; list positions are numbers in the paths."""
    scan = _Spans(text)
    scan.document()
    return scan.found


def with_edits(text: str, edits: Iterable[Edit]) -> str:
    """Give the text with all edits done; none may overlap another."""
    for edit in sorted(edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


class _Spans(Scan):
    """A scan that keeps the pieces, of keys each part."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.found: list[Span] = []
        self._latest = 0
        self._reached: KeyPath = ()

    def _header(self, brackets: int) -> KeyPath:
        start = self.at
        path = super()._header(brackets)
        self._note_parts(self._latest, path)
        self.found.append(Span("header", path, start, self.at))
        return path

    def _pair(self, path: KeyPath) -> None:
        start = self.at
        super()._pair(path)
        reached = self._reached
        self._note_parts(start, reached, len(path))
        self.found.append(Span("pair", reached, start, self._ended(self.at)))

    def _keys(self) -> tuple[str, ...]:
        self._latest = self.at
        return super()._keys()

    def _value(self, path: KeyPath) -> None:
        start = self.at
        super()._value(path)
        self._reached = path
        self.found.append(Span("value", path, start, self._ended(self.at)))

    def _ended(self, end: int) -> int:
        """A plain value is scanned with the spaces behind it."""
        return len(self.text[:end].rstrip()) if self.text[end - 1 : end].isspace() else end

    def _note_parts(self, at: int, path: KeyPath, depth: int = 0) -> None:
        """Note the parts of the key that begins there, from `depth` on in the path; numbers stand in no key."""
        for place in range(depth, len(path)):
            if isinstance(path[place], int):
                continue
            part = _PART.search(self.text, at)
            if part is None or split_key(part.group()) != (path[place],):
                raise ValueError("it is written in a way that cannot be followed")
            self.found.append(Span("key", path[: place + 1], part.start(), part.end()))
            at = part.end()
