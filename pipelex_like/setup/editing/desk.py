"""Where one configuration is edited: drafts, what they would do, and writing them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import Place, find_directory, line_of
from pipelex_like.documents.find import FOLDER, HOLDER, show_path, tidy
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.changes import BOM, Change, new_problems, rewritten, write_all
from pipelex_like.setup.editing.outlook import Outlook, outlook
from pipelex_like.setup.editing.toml_text import drop, put
from pipelex_like.types import dotted, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipelex_like.documents import RawDocument, SourceFile

Keys = tuple[str, ...]

EXTENDING = 'extends = "pipelex_like"\n'
"""The backends.toml of a directory that has all of the kit and writes only what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One edit: what was done to which key of which file, and the line on which it stands then."""

    text: str
    file: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Desk:
    """Edits of one directory, as drafts until `write`. `notes` are sentences for whoever asked for them."""

    place: Place
    environ: Mapping[str, str]
    before: Outlook
    profile: str | None = None
    env_file: Path | None = None
    drafts: dict[Path, Change] = field(default_factory=dict[Path, Change])
    notes: list[str] = field(default_factory=list[str])
    _done: list[tuple[str, Path, Keys]] = field(default_factory=list[tuple[str, Path, Keys]])

    @classmethod
    def open(
        cls,
        config_dir: Path | None,
        environ: Mapping[str, str],
        *,
        profile: str | None = None,
        env_file: Path | None = None,
    ) -> Desk:
        """Find the directory to edit; where there is none, draft `.pipelex/inference`, which extends the kit.

        Raises ConfigError where a named directory does not exist or is the packaged kit itself.
        """
        cwd = tidy(Path.cwd())
        place = find_directory(config_dir, environ, cwd, KIT)
        drafts: dict[Path, Change] = {}
        notes: list[str] = []
        if place.directory.is_relative_to(KIT):
            if not place.chosen_by.startswith("the packaged kit"):
                raise _packaged(place.directory)
            place = Place(directory=cwd / HOLDER / FOLDER, root=cwd, chosen_by="made anew", cwd=cwd)
            head = place.directory / "backends.toml"
            drafts[head] = Change(path=head, before=None, after=EXTENDING)
            notes.append(f"there is no configuration of your own yet: {HOLDER}/{FOLDER} is made, which extends the kit")
        before = outlook(place, tuple(drafts.values()), environ, profile=profile, env_file=env_file)
        desk = cls(place=place, environ=environ, before=before, profile=profile, env_file=env_file)
        desk.drafts, desk.notes = drafts, notes
        return desk

    @property
    def changes(self) -> tuple[Change, ...]:
        """The files that would differ."""
        return tuple(change for change in self.drafts.values() if change) if self._done else ()

    @property
    def done(self) -> tuple[Done, ...]:
        """The edits in their order."""
        return tuple(
            Done(text=text, file=self.show(path), line=line_of(self.drafts[path].after, keys) if keys else None)
            for text, path, keys in self._done
        )

    def put(self, path: Path, keys: Keys, value: object, text: str) -> None:
        """Draft `value` at `keys` of a file, told as `text`."""
        self._rewrite(path, lambda old: put(old, keys, value))
        self._done.append((text, path, keys))

    def done_as(self, text: str, path: Path, keys: Keys) -> None:
        """Tell what was done to that file as one thing."""
        self._done = [*(step for step in self._done if step[1] != path), (text, path, keys)]

    def drop(self, path: Path, keys: Keys, text: str) -> None:
        """Draft a file without what stands at `keys`, told as `text`."""
        line = line_of(self._text(path), keys)
        self._rewrite(path, lambda old: drop(old, keys))
        self._done.append((text if line is None else f"{text} (line {line})", path, ()))

    def _text(self, path: Path) -> str:
        drafted = self.drafts.get(path)
        return drafted.after if drafted else rewritten(path, lambda text: text).after

    def _rewrite(self, path: Path, edit: Callable[[str], str]) -> None:
        drafted = self.drafts.get(path)
        self.drafts[path] = rewritten(path, edit, drafted=drafted)

    def standing(self, document: RawDocument, keys: Keys) -> tuple[SourceFile, Keys] | None:
        """Give the file of this very directory that has the last word on what stands at `keys`, and the keys as
        they are spelled there; None where the directory itself says nothing about it."""
        own = len(self.before.loaded.documents.layers) - 1
        depth = len(keys)
        found = [file for path, file in document.sources.items() if path[:depth] == keys and len(path) > depth]
        if stands(document.data, keys) and (source := document.source(keys)) is not None:
            found.append(source)
        last = max((file for file in found if file.layer == own), key=lambda file: file.order, default=None)
        if last is None:
            return None
        return last, tuple(str(key) for key in last.as_written(keys))

    def files(self, folder: str) -> list[SourceFile]:
        """Give the files of this very directory's `folder` that count here and now, the last word last."""
        inside = self.place.directory / folder
        return [file for file in self.before.loaded.documents.files if file.path.parent == inside]

    def value_in(self, path: Path, keys: Keys) -> object:
        """Give what one file, as drafted, has at `keys`; None where it says nothing."""
        value: object = tomllib.loads(self._text(path).removeprefix(BOM))
        for key in keys:
            value = value.get(key) if is_table(value) else None
        return value

    def after(self, profile: str | None = None) -> Outlook:
        """Give what a load would give with the drafts, under another profile if one is named."""
        return outlook(self.place, self.changes, self.environ, profile=profile or self.profile, env_file=self.env_file)

    def outdone(self, after: Outlook) -> list[str]:
        """Tell of each edit that another file takes the effect from."""
        documents = after.loaded.documents
        found: list[str] = []
        for path, keys in self._written():
            held = documents.deck if path.parent.name == "deck" else documents.backends
            held = documents.routing if path.name.startswith("routing_profiles") else held
            nearer = held.source(keys) if stands(held.data, keys) else None
            if nearer is not None and nearer.path != path:
                line = documents.line(nearer.shown, keys)
                found.append(f"{nearer.shown}:{line} has the last word on {dotted(keys)}: the edit has no effect")
        return found

    def _written(self) -> Iterator[tuple[Path, Keys]]:
        """Give the keys that were set; a table that was set may be laid over another, so each of its own."""
        for _, path, keys in self._done:
            value = self.value_in(path, keys) if keys else None
            if is_table(value):
                yield from ((path, (*keys, key)) for key in value)
            elif keys:
                yield path, keys

    def refusals(self, after: Outlook) -> list[Problem]:
        """Give the errors that the drafts would bring in."""
        return new_problems(self.before.problems, after.problems)

    def write(self) -> None:
        """Write all drafts; ConfigError, and nothing written, where somebody else changed a file meanwhile."""
        write_all(self.changes)

    def show(self, path: Path) -> str:
        """Name a file for people."""
        return show_path(path, self.place, KIT)


def stands(data: object, keys: Keys) -> bool:
    """Whether tables within tables have something at `keys`."""
    for key in keys:
        if not is_table(data) or key not in data:
            return False
        data = data[key]
    return True


def _packaged(directory: Path) -> ConfigError:
    message = "this is the packaged kit, which comes with the program and goes with its next version."
    hint = "Leave --config-dir away: a directory of your own is made, which extends it."
    return ConfigError(
        [Problem(severity="error", code="packaged-kit", file=str(directory), message=message, hint=hint)]
    )
