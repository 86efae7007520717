"""bind(): a deck in one environment under one profile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.deck import NOWHERE, Backend, BoundDeck, ModelSpec
from pipelex_like.routing.access import fill_access
from pipelex_like.routing.assign import Assigner
from pipelex_like.routing.check_deck import check_deck
from pipelex_like.routing.check_profile import check_profile
from pipelex_like.routing.gateways import through
from pipelex_like.routing.models import add_mirrors, declared, fill_specs, templates_of
from pipelex_like.routing.names import Names
from pipelex_like.routing.profile import choose_profile
from pipelex_like.routing.rules import Rules
from pipelex_like.routing.states import Case, judge
from pipelex_like.routing.variables import Environment, sdk_template, secrets_in
from pipelex_like.types import KINDS, FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import BackendSpec, ModelDeck, Profile
    from pipelex_like.errors import Problem

_NO_VARIABLES: Mapping[str, str] = FrozenDict()
_NO_MODELS: Mapping[str, ModelSpec] = FrozenDict()


def bind(
    deck: ModelDeck,
    variables: Mapping[str, str],
    *,
    secrets: Mapping[str, str] = _NO_VARIABLES,
    profile: str | None = None,
    lenient: bool = False,
    environment_files: frozenset[str] = frozenset(),
) -> tuple[BoundDeck, list[Problem]]:
    """Fill in the variables, decide which backends are on, and check everything that this answers.

    `secrets` is the text of secret files by name, `profile` beats what the environment and the files choose,
    `environment_files` are the names of environments that some file is for. With `lenient`, a missing variable is
    a warning. A faulty deck is bound as far as it goes; the problems come without lines.
    """
    environment = Environment(variables, secrets)
    chosen, source, problems = choose_profile(deck, environment, argument=profile, environment_files=environment_files)
    backends: dict[str, Backend] = {}
    specs: dict[str, dict[str, ModelSpec]] = {}
    for name, spec in deck.backends.items():
        backends[name], specs[name], found = _bind_backend(spec, deck, environment, chosen, lenient=lenient)
        problems.extend(found)
    backends, found = through(backends, deck, environment, chosen, lenient=lenient)
    problems.extend(found)
    live = {name for name, backend in backends.items() if backend.state != "off"}
    add_mirrors(deck, specs, live)
    handles, model_ids = _index(deck, specs)
    bound = BoundDeck(
        deck=deck,
        profile=chosen,
        profile_from=source,
        backends=FrozenDict({name: _with_kinds(backend, specs[name].values()) for name, backend in backends.items()}),
        specs=FrozenDict({name: FrozenDict(models) for name, models in specs.items()}),
        handles=handles,
        model_ids=model_ids,
        other_names=_other_names(backends),
        lenient=lenient,
    )
    names = Names(Assigner(bound, Rules(bound)))
    problems.extend(check_profile(names.assigner))
    problems.extend(check_deck(names))
    return bound, problems


def secret_names(deck: ModelDeck) -> frozenset[str]:
    """Give the names that the deck reads as `${secret:NAME}`."""
    found = set(secrets_in(templates_of(deck.backends)))
    for models in deck.specs.values():
        for model in models.values():
            if model.templated:
                found |= secrets_in(templates_of(model))
    for sdk in deck.sdks.values():
        for key in sdk.keys:
            if key.template is not None:
                found |= secrets_in([sdk_template(key.template, NOWHERE, key.scalar)])
    return frozenset(found)


def _bind_backend(
    spec: BackendSpec, deck: ModelDeck, environment: Environment, profile: Profile, *, lenient: bool
) -> tuple[Backend, dict[str, ModelSpec], list[Problem]]:
    sdks = tuple(dict.fromkeys(deck.sdks[sdk] for sdk in spec.sdks if sdk in deck.sdks))
    access = fill_access(spec, sdks, environment)
    verdict = judge(
        Case(spec=spec, sdks=sdks, access=access, environment=environment, profile=profile, lenient=lenient)
    )
    given = declared(spec, environment)
    models, problems = fill_specs(
        spec, deck.specs.get(spec.name, _NO_MODELS), given, environment, secrets=access.secrets
    )
    found = [*problems, *access.problems, *given.problems] if verdict.state != "off" else []
    backend = Backend(
        spec=spec,
        state=verdict.state,
        reason=verdict.reason,
        missing=verdict.missing,
        alternatives=verdict.alternatives,
        keys=FrozenDict(access.keys),
        headers=FrozenDict(access.headers),
        proxy=access.proxy,
        ca_file=access.ca_file,
        policy=access.policy,
        models=given.models,
        model_providers=given.providers,
        secrets=access.hidden,
    )
    return backend, models, [*found, *verdict.problems]


def _index(
    deck: ModelDeck, specs: Mapping[str, Mapping[str, ModelSpec]]
) -> tuple[FrozenDict[str, tuple[str, ...]], FrozenDict[str, tuple[tuple[str, str], ...]]]:
    handles: dict[str, list[str]] = {}
    model_ids: dict[str, list[tuple[str, str]]] = {}
    for backend, models in specs.items():
        written = deck.specs.get(backend, _NO_MODELS)
        for handle, model in models.items():
            handles.setdefault(handle, []).append(backend)
            model_id = str(model.model_id)
            model_ids.setdefault(model_id, []).append((backend, handle))
            # The id as the file has it leads here too, where a variable put a provider behind it.
            plain = written[handle].model_id if handle in written else model_id
            if plain != model_id and isinstance(plain, str):
                model_ids.setdefault(plain, []).append((backend, handle))
    return (
        FrozenDict({handle: tuple(names) for handle, names in handles.items()}),
        FrozenDict({model_id: tuple(pairs) for model_id, pairs in model_ids.items()}),
    )


def _with_kinds(backend: Backend, models: Iterable[ModelSpec]) -> Backend:
    found = {model.kind for model in models}
    if not found and backend.spec.default_spec is not None:
        found = {backend.spec.default_spec.kind}
    return replace(backend, kinds=tuple(kind for kind in KINDS if kind in found))


def _other_names(backends: Mapping[str, Backend]) -> FrozenDict[str, str]:
    """Map further names to backends: of two with the same one, the first that is not off has it."""
    found: dict[str, str] = {}
    for name, backend in sorted(backends.items(), key=lambda item: item[1].state == "off"):
        for other in backend.spec.other_names:
            if other not in backends:
                found.setdefault(other, name)
    return FrozenDict(found)
