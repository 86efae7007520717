"""The configuration as it would be with changes that nobody has written yet."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import Place, find_directory, load_documents, read_secrets, read_variables
from pipelex_like.documents.find import holder_root, is_folder, tidy
from pipelex_like.engine.load import Bound, Loaded, Source, bind_to
from pipelex_like.errors import ConfigError
from pipelex_like.routing import secret_names
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck, named_sdks
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.errors import Problem
    from pipelex_like.setup.editing.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a load would give: `problems` with warnings and notes; `bound` None where they keep it from loading."""

    loaded: Loaded
    bound: Bound | None
    problems: tuple[Problem, ...]


def check(
    directory: Path, changes: Sequence[Change], environ: Mapping[str, str], *, profile: str | None = None
) -> list[Problem]:
    """Compile and bind the directory as it would be with the changes, without writing: all its problems.

    Variables may be missing: that is a warning. `directory` need not exist yet.
    """
    return list(outlook(place_of(directory, environ), changes, environ, profile=profile).problems)


def outlook(
    place: Place,
    changes: Sequence[Change],
    environ: Mapping[str, str],
    *,
    profile: str | None = None,
    env_file: Path | None = None,
) -> Outlook:
    """Read the directory of `place` with the changes in place of its files, and bind it leniently.

    Only changes of TOML files count; a change of `.env` the caller adds to `environ`.
    """
    loaded = _read(place, {tidy(Path.cwd() / change.path): change.after for change in changes}, environ, env_file)
    try:
        bound = bind_to(loaded, profile)
    except ConfigError as error:
        return Outlook(loaded=loaded, bound=None, problems=error.problems)
    problems = tuple(_judged(problem, bound) for problem in bound.loaded.warnings)
    return Outlook(loaded=loaded, bound=bound, problems=problems)


def place_of(directory: Path, environ: Mapping[str, str]) -> Place:
    """Give the place of a directory that need not exist yet."""
    directory = tidy(Path.cwd() / directory)
    if is_folder(directory):
        return find_directory(directory, environ, Path.cwd(), KIT)
    root = holder_root(directory) or tidy(Path.cwd())
    return Place(directory=directory, root=root, chosen_by="not there yet", cwd=tidy(Path.cwd()))


def _read(place: Place, texts: Mapping[Path, str], environ: Mapping[str, str], env_file: Path | None) -> Loaded:
    variables, problems = read_variables(place.root, environ, env_file)
    documents, faults = load_documents(place, variables, KIT, RENAMES, exclusive=EXCLUSIVE, texts=texts)
    deck, findings = compile_deck(documents, sdks=sdk_settings(named_sdks(documents)), kit_backends=kit_backends)
    secrets, unreadable = read_secrets(secret_names(deck), place.root, variables)
    return Loaded(
        source=Source(config_dir=place.directory, environ=environ, env_file=env_file, lenient=True),
        place=place,
        documents=documents,
        deck=deck,
        variables=variables,
        secrets=secrets,
        variables_complete=all(problem.severity != "error" for problem in (*problems, *unreadable)),
        problems=(*problems, *unreadable, *faults, *findings),
    )


def kit_backends() -> frozenset[str]:
    """Give the names of the packaged backends."""
    return frozenset(tomllib.loads((KIT / "backends.toml").read_text("utf-8")))


def _judged(problem: Problem, bound: Bound) -> Problem:
    """A default that the files themselves switch off is an error, whatever variables are missing."""
    if problem.code != "disabled-default":
        return problem
    held = bound.deck.backends.get(bound.deck.profile.default or "")
    return replace(problem, severity="error") if held is None or held.spec.enabled is False else problem
