"""The way of a reference, told with the place that decided each step."""

from __future__ import annotations

import json

from routing.building import alias, backend, deck, model, preset, profile, router, settings, template

from pipelex_like.deck import Constraints, Origin
from pipelex_like.routing import Router, bind
from pipelex_like.types import FrozenDict

BACKENDS = [
    backend("openai", enabled="auto", api_key="${OPENAI_API_KEY}"),
    backend("other"),
    backend("off", enabled=False),
]
MODELS = [
    model("openai", "gpt", "gpt-2025", constraints=Constraints(fixed_temperature=1.0)),
    model("other", "gpt"),
    model("other", "mini"),
    model("off", "asleep"),
]
ACTIVE = profile(
    "prod",
    default="other",
    routes={"g*": "other", "gpt": "openai"},
    optional_routes={"gp*": "off"},
    stand_ins={"mini": "gpt"},
)
DECK = deck(
    BACKENDS,
    MODELS,
    active=ACTIVE,
    aliases=[alias("fast", {"model": "gpt", "seed": 7})],
    presets=[
        preset("task", "fast", temperature=0.2, origins=FrozenDict({"temperature": Origin("near.toml", ("t",))})),
        preset("cheap", ["mini", "asleep"]),
    ],
)
VARIABLES = {"OPENAI_API_KEY": "sk-canary-value"}
ROUTER = router(DECK, VARIABLES)


def steps(reference: str) -> list[tuple[str, str, str]]:
    return [
        (step.verdict, step.text, step.origin.key if step.origin else "") for step in ROUTER.explain(reference).steps
    ]


def test_every_step_from_the_profile_to_what_is_sent() -> None:
    assert steps("task") == [
        ("chosen", 'profile "prod", chosen by active', "active"),
        ("info", 'preset "task" with temperature = 0.2', "llm.presets.task"),
        ("info", 'target "fast"', "llm.presets.task.model[0]"),
        ("info", 'alias "fast"', "aliases.fast"),
        ("info", 'target "gpt" with seed = 7', "aliases.fast[0]"),
        ("chosen", '"gpt" matches routes "gpt" = "openai" (its very name)', "profiles.prod.routes.gpt"),
        (
            "lost",
            'optional_routes "gp*" = "off" also matches, but "gpt" says more or stands before it',
            'profiles.prod.optional_routes."gp*"',
        ),
        (
            "lost",
            'routes "g*" = "other" also matches, but "gpt" says more or stands before it',
            'profiles.prod.routes."g*"',
        ),
        ("lost", 'default = "other" does not count: a route decides', "profiles.prod.default"),
        ("info", '"openai" is on: OPENAI_API_KEY is set', "openai"),
        ("chosen", 'candidate 1: "openai" with model id "gpt-2025" through openai', "gpt"),
        ("info", 'seed = 7, from target "gpt"', "aliases.fast[0]"),
        ("info", 'temperature = 1.0, from preset "task"', "t"),
        ("info", 'adapted: temperature: 0.2 became 1, the only value that "gpt" takes', "gpt"),
    ]


def test_stand_ins_and_what_nobody_serves() -> None:
    told = steps("cheap")
    assert ("chosen", '"mini" is replaced by "gpt"', "profiles.prod.stand_ins.mini") in told
    assert ("lost", 'nobody serves "asleep"', "") in told
    assert any("enabled = true" in text for _, text, _ in told)
    assert (
        "lost",
        'default = "other" does not count: "other" does not serve "asleep"',
        "profiles.prod.default",
    ) in told


def test_a_reference_that_leads_nowhere_is_explained_too() -> None:
    told = ROUTER.explain("asleep")
    assert told.route is None
    assert told.error is not None
    assert "enabled = true" in told.error
    assert "gpt" in (ROUTER.explain("gtp").error or "")
    assert ROUTER.explain("gtp").kind is None


def test_the_promised_json_shape() -> None:
    told = json.loads(json.dumps(ROUTER.explain("task").to_dict()))
    assert (told["reference"], told["kind"], told["profile"], told["profile_from"]) == ("task", "llm", "prod", "active")
    assert told["candidates"] == [
        {
            "handle": "gpt",
            "backend": "openai",
            "model_id": "gpt-2025",
            "sdk": "openai",
            "settings": {"seed": 7, "temperature": 1.0},
        }
    ]
    assert {"text", "file", "line", "key", "verdict"} == set(told["steps"][0])


def test_lines_are_found_by_whoever_knows_the_files() -> None:
    asked: list[tuple[str, tuple[str | int, ...]]] = []

    def locate(file: str, path: tuple[str | int, ...]) -> int:
        asked.append((file, path))
        return 42

    bound, _ = bind(DECK, VARIABLES)
    told = str(Router(bound, locate=locate).explain("gpt"))
    assert "routing_profiles.toml:42: profiles.prod.routes.gpt" in told
    assert ("backends/openai.toml", ("gpt",)) in asked


def test_which_thing_chose_the_profile() -> None:
    model_deck = deck(BACKENDS, MODELS, others=[ACTIVE], environments={"dev": "prod"})
    for variables, argument, words in [
        ({"PIPELEX_ENV": "dev"}, None, "PIPELEX_ENV and [environments] dev"),
        ({"PIPELEX_PROFILE": "prod"}, None, "PIPELEX_PROFILE"),
        ({}, "prod", "argument"),
    ]:
        told = router(model_deck, {**VARIABLES, **variables}, profile=argument).explain("gpt")
        assert words in told.steps[0].text
    assert "no profile" in router(deck(BACKENDS, MODELS), VARIABLES).explain("gpt").steps[0].text


def test_the_way_by_order_unlisted_patterns_pin_and_provider() -> None:
    owners = [backend("a"), backend("b", unlisted=("*/*",))]
    models = [model("a", "m")]
    plain = router(deck(owners, models, active=profile(fallback_order=("b", "a"))))
    assert "by fallback_order" in str(plain.explain("m"))
    assert "by its unlisted patterns" in str(plain.explain("org/x"))
    assert "(a pin)" in str(plain.explain("a/m"))
    assert "first in backends.toml" in str(router(deck(owners, models)).explain("m"))
    assert 'serves "m"' in str(router(deck(owners, models, active=profile(default="a"))).explain("m"))


def test_no_value_of_a_variable_is_told() -> None:
    spec = model(
        "x",
        "m",
        extra=FrozenDict(
            {"tag": template("${TAG}"), "deep": FrozenDict({"in": (template("${TAG}"),)}), "own": "as written"}
        ),
        templated=True,
    )
    owner = backend("x", api_key="${X_KEY}", headers={"auth": "${TAG}"})
    got = router(
        deck([owner], [spec], presets=[preset("p", "m", extra={"mine": 1})]), {"X_KEY": "canary-1", "TAG": "canary-2"}
    )
    told = got.explain("p")
    extra = told.to_dict()["candidates"][0]["settings"]["extra"]
    assert extra == {"tag": "${TAG}", "deep": {"in": ["${TAG}"]}, "own": "as written", "mine": 1}
    assert "canary" not in str(told) + json.dumps(told.to_dict())
    assert got.resolve("p").primary.settings == settings(
        extra={"tag": "canary-2", "deep": {"in": ("canary-2",)}, "own": "as written", "mine": 1}
    )
    assert {"canary-1", "canary-2"} <= got.bound.backends["x"].secrets


def test_a_broken_candidate_is_told_as_such() -> None:
    broken = backend("half", enabled="auto", api_key=None, required=(("H1", "H2"),))
    told = str(router(deck([broken], [model("half", "m")]), {"H1": "x"}).explain("m"))
    assert "a call fails" in told
    assert "H2 is not set" in told
