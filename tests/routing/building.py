"""Small builders: a deck in a few lines, straight from its dataclasses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.deck import (
    Alias,
    BackendSpec,
    Choice,
    Costs,
    ModelDeck,
    ModelSpec,
    Name,
    Origin,
    Preset,
    Profile,
    Profiles,
    RouteRule,
    SdkKey,
    SdkSettings,
    Slot,
    StandIn,
    Target,
    Template,
)
from pipelex_like.routing import Router, bind
from pipelex_like.types import EMPTY, FrozenDict, freeze

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import BoundDeck, Route
    from pipelex_like.errors import Problem

OPENAI = SdkSettings(
    sdk="openai",
    keys=(SdkKey(name="api_key", secret=True), SdkKey(name="endpoint")),
    required=(("api_key",),),
    kinds=("llm", "img_gen"),
)
BEDROCK = SdkSettings(
    sdk="bedrock",
    keys=(
        SdkKey(name="aws_access_key_id", template="${AWS_ACCESS_KEY_ID}", secret=True),
        SdkKey(name="aws_secret_access_key", template="${AWS_SECRET_ACCESS_KEY}", secret=True),
        SdkKey(name="aws_region", template="${AWS_REGION|AWS_REGION_NAME:-us-east-1}", public=True),
        SdkKey(name="aws_profile", template="${AWS_PROFILE}"),
        SdkKey(name="aws_bearer_token", template="${AWS_BEARER_TOKEN_BEDROCK}", secret=True),
    ),
    required=(("aws_bearer_token",), ("aws_access_key_id", "aws_secret_access_key"), ("aws_profile",)),
)
LOCAL = SdkSettings(
    sdk="pypdfium2", keys=(SdkKey(name="context_size", scalar="int", public=True),), sends_requests=False
)
FILE = Origin("backends.toml")
SDKS = {sdk.sdk: sdk for sdk in (OPENAI, BEDROCK, LOCAL)}


def template(text: str, origin: Origin = FILE, scalar: str = "str") -> Template:
    parts: list[str | Slot] = []
    for piece in re.split(r"(\$\{[^}]*\})", text):
        if not piece.startswith("${"):
            parts.extend([piece] if piece else [])
            continue
        names, colon, default = piece[2:-1].partition(":-")
        read = tuple(
            Name("secret", name.removeprefix("secret:")) if name.startswith("secret:") else Name("env", name)
            for name in names.split("|")
        )
        parts.append(Slot(read, default if colon else None))
    return Template(text, tuple(parts), origin, scalar)


def filled(value: object, origin: Origin, scalar: str = "str") -> object:
    return template(value, origin, scalar) if isinstance(value, str) and "${" in value else value


def backend(name: str, *, api_key: str | None = "literal-key", sdk: str = "openai", **changes: object) -> BackendSpec:
    origin = Origin("backends.toml", (name,))
    keys = dict(changes.pop("keys", {}))
    if api_key is not None and sdk == "openai":
        keys["api_key"] = api_key
    for key in ("enabled", "models", "model_providers", "proxy"):
        if key in changes:
            changes[key] = filled(changes[key], origin.at(key))
    headers = changes.pop("headers", {})
    return BackendSpec(
        **{
            "name": name,
            "keys": FrozenDict({key: filled(value, origin.at(key)) for key, value in keys.items()}),
            "headers": FrozenDict({key: filled(value, origin.at("headers", key)) for key, value in headers.items()}),
            "default_spec": ModelSpec(backend=name, handle="", sdk=sdk, model_id="", kind=None),
            "sdks": (sdk,),
            "origin": origin,
            "origins": FrozenDict({key: origin.at(key) for key in [*keys, *changes, "enabled"]}),
            **changes,
        }
    )


def model(owner: str, handle: str, model_id: str | None = None, kind: str = "llm", **changes: object) -> ModelSpec:
    origin = Origin(f"backends/{owner}.toml", (handle,))
    given = {"sdk": "openai", "origin": origin, "costs": Costs(), **changes}
    return ModelSpec(backend=owner, handle=handle, model_id=model_id or handle, kind=kind, **given)


def target(value: object, origin: Origin) -> Target:
    if isinstance(value, Target):
        return replace(value, origin=origin)
    if isinstance(value, str):
        return Target(reference=value, origin=origin)
    table = dict(value)
    own = {key: table.pop(key) for key in ("provider", "only", "exclude", "policy") if key in table}
    reference = table.pop("model")
    return Target(reference=reference, settings=settings(**table), origin=origin, **own)


def settings(**values: object) -> FrozenDict[str, object]:
    return FrozenDict({name: freeze(value) for name, value in values.items()}) if values else EMPTY


def targets(value: object, origin: Origin) -> tuple[Target, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(target(item, origin.at(place)) for place, item in enumerate(items))


def alias(name: str, value: object, kind: str | None = None, layer: int = 0) -> Alias:
    path = ("aliases", name) if kind is None else (kind, "aliases", name)
    origin = Origin("deck/base_deck.toml", path)
    form = "list" if isinstance(value, list) else "table" if isinstance(value, dict) else "string"
    return Alias(name=name, kind=kind, targets=targets(value, origin), form=form, layer=layer, origin=origin)


def preset(name: str, value: object, kind: str = "llm", **changes: object) -> Preset:
    origin = Origin("deck/base_deck.toml", (kind, "presets", name))
    own = {key: changes.pop(key) for key in ("provider", "only", "exclude", "policy", "origins") if key in changes}
    reached = targets(value, origin.at("model"))
    return Preset(name=name, kind=kind, targets=reached, settings=settings(**changes), origin=origin, **own)


def profile(name: str = "p", **changes: object) -> Profile:
    origin = Origin("routing_profiles.toml", ("profiles", name))
    rules = [
        RouteRule(pattern, owner, optional, origin.at(table, pattern))
        for table, optional in (("routes", False), ("optional_routes", True))
        for pattern, owner in changes.pop(table, {}).items()
    ]
    stand_ins = [
        StandIn(pattern, (handles,) if isinstance(handles, str) else tuple(handles), origin.at("stand_ins", pattern))
        for pattern, handles in changes.pop("stand_ins", {}).items()
    ]
    keys = [*changes, "default"]
    return Profile(
        name=name,
        rules=tuple(rules),
        stand_ins=tuple(stand_ins),
        origin=origin,
        origins=FrozenDict({key: origin.at(key) for key in keys}),
        **changes,
    )


def deck(
    backends: Iterable[BackendSpec],
    models: Iterable[ModelSpec] = (),
    *,
    active: Profile | None = None,
    others: Iterable[Profile] = (),
    aliases: Iterable[Alias] = (),
    presets: Iterable[Preset] = (),
    choices: Mapping[tuple[str, str], str] = EMPTY,
    environments: Mapping[str, str] = EMPTY,
    **changes: object,
) -> ModelDeck:
    listed: dict[str, dict[str, ModelSpec]] = {}
    for spec in models:
        listed.setdefault(spec.backend, {})[spec.handle] = spec
    profiles = [*([active] if active is not None else []), *others]
    routing = "routing_profiles.toml"
    return ModelDeck(
        backends=FrozenDict({spec.name: spec for spec in backends}),
        specs=FrozenDict({name: FrozenDict(specs) for name, specs in listed.items()}),
        profiles=Profiles(
            active=active.name if active is not None else None,
            active_origin=Origin(routing, ("active",)),
            profiles=FrozenDict({each.name: each for each in profiles}),
            environments=FrozenDict(environments),
            environments_origin=Origin(routing, ("environments",)),
        ),
        aliases=FrozenDict({(each.kind, each.name): each for each in aliases}),
        presets=FrozenDict({(each.kind, each.name): each for each in presets}),
        choices=FrozenDict(
            {
                (kind, slot): Choice(kind=kind, slot=slot, reference=text, origin=Origin("deck/d.toml", (kind, slot)))
                for (kind, slot), text in choices.items()
            }
        ),
        sdks=FrozenDict(SDKS),
        **changes,
    )


def bound(model_deck: ModelDeck, variables: Mapping[str, str] = EMPTY, **options: object) -> BoundDeck:
    """Bind a deck that must have no error."""
    result, problems = bind(model_deck, variables, **options)
    assert errors(problems) == [], problems
    return result


def router(model_deck: ModelDeck, variables: Mapping[str, str] = EMPTY, **options: object) -> Router:
    return Router(bound(model_deck, variables, **options))


def found(model_deck: ModelDeck, variables: Mapping[str, str] = EMPTY, **options: object) -> list[tuple[str, str, str]]:
    """Bind a deck and give (severity, code, key) of each problem."""
    _, problems = bind(model_deck, variables, **options)
    return [(problem.severity, problem.code, problem.key) for problem in problems]


def errors(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def served(route: Route) -> list[tuple[str, str]]:
    """Give (backend, model id) of each candidate."""
    return [(candidate.backend, candidate.model_id) for candidate in route.candidates]
