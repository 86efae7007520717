"""Counts of tokens as providers report them, believed only as far as they can be."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, isfinite
from typing import TYPE_CHECKING

from pipelex_like.types import EMPTY, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Usage

# A hundred times the largest context window there is.
_MOST = 10**9
_MOST_DIGITS = 15
_OF_INPUT = (
    *("cached_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    *("input_audio_tokens", "input_image_tokens"),
)
_OF_OUTPUT = ("reasoning_tokens", "output_audio_tokens", "output_image_tokens")


class Counts:
    """Reads counts, and remembers in `odd` whether one could not be believed."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self.table = table
        self.odd = False

    @classmethod
    def inside(cls, table: Mapping[str, object], *names: str) -> Counts:
        """Read the table under the first of the names that holds one; an empty one if none does."""
        found = next((table[name] for name in names if is_table(table.get(name))), None)
        counts = cls(found if is_table(found) else EMPTY)
        counts.odd = found is None and any(table.get(name) is not None for name in names)
        return counts

    def first(self, *names: str) -> int | None:
        """Give the count under the first of the names that is there, or None."""
        for name in names:
            value = self.table.get(name)
            if value is not None:
                return self._count(value)
        return None

    def summed(self, lists: str, name: str, *, where: str, equals: str) -> int:
        """Add up the counts under `name` in those tables of a list whose `where` is `equals`."""
        found = self.table.get(lists)
        tables = [Counts(one) for one in found if is_table(one)] if is_list(found) else []
        chosen = [one for one in tables if one.table.get(where) == equals]
        total = sum(one.first(name) or 0 for one in chosen)
        self.odd = self.odd or any(one.odd for one in chosen)
        return total

    def _count(self, value: object) -> int | None:
        number = value
        if isinstance(value, str):
            text = value.strip()
            readable = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
            number, self.odd = int(text) if readable else None, True
        if isinstance(number, float) and isfinite(number):
            self.odd = self.odd or not number.is_integer()
            number = ceil(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MOST:
            self.odd = True
            return None
        return number


def fitted(usage: Usage) -> Usage:
    """Give the usage with parts that fit into their wholes: what there is no room for is cut off, and marked."""
    cut = {**_cut(usage, usage.input_tokens, _OF_INPUT), **_cut(usage, usage.output_tokens, _OF_OUTPUT)}
    return replace(usage, **cut, estimated=True) if cut else usage


def _cut(usage: Usage, room: int, names: tuple[str, ...]) -> dict[str, int]:
    cut: dict[str, int] = {}
    for name in names:
        count: int = getattr(usage, name)
        if count > room:
            count = cut[name] = room
        room -= count
    return cut
