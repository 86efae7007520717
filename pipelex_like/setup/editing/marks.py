"""Where in a TOML text its tables, keys and values begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.documents.locate import Scan

if TYPE_CHECKING:
    from pipelex_like.documents.locate import KeyPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A header, `[a.b]` or an element's `[[a.b]]`, and all up to the next one; the first has no header."""

    path: KeyPath
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A key with its value. `base` is the table in which it was written: the section's, or an inline table's."""

    path: KeyPath
    base: KeyPath
    section: int
    inline: bool
    start: int
    value: int
    end: int


class Marks(Scan):
    """All places of a valid TOML text without byte order mark, in the order of the text.

    `values` has the start and end of every value, elements of lists included.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.sections = [Section(path=(), start=0, end=0)]
        self.pairs: list[Pair] = []
        self.values: dict[KeyPath, tuple[int, int]] = {}
        self._depth = 0
        self._latest: KeyPath = ()
        self.document()

    def _header(self, brackets: int) -> KeyPath:
        start = self.at
        path = super()._header(brackets)
        self.sections.append(Section(path=path, start=start, end=self.at))
        return path

    def _pair(self, path: KeyPath) -> None:
        start = self.at
        self._depth += 1
        super()._pair(path)
        self._depth -= 1
        value, end = self.values[self._latest]
        section, inline = len(self.sections) - 1, self._depth > 0
        self.pairs.append(
            Pair(path=self._latest, base=path, section=section, inline=inline, start=start, value=value, end=end)
        )

    def _value(self, path: KeyPath) -> None:
        start = self.at
        super()._value(path)
        self.values[path] = start, start + len(self.text[start : self.at].rstrip())
        self._latest = path
