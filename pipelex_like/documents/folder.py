"""List the files of one configuration directory in the order in which they are merged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.documents.read import reason_of
from pipelex_like.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pipelex_like.documents.documents import DocumentName

_ENVIRONMENT = re.compile(r"(.+)\.([A-Za-z][A-Za-z0-9_-]*)\Z")
HEADS: dict[str, tuple[DocumentName, int]] = {
    "backends": ("backends", 0),
    "backends_override": ("backends", 1),
    "routing_profiles": ("routing", 0),
    "routing_profiles_override": ("routing", 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A TOML file of the directory: the document it belongs to, and NAME of NAME.toml or NAME.<environment>.toml.

    `rank` is its place among the files of its document that hold in every environment.
    """

    path: Path
    document: DocumentName
    name: str
    rank: int
    environment: str | None = None

    @property
    def order(self) -> tuple[bool, int, str]:
        """What to sort by: an environment's files come last."""
        return self.environment is not None, self.rank, self.name


@dataclass(frozen=True, slots=True)
class Listing:
    """What stands in a directory: files to read, TOML files and folders that have no meaning there, and problems."""

    entries: tuple[Entry, ...]
    strangers: tuple[Path, ...]
    problems: tuple[Problem, ...]


def list_folder(directory: Path, show: Callable[[Path], str], planned: Iterable[Path] = ()) -> Listing:
    """List a configuration directory; only its own folder, `backends/` and `deck/` are looked into. Files that are
    `planned` count as there."""
    entries: list[Entry] = []
    strangers: list[Path] = []
    problems: list[Problem] = []
    for folder in (directory, directory / "backends", directory / "deck"):
        found = {path for path in planned if path.parent == folder}
        try:
            found.update(folder.iterdir())
        except FileNotFoundError:
            pass
        except OSError as error:
            problems.append(_unreadable(folder, error, show))
            continue
        for path in sorted(found):
            entry = None if path.name.startswith(".") else _entry(path, _slot(folder, directory))
            if entry is not None:
                entries.append(entry)
            elif not path.name.startswith(".") and _is_strange(path, folder == directory):
                strangers.append(path)
    return Listing(tuple(sorted(entries, key=lambda entry: entry.order)), tuple(strangers), tuple(problems))


def _slot(folder: Path, directory: Path) -> str:
    return "" if folder == directory else folder.name


def _entry(path: Path, slot: str) -> Entry | None:
    if path.suffix != ".toml":
        return None
    suffixed = _ENVIRONMENT.match(path.stem)
    name, environment = (suffixed[1], suffixed[2]) if suffixed else (path.stem, None)
    match slot:
        case "backends":
            return Entry(path=path, document="specs", name=name, rank=0, environment=environment)
        case "deck":
            return Entry(path=path, document="deck", name=name, rank=_deck_rank(name), environment=environment)
        case _ if name in HEADS:
            document, rank = HEADS[name]
            return Entry(path=path, document=document, name=name, rank=rank, environment=environment)
        case _:
            return None


def _deck_rank(name: str) -> int:
    if name.startswith("base"):
        return 0
    return 2 if name == "overrides" or name.startswith("x_custom") else 1


def _is_strange(path: Path, at_top: bool) -> bool:
    """Whether someone may believe that this is read: a TOML file, or a folder with one."""
    if path.suffix.lower() == ".toml":
        return True
    if at_top and path.name in ("backends", "deck"):
        return False
    try:
        return path.is_dir() and any(inner.suffix == ".toml" for inner in path.iterdir())
    except OSError:
        return False


def _unreadable(folder: Path, error: OSError, show: Callable[[Path], str]) -> Problem:
    message = "a file stands where a folder is expected" if isinstance(error, NotADirectoryError) else reason_of(error)
    return Problem(severity="error", code="unreadable", file=show(folder), message=message)
