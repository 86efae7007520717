"""What is wrong with variables although they can be read: continued lines, keys that were never filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.errors import Problem
from pipelex_like.setup.env_lines import env_files, env_lines
from pipelex_like.setup.placeholders import looks_like_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import BackendSpec, BoundDeck, SdkKey
    from pipelex_like.engine.load import Loaded
    from pipelex_like.setup.env_lines import EnvLine


def lint_variables(loaded: Loaded, deck: BoundDeck) -> Iterator[Problem]:
    """Give the findings on `.env` files and on the keys of backends. No value is ever told."""
    entries = [entry for file in env_files(loaded) for entry in env_lines(*file) or ()]
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


def _lint_keys(loaded: Loaded, deck: BoundDeck, entries: Sequence[EnvLine]) -> Iterator[Problem]:
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


def _placeholder(variable: str, held: str, backend: BackendSpec, entries: Sequence[EnvLine]) -> Problem:
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
