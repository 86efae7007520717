"""What this room hands on: merged tables that know where each of their values was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.documents.locate import key_lines, nearest_line
from pipelex_like.types import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipelex_like.documents.find import Place
    from pipelex_like.documents.locate import KeyPath

DocumentName = Literal["backends", "specs", "routing", "deck"]


@dataclass(frozen=True, slots=True)
class Rename:
    """An older spelling of a key: in the tables at `table` ("*" stands for any key), `old` is read as `new`."""

    document: DocumentName
    table: tuple[str, ...]
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFile:
    """A TOML file that was read.

    `shown` is its name for people, `layer` counts directories from 0, the farthest, `order` files in the order in
    which they were merged. `renamed` maps a path, as it
    is called after renaming, to the older spelling of its last key.
    """

    path: Path
    shown: str
    layer: int
    order: int = 0
    environment: str | None = None
    text: str = field(default="", repr=False)
    renamed: Mapping[KeyPath, str] = field(default_factory=dict[tuple[str | int, ...], str], repr=False)

    def as_written(self, path: KeyPath) -> KeyPath:
        """Give `path` in the spelling that the file itself uses."""
        if not self.renamed:
            return path
        return tuple(self.renamed.get(path[: end + 1], key) for end, key in enumerate(path))


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document, merged from all its files. `sources` names a file where a merge put something in its place:
    the longest beginning of a path that stands there tells where the value at that path was written."""

    data: dict[str, object]
    sources: Mapping[KeyPath, SourceFile] = field(default_factory=dict[tuple[str | int, ...], SourceFile], repr=False)
    shown: str = ""

    def source(self, path: KeyPath) -> SourceFile | None:
        """Give the file in which the value at `path` was written; None for a document that no file gave."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.sources:
                return self.sources[path[:length]]
        return None

    def origin(self, path: KeyPath) -> Origin:
        """Give the place of the value at `path`, its keys spelled as in the file."""
        file = self.source(path)
        return Origin(self.shown, path) if file is None else Origin(file.shown, file.as_written(path))

    def layer(self, path: KeyPath) -> int:
        """Give the directory of the value at `path`: 0 is the farthest."""
        file = self.source(path)
        return 0 if file is None else file.layer

    def order(self, path: KeyPath) -> int:
        """Give the place of the value's file among all that were merged: a later one is nearer to the caller."""
        file = self.source(path)
        return 0 if file is None else file.order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Documents:
    """All that was read. `layers` are the directories, the farthest first; `specs` maps a backend's name to its
    spec file; `files` are in the order in which they were merged.

    `has_deck` says whether any deck file stands in any of the directories. `environment_files` are the environments
    that some file's name ends in, `.env.<PIPELEX_ENV>` among them. `unread` names files and directories
    that could not be read: a name that leads nowhere may have been declared there.
    """

    place: Place
    layers: tuple[Path, ...]
    backends: RawDocument
    specs: dict[str, RawDocument]
    routing: RawDocument
    deck: RawDocument
    files: tuple[SourceFile, ...]
    has_deck: bool
    environment: str | None = None
    environment_files: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    _lines: dict[str, dict[KeyPath, int]] = field(
        default_factory=dict[str, dict[tuple[str | int, ...], int]], init=False, repr=False
    )

    def line(self, file: str, path: KeyPath) -> int | None:
        """Give the line of `path`, or of what stands around it, in the file that is shown as `file`.

        The text is looked through at the first question about it. None for a file that was not read.
        """
        found = next((source for source in self.files if source.shown == file), None)
        if found is None:
            return None
        if file not in self._lines:
            self._lines[file] = key_lines(found.text)
        return nearest_line(self._lines[file], found.as_written(path)) or 1
