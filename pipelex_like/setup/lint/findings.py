"""Everything that `validate` has to say of a configuration: what loading finds, and what is probably not meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents.find import KIT_NAME
from pipelex_like.engine.load import bind_to, read
from pipelex_like.errors import ConfigError, nearest, sorted_problems
from pipelex_like.routing import bind
from pipelex_like.routing.lint import lint_deck
from pipelex_like.setup.init.files import is_copy
from pipelex_like.setup.lint.codes import CODES
from pipelex_like.setup.lint.variables import lint_variables
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date, timedelta

    from pipelex_like.deck import BoundDeck
    from pipelex_like.engine.load import Loaded, Source
    from pipelex_like.errors import Problem

IN_KIT: Mapping[str, str] = FrozenDict(
    {
        "fallback-lacks-capability": "its chains go across vendors, so that any one key suffices; what a model "
        "cannot take passes it over",
        "fallback-smaller-window": "its chains go across vendors; what is too long for a model passes it over",
        "image-price-missing": "OpenAI counts pictures in tokens; the others publish no price, and none is guessed",
        "price-missing": "a price that no provider publishes is left out, not guessed",
        "unused-alias": "its names are there for programs",
    }
)
"""Codes that do not count in the packaged kit, nor in a file that is a copy of one of its, and why. Where the kit is
only inherited, none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A configuration that was looked through. `deck` goes as far as the errors let it."""

    loaded: Loaded
    deck: BoundDeck
    problems: tuple[Problem, ...]


def examine(source: Source, profile: str | None = None, *, today: date, max_age: timedelta) -> Report:
    """Read a configuration and give all problems and findings, sorted, with lines.

    Raises ConfigError only where there is no directory to read.
    """
    loaded = read(source)
    try:
        bound = bind_to(loaded, profile)
        problems, deck = bound.loaded.warnings, bound.deck
    except ConfigError as error:
        problems = error.problems
        deck, _ = bind(
            loaded.deck,
            loaded.variables,
            secrets=loaded.secrets,
            profile=profile,
            lenient=True,
            environment_files=loaded.documents.environment_files,
        )
    found = (*lint_variables(loaded, deck), *lint_deck(deck, today=today, max_age=max_age))
    # What is written as a placeholder is no secret, though it stands where one would.
    blanks = {(problem.file, problem.path) for problem in found if problem.code == "placeholder-key"}
    told = [p for p in problems if p.code != "secret-in-file" or (p.file, p.path) not in blanks]
    if any(problem.severity == "error" for problem in problems):
        # A name that is written wrong elsewhere leaves an alias unused: what is told is the slip.
        found = tuple(problem for problem in found if problem.code != "unused-alias")
    return Report(loaded=loaded, deck=deck, problems=sorted_problems((*told, *_own(loaded, found))))


def _own(loaded: Loaded, found: Iterable[Problem]) -> Iterator[Problem]:
    kit_itself = loaded.place.directory.is_relative_to(KIT)
    copies = {file.shown for file in loaded.documents.files if is_copy(file.path, file.text)}
    for problem in found:
        if problem.file.startswith(KIT_NAME) and (not kit_itself or problem.code in IN_KIT):
            continue
        if problem.file in copies and problem.code in IN_KIT:
            continue
        yield problem if problem.line is not None else problem.at(loaded.documents.line(problem.file, problem.path))


def chosen(problems: Iterable[Problem], *, select: Collection[str] = (), ignore: Collection[str] = ()) -> list[Problem]:
    """Give the problems of the codes in `select` (empty: all) that are not in `ignore`; errors are always among them,
    since nothing loads before they are mended. Raises ValueError for a code that there is not."""
    for code in (*select, *ignore):
        if code not in CODES:
            near = nearest(code, CODES, count=1)
            hint = f'Did you mean "{near[0]}"?' if near else "docs/problems/README.md lists them."
            raise ValueError(f'there is no problem code "{code}". {hint}')
    return [
        problem
        for problem in problems
        if problem.severity == "error" or (problem.code not in ignore and (not select or problem.code in select))
    ]
