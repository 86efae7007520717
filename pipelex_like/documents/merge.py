"""Lay one table over another, remembering which file each value came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelex_like.documents.documents import SourceFile
    from pipelex_like.documents.locate import KeyPath

_ABSENT = object()


@dataclass(slots=True)
class Growing:
    """A document while its files are laid over one another.

    `exclusive` are pairs of keys of which the nearer file's drives the other one out. Every table laid on belongs
    to the document from then on and may be changed.
    """

    exclusive: Sequence[tuple[str, str]] = ()
    data: dict[str, object] = field(default_factory=dict[str, object])
    sources: dict[KeyPath, SourceFile] = field(default_factory=dict[tuple[str | int, ...], "SourceFile"])

    def lay(self, table: dict[str, object], source: SourceFile) -> None:
        """Lay a file's table over what is there: its keys come first, tables merge, all else replaces."""
        if self.sources:
            self.data = self._merge(self.data, table, (), source)
        else:
            self.data, self.sources[()] = table, source

    def take_away(self, path: tuple[str, ...]) -> bool:
        """Remove the key at `path`; False if there is none."""
        table: object = self.data
        for key in path[:-1]:
            table = table.get(key) if is_table(table) else None
        if not is_table(table) or path[-1] not in table:
            return False
        del table[path[-1]]
        self._forget(path)
        return True

    def keys_beside(self, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Give the paths that stand at the level where `path` leaves what is there."""
        table = self.data
        for depth, key in enumerate(path):
            inner = table.get(key)
            if not is_table(inner):
                return [(*path[:depth], known) for known in table]
            table = inner
        return []

    def _merge(
        self, old: dict[str, object], new: dict[str, object], path: KeyPath, source: SourceFile
    ) -> dict[str, object]:
        merged: dict[str, object] = {}
        for key, value in new.items():
            before = old.get(key, _ABSENT)
            if is_table(before):
                if is_table(value):
                    merged[key] = self._merge(before, value, (*path, key), source)
                    continue
                self._forget((*path, key))
            merged[key] = value
            self.sources[(*path, key)] = source
        driven_out = self._driven_out(new) if self.exclusive else ()
        for key, value in old.items():
            if key not in merged and key not in driven_out:
                merged[key] = value
        return merged

    def _driven_out(self, new: dict[str, object]) -> list[str]:
        pairs = [pair for one, other in self.exclusive for pair in ((one, other), (other, one))]
        return [other for one, other in pairs if one in new and other not in new]

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.sources if known[: len(path)] == path]:
            del self.sources[known]


Spellings = tuple[tuple[tuple[str, ...], "Mapping[str, str]"], ...]


def rename_keys(data: dict[str, object], spellings: Spellings) -> tuple[dict[KeyPath, str], list[KeyPath]]:
    """Give keys their present names, in place; `spellings` lists tables, outer ones first, with old and new names.

    Returns what was renamed (the new path with the old last key), and the paths, with the old key, of those that
    stand beside the new one; these are taken out.
    """
    renamed: dict[KeyPath, str] = {}
    doubled: list[KeyPath] = []
    for pattern, names in spellings:
        for path, table in _tables(data, pattern):
            if names.keys().isdisjoint(table):
                continue
            items = list(table.items())
            table.clear()
            written = dict(items)
            for key, value in items:
                new = names.get(key)
                if new is None:
                    table[key] = value
                elif new in written or new in table:
                    doubled.append((*path, key))
                else:
                    table[new] = value
                    renamed[(*path, new)] = key
    return renamed, doubled


def present_path(path: tuple[str, ...], spellings: Spellings) -> tuple[str, ...]:
    """Give a path of keys with older spellings replaced."""
    for pattern, names in spellings:
        depth = len(pattern)
        fits = len(path) > depth and all(part in ("*", key) for part, key in zip(pattern, path, strict=False))
        if fits:
            path = (*path[:depth], names.get(path[depth], path[depth]), *path[depth + 1 :])
    return path


def _tables(data: dict[str, object], pattern: tuple[str, ...]) -> Iterable[tuple[KeyPath, dict[str, object]]]:
    """Give the tables at `pattern`; "*" stands for any key or list position."""
    found: list[tuple[KeyPath, object]] = [((), data)]
    for part in pattern:
        found = [((*path, key), value) for path, group in found for key, value in _inside(group, part)]
    return [(path, table) for path, table in found if is_table(table)]


def _inside(group: object, part: str) -> Iterable[tuple[str | int, object]]:
    if is_table(group):
        return group.items() if part == "*" else [(part, group[part])] if part in group else ()
    return enumerate(group) if part == "*" and is_list(group) else ()
