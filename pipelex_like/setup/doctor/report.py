"""What can be seen of a set-up without calling anybody: Python, SDKs, configuration, variables, backends, choices."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents.find import show_path
from pipelex_like.engine.load import bind_to, read
from pipelex_like.errors import ConfigError, did_you_mean
from pipelex_like.routing import Router, bind
from pipelex_like.setup.doctor.backends import Sight, backend_facts, choices_of, users_of
from pipelex_like.setup.doctor.env import settings_of, unread_of
from pipelex_like.setup.doctor.facts import Configuration, Report
from pipelex_like.setup.doctor.packages import extras_of
from pipelex_like.setup.doctor.variables import Look, uses_of, variables_of
from pipelex_like.workers.registry import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.deck import BoundDeck
    from pipelex_like.engine.load import Bound, Loaded, Source
    from pipelex_like.errors import Problem
    from pipelex_like.setup.doctor.env import Settings
    from pipelex_like.setup.doctor.packages import Installed


class UnknownBackendError(Exception):
    """A name that no backend has; the message names those there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A report, and what it was made from: None where there is no directory to read."""

    report: Report
    loaded: Loaded | None = field(default=None, repr=False)
    bound: Bound | None = field(default=None, repr=False)


def diagnose(
    source: Source, profile: str | None = None, *, installed: Installed, wanted: Sequence[str] = ()
) -> Diagnosis:
    """Look at a configuration, broken or not. With `wanted`, only those backends are reported.

    Raises UnknownBackendError for a wanted name that no backend has.
    """
    try:
        loaded = read(source)
    except ConfigError as error:
        return Diagnosis(report=_without_directory(installed, error.problems))
    bound, problems = _bound(loaded, profile)
    deck = bound.deck
    names = _names(deck, wanted)
    settings = settings_of(loaded, os.environ if source.environ is None else source.environ)
    extras = extras_of(installed, users_of(deck))
    sight = Sight(
        deck=deck,
        root=loaded.place.root,
        settings=settings,
        variables=loaded.variables,
        install={extra.name: extra.install for extra in extras if extra.install},
    )
    uses = uses_of(loaded.deck)
    look = Look(
        deck=deck,
        settings=settings,
        chosen_by=loaded.place.chosen_by,
        profile_from=deck.profile_from,
        alone=KIT not in loaded.documents.layers,
    )
    report = Report(
        python=installed.python,
        version=installed.version,
        extras=extras,
        configuration=_configuration(loaded, deck, settings, problems),
        variables=variables_of(look, uses),
        unread=unread_of(settings, uses),
        backends=tuple(backend_facts(sight, deck.backends[name]) for name in names or deck.backends),
        choices=choices_of(sight, bound.router),
        problems=problems,
        wanted=names,
    )
    return Diagnosis(report=report, loaded=loaded, bound=bound)


def _without_directory(installed: Installed, problems: tuple[Problem, ...]) -> Report:
    extras = extras_of(installed, {settings.extra: [] for settings in SETTINGS if settings.extra})
    return Report(
        python=installed.python,
        version=installed.version,
        extras=extras,
        configuration=None,
        variables=(),
        unread=(),
        backends=(),
        choices=(),
        problems=problems,
    )


def _bound(loaded: Loaded, profile: str | None) -> tuple[Bound, tuple[Problem, ...]]:
    """Bind as a load would, and where that fails, as far as it goes."""
    from pipelex_like.engine.load import Bound, LoadedDeck

    try:
        bound = bind_to(loaded, profile)
    except ConfigError as error:
        deck, _ = bind(
            loaded.deck,
            loaded.variables,
            secrets=loaded.secrets,
            profile=profile,
            lenient=True,
            environment_files=loaded.documents.environment_files,
        )
        return Bound(deck=deck, router=Router(deck), loaded=LoadedDeck()), error.problems
    return bound, bound.loaded.warnings


def _names(deck: BoundDeck, wanted: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for name in wanted:
        own = deck.other_names.get(name, name)
        if own not in deck.backends:
            hint = did_you_mean(name, [*deck.backends, *deck.other_names]) or f"There are {', '.join(deck.backends)}."
            raise UnknownBackendError(f'no backend is named "{name}". {hint}')
        names.append(own)
    return tuple(dict.fromkeys(names))


def _configuration(loaded: Loaded, deck: BoundDeck, settings: Settings, problems: tuple[Problem, ...]) -> Configuration:
    place, documents = loaded.place, loaded.documents
    return Configuration(
        directory=show_path(place.directory, place, KIT),
        chosen_by=place.chosen_by,
        root=str(place.root),
        layers=tuple(show_path(layer, place, KIT) for layer in reversed(documents.layers)),
        files=len(documents.files),
        env_files=settings.files,
        environment=documents.environment,
        environment_files=tuple(file.shown for file in documents.files if file.environment is not None),
        profile=deck.profile.name or None,
        profile_from=deck.profile_from,
        profiles=tuple(deck.deck.profiles.profiles),
        loads=all(problem.severity != "error" for problem in problems),
    )
