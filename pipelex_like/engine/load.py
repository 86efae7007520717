"""From a directory to a deck bound to an environment: every stage's problems, with lines, in one error."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.deck import ModelDeck
from pipelex_like.documents import find_directory, load_documents, read_secrets, read_variables
from pipelex_like.errors import ConfigError, ModelDeckNotFoundError, Problem, sorted_problems
from pipelex_like.routing import Router, bind, secret_names
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck, named_sdks
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import BoundDeck
    from pipelex_like.documents import Documents, Place


_DANGLING = ("LLMHandleNotFoundError", "LLMPresetNotFoundError", "HandleNotFoundError")
_LACKING = ("missing-variable", "incomplete-credentials", "disabled-default", "route-to-disabled-backend")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a configuration comes from; reading it again gives what stands there then."""

    config_dir: str | Path | None = None
    environ: Mapping[str, str] | None = None
    env_file: str | Path | None = None
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDeck(ModelDeck):
    """The deck as the files give it, and what the load has to say about it (`warnings`: notes too)."""

    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was read: the deck, the variables to fill it in with, and the problems so far, without lines.

    `variables_complete` is False where a file of variables or secrets could not be read.
    """

    source: Source
    place: Place
    documents: Documents
    deck: ModelDeck
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    variables_complete: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A deck under one profile, and its router."""

    deck: BoundDeck
    router: Router
    loaded: LoadedDeck


def read(source: Source, place: Place | None = None) -> Loaded:
    """Find, read and compile a configuration, that of `place` if it is given.

    Raises ConfigError where a named directory does not exist.
    """
    environ = os.environ if source.environ is None else source.environ
    place = place or find_directory(source.config_dir, environ, _working_directory(), KIT)
    variables, problems = read_variables(place.root, environ, source.env_file)
    documents, faults = load_documents(place, variables, KIT, RENAMES, exclusive=EXCLUSIVE)
    deck, findings = compile_deck(documents, sdks=sdk_settings(named_sdks(documents)), kit_backends=_kit_backends)
    secrets, unreadable = read_secrets(secret_names(deck), place.root, variables)
    return Loaded(
        source=source,
        place=place,
        documents=documents,
        deck=deck,
        variables=variables,
        secrets=secrets,
        variables_complete=all(problem.severity != "error" for problem in (*problems, *unreadable)),
        problems=(*problems, *unreadable, *faults, *findings),
    )


def bind_to(loaded: Loaded, profile: str | None) -> Bound:
    """Fill in the environment under a profile; None = the one that the environment or the files choose.

    Raises ConfigError with the problems of every stage, if one of them is an error.
    """
    documents = loaded.documents
    deck, findings = bind(
        loaded.deck,
        loaded.variables,
        secrets=loaded.secrets,
        profile=profile,
        lenient=loaded.source.lenient,
        environment_files=documents.environment_files,
    )
    if documents.unread:
        findings = [problem for problem in findings if not _may_stand_in_unread(problem)]
    if not loaded.variables_complete:
        findings = [problem for problem in findings if problem.code not in _LACKING]
    problems = sorted_problems(_with_lines(documents, (*loaded.problems, *findings)))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        absent = any(problem.code == "ModelDeckNotFoundError" for problem in errors)
        raise ModelDeckNotFoundError(problems) if absent else ConfigError(problems)
    contents = {field.name: getattr(loaded.deck, field.name) for field in fields(ModelDeck)}
    return Bound(
        deck=deck, router=Router(deck, locate=documents.line), loaded=LoadedDeck(**contents, warnings=problems)
    )


def _may_stand_in_unread(problem: Problem) -> bool:
    """Whether a name that nothing knows may be in a file that could not be read: that file is the one to blame.

    A name that looks like one we know is a slip of its own, and told all the same.
    """
    return problem.code in _DANGLING and "Did you mean" not in f"{problem.message} {problem.hint}"


def same_files(one: Loaded, other: Loaded) -> bool:
    """Whether both were read from the same texts and variables."""

    def read_from(loaded: Loaded) -> object:
        return loaded.place, [(file.path, file.text) for file in loaded.documents.files], loaded.problems

    return (one.variables, one.secrets, read_from(one)) == (other.variables, other.secrets, read_from(other))


def log_warnings(problems: Iterable[Problem]) -> None:
    """Tell the warnings, not the notes, on the `pipelex_like` logger."""
    warnings = [problem for problem in problems if problem.severity == "warning"]
    if warnings:
        # Late, since a configuration without warnings need not pay for it.
        from logging import getLogger

        for warning in warnings:
            getLogger("pipelex_like").warning("%s", warning)


def _kit_backends() -> frozenset[str]:
    from tomllib import loads

    return frozenset(loads((KIT / "backends.toml").read_text("utf-8")))


def _with_lines(documents: Documents, problems: Iterable[Problem]) -> Iterable[Problem]:
    for problem in problems:
        if problem.line is None and problem.file and problem.path:
            yield problem.at(documents.line(problem.file, problem.path))
        else:
            yield problem


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        message = "the working directory is gone or may not be looked at; change into another"
        problem = Problem(severity="error", code="directory-not-found", file=".", message=message)
        raise ConfigError([problem]) from None
