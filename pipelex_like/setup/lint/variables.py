"""What is wrong with variables although they can be read: continued lines, keys that were never filled in."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from pipelex_like.deck import Template
from pipelex_like.documents.find import expand, home_of
from pipelex_like.documents.read import read_text
from pipelex_like.errors import Problem
from pipelex_like.setup.placeholders import looks_like_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipelex_like.deck import BackendSpec, BoundDeck, SdkKey
    from pipelex_like.engine.load import Loaded


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line `NAME=value` of a `.env` file."""

    file: str
    line: int
    name: str
    value: str
    quoted: bool


def lint_variables(loaded: Loaded, deck: BoundDeck) -> Iterator[Problem]:
    """Give the findings on `.env` files and on the keys of backends. No value is ever told."""
    entries = [entry for file in _files(loaded) for entry in _entries(*file)]
    for entry in entries:
        if entry.value.endswith("\\") and not entry.quoted:
            yield Problem(
                severity="warning",
                code="env-continuation",
                file=entry.file,
                line=entry.line,
                key=entry.name,
                message="the backslash at the end continues nothing: the next line is read by itself.",
                hint="Write the value on one line, or in double quotes, where it may go over several.",
            )
    yield from _lint_keys(loaded, deck, entries)


def _files(loaded: Loaded) -> Iterator[tuple[Path, str]]:
    named, root = str(loaded.source.env_file or "").strip(), loaded.place.root
    environment = loaded.variables.get("PIPELEX_ENV")
    yield (expand(named, home_of(loaded.variables)), named) if named else (root / ".env", ".env")
    if environment:
        yield root / f".env.{environment}", f".env.{environment}"


def _entries(path: Path, shown: str) -> Iterator[_Entry]:
    text = read_text(path, shown) if path.is_file() else ""
    if not isinstance(text, str):
        return  # told by whoever needed the values
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        if binding.key is not None and binding.value is not None:
            line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            quoted = written.partition("=")[2].lstrip()[:1] in ("'", '"')
            yield _Entry(shown, line, binding.key, binding.value, quoted)


def _lint_keys(loaded: Loaded, deck: BoundDeck, entries: Sequence[_Entry]) -> Iterator[Problem]:
    told: set[str] = set()
    for name, backend in deck.deck.backends.items():
        if backend.enabled is False:
            continue
        for key in _secret_keys(backend, deck):
            value = backend.keys.get(key.name, key.template)
            if isinstance(value, str) and key.name in backend.keys and looks_like_placeholder(value):
                origin = backend.where(key.name)
                yield Problem(
                    severity="warning",
                    code="placeholder-key",
                    file=origin.file,
                    key=origin.key,
                    path=origin.path,
                    message=f'what stands here for the key of "{name}" looks like a placeholder.',
                    hint=f'Put the key into .env and write "${{NAME}}" here. {_where(backend)}'.rstrip(),
                )
            elif isinstance(value, Template):
                for variable in _variables(value):
                    held = loaded.variables.get(variable)
                    if held is not None and variable not in told and looks_like_placeholder(held):
                        told.add(variable)
                        yield _placeholder(variable, held, backend, entries)


def _secret_keys(backend: BackendSpec, deck: BoundDeck) -> Iterator[SdkKey]:
    seen: set[str] = set()
    for sdk in backend.sdks:
        for key in deck.deck.sdks[sdk].keys if sdk in deck.deck.sdks else ():
            if key.secret and key.name not in seen:
                seen.add(key.name)
                yield key


def _variables(template: Template) -> Iterator[str]:
    for slot in template.slots:
        yield from (name.name for name in slot.names if name.source == "env")


def _placeholder(variable: str, held: str, backend: BackendSpec, entries: Sequence[_Entry]) -> Problem:
    entry = next((entry for entry in reversed(entries) if entry.name == variable and entry.value == held), None)
    return Problem(
        severity="warning",
        code="placeholder-key",
        file="(environment)" if entry is None else entry.file,
        line=None if entry is None else entry.line,
        key=variable,
        message=f'this key of "{backend.name}" looks like a placeholder: calls will be refused.',
        hint=f"Put the real key in its place; an empty value counts as not set. {_where(backend)}".rstrip(),
    )


def _where(backend: BackendSpec) -> str:
    return f"Get a key at {backend.key_url}." if backend.key_url else ""
