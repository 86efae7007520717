"""The way of a reference, told with the place that decided each step."""

from __future__ import annotations

import json
from decimal import Decimal

from routing.building import alias, backend, deck, model, preset, profile, router, settings, template

from pipelex_like.deck import Constraints, Origin, Policy
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
            'optional_routes "gp*" = "off" also matches, but a name beats a pattern',
            'profiles.prod.optional_routes."gp*"',
        ),
        (
            "lost",
            'routes "g*" = "other" also matches, but a name beats a pattern',
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
    (candidate,) = told["candidates"]
    promised = {
        "handle": "gpt",
        "backend": "openai",
        "model_id": "gpt-2025",
        "sdk": "openai",
        "settings": {"seed": 7, "temperature": 1.0},
    }
    assert {name: candidate[name] for name in promised} == promised
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


OPEN = [backend("alpha"), backend("beta", enabled="auto", api_key="${BETA}"), backend("internal", sdk="pypdfium2")]
LISTED = [
    model("alpha", "gpt", "gpt-a"),
    model("alpha", "mini"),
    model("beta", "gpt", "gpt-b"),
    model("internal", "pdf", kind="extract", sdk="pypdfium2"),
]


def told_of(reference: str, active=None, variables=None, **changes: object) -> list[tuple[str, str, str]]:
    asked = router(deck(OPEN, LISTED, active=active, **changes), variables or {})
    return [
        (step.verdict, step.text, step.origin.key if step.origin else "") for step in asked.explain(reference).steps
    ]


def test_an_environment_is_shown_where_it_chooses_the_profile() -> None:
    told = told_of("gpt", profile("a"), {"PIPELEX_ENV": "dev"}, others=[profile("b")], environments={"dev": "b"})
    assert told[0] == ("chosen", 'profile "b", chosen by PIPELEX_ENV and [environments] dev', "environments.dev")


def test_patterns_that_lose_say_by_how_much() -> None:
    told = told_of("gpt", profile(routes={"gp*": "alpha", "g*": "alpha", "*pt": "alpha"}))
    assert told[1:4] == [
        ("chosen", '"gpt" matches routes "gp*" = "alpha" (2 literal characters)', 'profiles.p.routes."gp*"'),
        (
            "lost",
            'routes "*pt" = "alpha" also matches, but stands after one that says as much',
            'profiles.p.routes."*pt"',
        ),
        ("lost", 'routes "g*" = "alpha" also matches, but says less (1 literal characters)', 'profiles.p.routes."g*"'),
    ]


def test_stand_ins_that_lose_are_told() -> None:
    told = told_of("gpt", profile(stand_ins={"*": ["mini"], "gpt": "pdf", "g*": "mini"}))
    assert told[1:4] == [
        ("lost", 'stand_ins "gpt" = "pdf" also matches, but has no model of kind llm', "profiles.p.stand_ins.gpt"),
        ("chosen", '"gpt" is replaced by "mini"', 'profiles.p.stand_ins."g*"'),
        (
            "lost",
            'stand_ins "*" = "mini" also matches, but says less (0 literal characters)',
            'profiles.p.stand_ins."*"',
        ),
    ]


def test_the_place_of_a_model_id_is_that_of_its_handle() -> None:
    told = told_of("gpt-a", profile(routes={"gpt": "alpha", "gpt-*": "beta"}))
    assert ("info", '"gpt-a" is a model id of "gpt"', "") in told
    assert ("chosen", '"gpt" matches routes "gpt" = "alpha" (its very name)', "profiles.p.routes.gpt") in told
    assert not any("gpt-*" in text for _, text, _ in told)


def test_who_comes_before_but_is_off_is_told() -> None:
    told = told_of("gpt", profile(fallback_order=("beta", "alpha")))
    assert ("lost", '"beta" comes before, but is off: BETA is not set', "beta") in told
    assert ("chosen", '"alpha" serves it, by fallback_order', "profiles.p.fallback_order") in told


def test_internal_is_not_said_to_stand_in_an_order_that_lacks_it() -> None:
    told = told_of("pdf", profile(fallback_order=("alpha",)))
    assert ("chosen", '"internal" serves it; it always comes last', "internal") in told


def test_the_reason_why_nobody_serves_a_model_stands_there_once() -> None:
    asked = router(deck(OPEN, LISTED, active=profile(routes={"pdf": "alpha"})), {})
    lines = str(asked.explain("pdf")).splitlines()
    assert sum("could serve it" in line for line in lines) == 1
    assert lines[-1].startswith("profiles.p.routes.pdf (routing_profiles.toml) holds")


def test_ways_out_are_told_by_the_error_alone_where_nothing_is_served() -> None:
    asked = router(deck(OPEN, LISTED, aliases=[alias("c", ["gpt", "mini"])], active=profile(exclude=("alpha",))), {})
    told = str(asked.explain("c"))
    assert told.count("set BETA") == 1
    assert '\n-     nobody serves "mini"\n' in told


def test_flags_are_shown_as_toml_writes_them() -> None:
    told = told_of("c", aliases=[alias("c", {"model": "gpt", "parallel_tool_calls": True})])
    assert ("info", 'parallel_tool_calls = true, from target "gpt"', "aliases.c[0]") in told


GOVERNED = router(
    deck(
        [
            backend(
                "openai", policy=Policy(timeout=30, max_concurrency=4, cooldown=0, actions=FrozenDict({"auth": "stop"}))
            ),
            backend("other", policy=Policy(retry_after_cap=template("${CAP:-90}", scalar="float"))),
        ],
        [model("openai", "gpt"), model("other", "mini")],
        active=profile("prod", policy=Policy(max_retries=1, hedge_after=3.0)),
        aliases=[alias("both", ["gpt", "mini"])],
        presets=[
            preset(
                "task",
                {"model": "both", "policy": Policy(cache=60)},
                policy=Policy(timeout=20, max_cost=Decimal("0.10"), actions=FrozenDict({"invalid_response": "stop"})),
                origins=FrozenDict({"max_cost": Origin("near.toml", ("llm", "presets", "task", "max_cost"))}),
            )
        ],
    )
)


def test_each_value_that_governs_a_call_with_who_said_it() -> None:
    told = json.loads(json.dumps(GOVERNED.explain("task").to_dict()))
    policy = {name: (row["value"], row["from"], row["key"]) for name, row in told["policy"].items()}
    assert policy["timeout"] == (20, 'preset "task"', "llm.presets.task")
    assert policy["max_cost"] == ("0.10", 'preset "task"', "llm.presets.task.max_cost")
    assert told["policy"]["max_cost"]["file"] == "near.toml"
    assert policy["cache"] == (60, 'target "both"', "llm.presets.task.model[0]")
    assert policy["max_retries"] == (1, 'profile "prod"', "profiles.prod")
    assert policy["attempt_timeout"] == (30, 'backend "openai"', "openai")
    assert policy["first_event_timeout"] == (30, 'backend "openai"', "openai")
    assert policy["cooldown"] == (0, 'backend "openai"', "openai")
    assert policy["actions.auth"] == ("stop", 'backend "openai"', "openai")
    assert policy["actions.invalid_response"] == ("stop", 'preset "task"', "llm.presets.task")
    assert policy["actions.invalid_object"] == ("stop", "invalid_response", "")
    assert policy["max_attempts"] == (None, "default", "")
    assert policy["retry_after_cap"] == (60, "default", "")
    assert policy["coalesce"] == (False, "default", "")
    assert policy["actions.server"] == ("retry", "default", "")


def test_what_another_candidates_backend_says_stands_apart() -> None:
    first, second = GOVERNED.explain("task").to_dict()["policy_by_candidate"]
    assert first == {}
    assert {name: row["value"] for name, row in second.items()} == {
        "attempt_timeout": 600.0,
        "first_event_timeout": 600.0,
        "between_events_timeout": 600.0,
        "retry_after_cap": "${CAP:-90}",
        "cooldown": 5.0,
        "max_concurrency": None,
        "actions.auth": "next",
    }


def test_the_text_of_an_explanation_tells_what_was_said_and_then_the_defaults() -> None:
    lines = str(GOVERNED.explain("task")).partition("how calls are governed:\n")[2].splitlines()
    assert '  max_cost = 0.10 USD, from preset "task"  [near.toml: llm.presets.task.max_cost]' in lines
    assert any(line.startswith('  hedge_after = 3 s, from profile "prod"') for line in lines)
    assert any(line.startswith("  cooldown = 5 s") and line.endswith("(candidate 2)") for line in lines)
    defaults = " ".join(line.strip() for line in lines).partition("by default: ")[2]
    assert "max_waiting = 1000" in defaults
    assert "balance: the order as declared" in defaults
    assert "max_cost" not in defaults


def test_a_lone_candidate_is_asked_again_where_it_has_too_much_to_do() -> None:
    alone, two = GOVERNED.explain("gpt").to_dict()["policy"], GOVERNED.explain("task").to_dict()["policy"]
    assert (alone["actions.overloaded"]["value"], two["actions.overloaded"]["value"]) == ("retry", "next")


def test_what_leads_nowhere_is_governed_by_nothing() -> None:
    told = GOVERNED.explain("nothing")
    assert told.to_dict()["policy"] == {}
    assert "governed" not in str(told)


LAYERED = router(
    deck(
        [backend("a"), backend("b"), backend("c", enabled=False)],
        [
            model("a", "m", extra=FrozenDict({"tier": "spec", "deep": 1})),
            model("b", "m"),
            model("b", "n", constraints=Constraints(unsupported=frozenset({"top_k"}))),
            model("c", "n"),
            model("a", "draw", kind="img_gen"),
        ],
        active=profile(fallback_order=("c", "a", "b")),
        aliases=[
            alias("twice", [{"model": "m", "temperature": 0.3}, "m", "n"]),
            alias("m", "m"),
            alias("steps", {"model": "draw", "nb_steps": 4}),
        ],
        presets=[
            preset("task", {"model": "twice", "temperature": 0.5}, temperature=0.7, extra={"tier": "preset"}),
            preset("picky", "m", exclude=("a",)),
            preset("twice", "n", top_k=3),
            preset("draw_it", "steps", kind="img_gen", quality="low"),
        ],
    )
)


def settings_from(reference: object, **options: object) -> dict[str, dict[str, object]]:
    return LAYERED.explain(reference, **options).to_dict()["candidates"][0]["settings_from"]


def test_a_setting_names_who_said_it_and_whose_values_lost() -> None:
    told = settings_from("preset:task", settings={"temperature": 0.9})["temperature"]
    assert (told["value"], told["from"]) == (0.9, "the call")
    assert [(lost["value"], lost["from"], lost["key"]) for lost in told["lost"]] == [
        (0.7, 'preset "task"', "llm.presets.task"),
        (0.5, 'target "twice"', "llm.presets.task.model[0]"),
        (0.3, 'target "m"', "aliases.twice[0]"),
    ]


def test_an_inline_table_stands_between_call_and_preset() -> None:
    table = {"model": "preset:task", "temperature": 0.1, "seed": 4}
    told = settings_from(table, kind="llm", settings={"seed": 5})
    assert told["temperature"]["from"] == "the inline table"
    assert (told["seed"]["from"], told["seed"]["lost"][0]["from"]) == ("the call", "the inline table")


def test_the_keys_of_extra_are_told_one_by_one() -> None:
    told = settings_from("preset:task")
    assert (told["extra.tier"]["value"], told["extra.tier"]["from"]) == ("preset", 'preset "task"')
    assert [(lost["value"], lost["from"]) for lost in told["extra.tier"]["lost"]] == [("spec", "its spec")]
    assert told["extra.deep"]["from"] == "its spec"


def test_a_setting_that_takes_another_away_says_so() -> None:
    lost = settings_from("draw_it")["quality"]["lost"]
    assert [(each["value"], each["from"]) for each in lost] == [(4, 'target "draw"')]
    assert '-     nb_steps = 4, from target "draw", gives way' in str(LAYERED.explain("draw_it"))


def test_a_setting_that_is_not_to_be_sent_is_told() -> None:
    told = LAYERED.explain("preset:task", settings={"temperature": None})
    assert "temperature: none is sent, says the call" in [step.text for step in told.steps]


def texts(reference: str, **options: object) -> list[str]:
    return [step.text for step in LAYERED.explain(reference, **options).way if step.verdict == "lost"]


def test_who_is_passed_over_and_who_comes_later() -> None:
    assert texts("handle:m") == [
        '"c" comes before, but has no "m"',
        '"b" could serve it too, but comes later (without failover = true only the first is asked)',
    ]
    assert texts("handle:n") == [
        '"c" comes before, but is off: enabled = false',
        '"a" comes before, but has no "n"',
    ]


def test_who_is_struck_out_is_told() -> None:
    asked = router(
        deck(
            [backend("a"), backend("b")],
            [model("a", "m"), model("b", "m")],
            active=profile(failover=True),
            presets=[preset("picky", "m", exclude=("a",))],
        )
    )
    told = [step.text for step in asked.explain("picky").way]
    assert '"a" would serve it, but preset "picky" rules it out (exclude)' in told


def test_what_hides_behind_a_name_is_told() -> None:
    assert (
        texts("twice", kind="llm")[0] == 'there is an alias or chain "twice" too, but a preset of that name comes first'
    )
    assert 'there is a model "m" too, but an alias or chain of that name comes first' in texts("m")


def test_a_model_that_was_there_before_is_told() -> None:
    told = texts("alias:twice", settings={"temperature": 0.3})
    assert '"m" at "a" with these settings was there before' in told


def test_the_options_of_a_call_are_checked_and_their_faults_told() -> None:
    assert "no setting of llm" in (LAYERED.explain("m", settings={"temprature": 1}).error or "")
    assert 'no backend "x"' in (LAYERED.explain("m", provider="x").error or "")
    assert "rules out" in (LAYERED.explain("m", only=["b"]).error or "")
    assert LAYERED.explain("handle:m", provider="b").route.primary.backend == "b"


def test_the_answer_comes_first() -> None:
    assert str(LAYERED.explain("alias:twice")).startswith('alias:twice (llm): "m" at "a", then 2 more\n')
    assert str(LAYERED.explain("nothing")).startswith("nothing (kind unknown): leads nowhere")
