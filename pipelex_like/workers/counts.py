"""Counts of tokens as providers report them, believed only as far as they can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import EMPTY, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 10**12


class Counts:
    """Reads counts, and remembers in `odd` whether one could not be believed."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self.table = table
        self.odd = False

    @classmethod
    def inside(cls, table: Mapping[str, object], *names: str) -> Counts:
        """Read the table under the first of the names that holds one; an empty one if none does."""
        found = next((table[name] for name in names if is_table(table.get(name))), None)
        return cls(found if is_table(found) else EMPTY)

    def first(self, *names: str) -> int | None:
        """Give the count under the first of the names that is there, or None."""
        for name in names:
            value = self.table.get(name)
            if value is not None:
                return self._count(value)
        return None

    def _count(self, value: object) -> int | None:
        number = value
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
            number, self.odd = int(value), True
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MOST:
            self.odd = True
            return None
        return number
