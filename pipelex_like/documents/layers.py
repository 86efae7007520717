"""Read every file of every directory and merge them, the farthest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.documents.chain import follow_extends
from pipelex_like.documents.documents import DocumentName, Documents, RawDocument, SourceFile
from pipelex_like.documents.find import is_file, show_path
from pipelex_like.documents.folder import HEADS
from pipelex_like.documents.keys import split_key
from pipelex_like.documents.locate import key_lines, nearest_line
from pipelex_like.documents.merge import Growing, present_path, rename_keys
from pipelex_like.documents.read import Parsed, read_toml
from pipelex_like.errors import Problem, Severity, did_you_mean, nearest
from pipelex_like.types import dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelex_like.documents.chain import Chain, Layer
    from pipelex_like.documents.documents import Rename
    from pipelex_like.documents.find import Place
    from pipelex_like.documents.folder import Entry
    from pipelex_like.documents.locate import KeyPath
    from pipelex_like.documents.merge import Spellings

_HOMES: dict[DocumentName, str] = {"backends": "backends.toml", "routing": "routing_profiles.toml", "deck": "deck"}


def load_documents(
    place: Place,
    variables: Mapping[str, str],
    kit: Path,
    renames: Sequence[Rename],
    *,
    exclusive: Sequence[tuple[str, str]] = (),
    texts: Mapping[Path, str] | None = None,
) -> tuple[Documents, list[Problem]]:
    """Read and merge the configuration of `place` and all that it inherits, for the environment PIPELEX_ENV.

    `exclusive` are pairs of keys of a deck's tables of which the nearer file's takes the other away. `texts` stand
    in place of what their files hold, which need not exist yet: this is the configuration as it would be. Whatever
    the files hold, problems are returned, with their lines, and never raised; what could be read is merged.
    """
    loading = _Loading(
        place=place,
        kit=kit,
        environment=variables.get("PIPELEX_ENV"),
        exclusive=exclusive,
        texts=texts,
        spellings=_spellings(renames),
    )
    chain = follow_extends(place, variables, kit, loading.show, texts=texts)
    loading.problems += chain.problems
    loading.unread += chain.broken
    for number, layer in enumerate(chain.layers):
        loading.read_layer(layer, number)
    loading.check_orphans()
    return loading.documents(chain), loading.problems


@dataclass(slots=True, kw_only=True)
class _Loading:
    """One run: the documents as far as they have grown, and what was found on the way."""

    place: Place
    kit: Path
    environment: str | None
    exclusive: Sequence[tuple[str, str]]
    texts: Mapping[Path, str] | None
    spellings: Mapping[DocumentName, Spellings]
    growing: dict[tuple[DocumentName, str], Growing] = field(default_factory=dict[tuple[DocumentName, str], Growing])
    files: list[SourceFile] = field(default_factory=list[SourceFile])
    names: set[tuple[DocumentName, str]] = field(default_factory=set[tuple[DocumentName, str]])
    suffixes: set[str] = field(default_factory=set[str])
    orphans: list[Entry] = field(default_factory=list["Entry"])
    problems: list[Problem] = field(default_factory=list[Problem])
    unread: list[str] = field(default_factory=list[str])

    def show(self, path: Path) -> str:
        return show_path(path, self.place, self.kit)

    def read_layer(self, layer: Layer, number: int) -> None:
        self.problems += layer.listing.problems
        self.unread += [problem.file for problem in layer.listing.problems]
        self.problems += [self._stranger(path, layer.directory) for path in layer.listing.strangers]
        self.names |= {(entry.document, entry.name) for entry in layer.listing.entries if entry.environment is None}
        head = layer.directory / "backends.toml"
        for entry in layer.listing.entries:
            if entry.environment is not None and (entry.document, entry.name) not in self.names:
                self.orphans.append(entry)
                continue
            if entry.environment is not None:
                self.suffixes.add(entry.environment)
            if entry.environment in (None, self.environment):
                self._read(entry, number, layer.head if entry.path == head else None)

    def _read(self, entry: Entry, layer: int, known: Parsed | Problem | None) -> None:
        shown = self.show(entry.path)
        parsed = known or read_toml(entry.path, shown, self.texts)
        if isinstance(parsed, Problem):
            self.problems.append(parsed)
            self.unread.append(shown)
            return
        data = parsed.data
        spellings = self.spellings.get(entry.document, ())
        renamed, doubled = rename_keys(data, spellings)
        file = SourceFile(
            path=entry.path,
            shown=shown,
            layer=layer,
            order=len(self.files),
            environment=entry.environment,
            text=parsed.text,
            renamed=renamed,
        )
        self.files.append(file)
        for path in doubled:
            self._report(file, path, "both-spellings", _both(path, spellings))
        self._extends(entry, file, data)
        growing = self._growing(entry)
        self._unset(growing, file, data, spellings)
        growing.lay(data, file)

    def _growing(self, entry: Entry) -> Growing:
        name = entry.name if entry.document == "specs" else ""
        exclusive = self.exclusive if entry.document == "deck" else ()
        return self.growing.setdefault((entry.document, name), Growing(exclusive))

    def _extends(self, entry: Entry, file: SourceFile, data: dict[str, object]) -> None:
        if "extends" not in data or is_table(data["extends"]):
            return
        del data["extends"]
        if entry.name != "backends" or entry.document != "backends" or entry.environment is not None:
            message = "a directory says what it inherits in its backends.toml and nowhere else; move this line there"
            self._report(file, ("extends",), "misplaced-extends", message)

    def _unset(self, growing: Growing, file: SourceFile, data: dict[str, object], spellings: Spellings) -> None:
        if "unset" not in data or is_table(data["unset"]):
            return
        wanted = data.pop("unset")
        if not is_list(wanted):
            message = "expected a list of keys in quotes, such as ['profiles.hybrid.routes.\"gpt-*\"']"
            self._report(file, ("unset",), "wrong-type", message)
            return
        for at, item in enumerate(wanted):
            path = split_key(item) if isinstance(item, str) else None
            if path is None:
                message = f"{item!r} is no dotted TOML key" if isinstance(item, str) else "expected a key in quotes"
                self._report(file, ("unset", at), "bad-key", f'{message}; write names with other signs as "name"')
            elif not growing.take_away(path) and not growing.take_away(present_path(path, spellings)):
                hint = _suggest(str(item), path, growing) or "Take it out of the list."
                message = f"there is no {item} to take away."
                self._report(file, ("unset", at), "unknown-key", message, hint=hint, severity="warning")

    def _report(
        self,
        file: SourceFile,
        path: KeyPath,
        code: str,
        message: str,
        *,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        written = file.as_written(path)
        line = nearest_line(key_lines(file.text), written)
        self.problems.append(
            Problem(
                severity=severity,
                code=code,
                file=file.shown,
                line=line,
                key=dotted(written),
                path=written,
                message=message,
                hint=hint,
            )
        )

    def _stranger(self, path: Path, directory: Path) -> Problem:
        known = [f"{name}.toml" for name in HEADS] + ["backends", "deck"]
        hint = did_you_mean(path.name, known) if path.parent == directory else ""
        message = "nothing reads this here: decks stand in deck/, spec files in backends/, both without folders inside."
        return Problem(severity="warning", code="unknown-file", file=self.show(path), message=message, hint=hint)

    def check_orphans(self) -> None:
        """Judge the files that no NAME.toml stands beside: an error if they are meant for a known environment."""
        routing = self.growing.get(("routing", ""), Growing()).data.get("environments")
        environments = set(routing) if is_table(routing) else set[str]()
        for entry in self.orphans:
            meant = entry.environment == self.environment or entry.environment in environments
            self.problems.append(self._orphan(entry, "error" if meant else "warning"))

    def _orphan(self, entry: Entry, severity: Severity) -> Problem:
        known = [name for document, name in self.names if document == entry.document]
        near = nearest(entry.name, known, count=1)
        return Problem(
            severity=severity,
            code="unknown-file" if severity == "warning" else "misnamed-environment-file",
            file=self.show(entry.path),
            message=f'this is not read: its name says "{entry.name}.toml in the environment {entry.environment}", but '
            f"there is no {entry.name}.toml beside it or in an inherited directory.",
            hint=f'Did you mean "{near[0]}.{entry.environment}.toml"?' if near else "",
        )

    def documents(self, chain: Chain) -> Documents:
        """Give what was read."""
        return Documents(
            place=self.place,
            layers=tuple(layer.directory for layer in chain.layers),
            backends=self._raw("backends"),
            specs={name: self._raw("specs", name) for document, name in self.growing if document == "specs"},
            routing=self._raw("routing"),
            deck=self._raw("deck"),
            files=tuple(self.files),
            has_deck=any(document == "deck" for document, _ in self.names),
            environment=self.environment,
            environment_files=self._environment_files(),
            unread=tuple(self.unread),
        )

    def _environment_files(self) -> frozenset[str]:
        name = self.environment
        own = {name} if name and is_file(self.place.root / f".env.{name}") else set[str]()
        return frozenset(self.suffixes | own)

    def _raw(self, document: DocumentName, name: str = "") -> RawDocument:
        grown = self.growing.get((document, name), Growing())
        home = _HOMES.get(document, f"backends/{name}.toml")
        return RawDocument(grown.data, grown.sources, self.show(self.place.directory / home))


def _spellings(renames: Sequence[Rename]) -> dict[DocumentName, Spellings]:
    """Group the renames by document and table, outer tables first, so that a table is walked to once."""
    grouped: dict[DocumentName, dict[tuple[str, ...], dict[str, str]]] = {}
    for rename in renames:
        grouped.setdefault(rename.document, {}).setdefault(rename.table, {})[rename.old] = rename.new
    return {
        document: tuple(sorted(tables.items(), key=lambda item: len(item[0]))) for document, tables in grouped.items()
    }


def _both(path: KeyPath, spellings: Spellings) -> str:
    old = str(path[-1])
    new = next(names[old] for _, names in spellings if old in names)
    return f'"{old}" is the older spelling of "{new}"; keep one of the two'


def _suggest(written: str, path: tuple[str, ...], growing: Growing) -> str:
    known = [dotted(beside) for beside in growing.keys_beside(path)]
    quoted = dotted((written,))
    if quoted in known:
        return f"A name with a dot stands in quotes: '{quoted}'."
    near = nearest(dotted(path), known, count=1)
    return f"Did you mean '{near[0]}'?" if near else ""
