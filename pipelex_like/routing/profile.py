"""Which routing profile serves, and who decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck import Name, Origin, Profile
from pipelex_like.errors import did_you_mean
from pipelex_like.routing.variables import problem

if TYPE_CHECKING:
    from pipelex_like.deck import ModelDeck
    from pipelex_like.errors import Problem
    from pipelex_like.routing.variables import Environment

EMPTY_PROFILE = Profile(name="")


def choose_profile(
    deck: ModelDeck, environment: Environment, *, argument: str | None, environment_files: frozenset[str]
) -> tuple[Profile, str, list[Problem]]:
    """Give the profile, what chose it (`argument`, `PIPELEX_PROFILE`, `[environments] dev`, `active`, `none`), and
    what is wrong with that choice. An unknown name gives the empty profile and a problem."""
    name, source, origin, problems = _decide(deck, environment, argument, environment_files)
    if name is None:
        return EMPTY_PROFILE, "none", problems
    profile = deck.profiles.profiles.get(name)
    if profile is not None:
        return profile, source, problems
    if name not in deck.faulty:
        known = deck.profiles.profiles
        hint = did_you_mean(name, known) or (f"Known: {', '.join(known)}." if known else "No profile is declared.")
        problems.append(problem("error", "unknown-profile", origin, f'there is no profile "{name}".', hint))
    return EMPTY_PROFILE, source, problems


def _decide(
    deck: ModelDeck, environment: Environment, argument: str | None, environment_files: frozenset[str]
) -> tuple[str | None, str, Origin, list[Problem]]:
    profiles = deck.profiles
    problems: list[Problem] = []
    stage = environment.get(Name("env", "PIPELEX_ENV"))
    strange = stage is not None and stage not in profiles.environments and stage not in environment_files
    if strange and stage is not None and profiles.environments:
        hint = did_you_mean(stage, profiles.environments) or f"Known: {', '.join(profiles.environments)}."
        message = f'PIPELEX_ENV is "{stage}", which is neither a key here nor the suffix of any file.'
        problems.append(problem("error", "unknown-environment", profiles.environments_origin, message, hint))
    if argument is not None and argument.strip():
        return argument, "argument", Origin("(argument)", ("profile",)), problems
    variable = environment.get(Name("env", "PIPELEX_PROFILE"))
    if variable is not None:
        return variable.strip(), "PIPELEX_PROFILE", Origin("(environment)", ("PIPELEX_PROFILE",)), problems
    if stage is not None and stage in profiles.environments:
        origin = profiles.environments_origin.at(stage)
        return profiles.environments[stage], f"[environments] {stage}", origin, problems
    if profiles.active is not None:
        return profiles.active, "active", profiles.active_origin, problems
    return None, "none", profiles.active_origin, problems


def ruled_out(profile: Profile, backend: str) -> str | None:
    """Give the key of the profile (`only` or `exclude`) that rules a backend out, or None."""
    if profile.only is not None and backend not in profile.only:
        return "only"
    return "exclude" if backend in profile.exclude else None


def binds(profile: Profile, backend: str) -> bool:
    """Whether the profile counts on the backend: as default, by a binding route or in its fallback order."""
    return (
        profile.default == backend
        or backend in (profile.fallback_order or ())
        or any(rule.backend == backend and not rule.optional for rule in profile.rules)
    )
