"""What a refused reference tells: where, what, and a way out that works; nothing twice."""

from __future__ import annotations

import pytest
from routing.building import alias, backend, deck, model, preset, profile, router

from pipelex_like.errors import LLMHandleNotFoundError, LLMPresetNotFoundError, ResolveError
from pipelex_like.routing import Router, bind

BACKENDS = [
    backend("alpha"),
    backend("beta"),
    backend("gamma", enabled="auto", api_key="${GAMMA_KEY}"),
    backend("internal", sdk="pypdfium2"),
]
MODELS = [
    model("alpha", "gpt", "gpt-a"),
    model("beta", "gpt", "gpt-b"),
    model("alpha", "claude"),
    model("beta", "mistral"),
    model("gamma", "gem"),
    model("alpha", "pic", kind="img_gen"),
    model("internal", "pdf", kind="extract", sdk="pypdfium2"),
]
ALIASES = [alias("smart", "gpt"), alias("chain", ["gpt", "claude", "gem"])]
PRESETS = [preset("task", "gpt"), preset("strict", ["gpt", "claude"], only=("beta",))]


def go(active=None, **changes: object) -> Router:
    return router(deck(BACKENDS, MODELS, active=active, aliases=ALIASES, presets=PRESETS, **changes))


def refusal(asked: Router, reference: str, kind=None, **options: object) -> str:
    with pytest.raises(ResolveError) as caught:
        asked.route(reference, kind or "llm", **options)
    return str(caught.value)


def test_a_form_that_does_not_fit_says_what_the_name_is() -> None:
    asked = go()
    for reference, error, said in [
        ("@gpt", LLMHandleNotFoundError, 'there is no alias or chain "gpt". It is a model: write "gpt".'),
        ("~gpt", LLMHandleNotFoundError, 'there is no alias or chain "gpt". It is a model: write "gpt".'),
        ("$smart", LLMPresetNotFoundError, 'there is no preset "smart". It is an alias: write "smart".'),
        ("handle:smart", LLMHandleNotFoundError, 'there is no model "smart". It is an alias: write "smart".'),
        ("alias:task", LLMHandleNotFoundError, 'there is no alias or chain "task". It is a preset: write "task".'),
        ("@smrt", LLMHandleNotFoundError, 'there is no alias or chain "smrt". Did you mean "smart"?'),
        ("handle:gtp", LLMHandleNotFoundError, 'there is no model "gtp". Did you mean "gpt"?'),
    ]:
        with pytest.raises(error) as caught:
            asked.resolve(reference, "llm")
        assert str(caught.value) == said


def test_a_target_of_another_form_is_told_the_same_way() -> None:
    _, problems = bind(deck(BACKENDS, MODELS, aliases=[alias("a", "@gpt"), alias("b", "handle:a")]), {})
    assert [(problem.message, problem.hint) for problem in problems if problem.severity == "error"] == [
        ('there is no alias or chain "gpt".', 'It is a model: write "gpt".'),
        ('there is no model "a".', 'It is an alias: write "a".'),
    ]


def test_a_wrong_backend_before_the_slash_is_mended_and_not_dropped() -> None:
    assert 'Did you mean "alpha/gpt"?' in refusal(go(), "alhpa/gpt")
    _, problems = bind(deck(BACKENDS, MODELS, aliases=[alias("a", "alhpa/gpt")]), {})
    assert [problem.hint for problem in problems] == ['Did you mean "alpha/gpt"?']


def test_another_kind_names_only_kinds_that_the_name_really_leads_to() -> None:
    told = refusal(go(), "smart", "img_gen")
    assert told == '"smart" stands for no model of kind img_gen: it is of kind llm.'


def test_backends_that_a_call_names_must_exist() -> None:
    asked = go()
    assert refusal(asked, "gpt", only=["bteta"]) == 'only: there is no backend "bteta". Did you mean "beta"?'
    assert refusal(asked, "gpt", exclude=["alpah"]) == 'exclude: there is no backend "alpah". Did you mean "alpha"?'
    with pytest.raises(ResolveError, match=r'only: there is no backend "x"'):
        asked.route({"model": "gpt", "only": ["x"]}, "llm")


def test_struck_out_candidates_are_told_once_with_whose_rule_it_was() -> None:
    told = refusal(go(), "strict")
    assert told == (
        '"gpt" and "claude" would go to "alpha", which preset "strict" rules out (only). '
        'What helps: ask for "beta/gpt".'
    )
    assert 'which the call rules out (exclude). What helps: ask for "beta/gpt".' in refusal(
        go(), "gpt", exclude=["alpha"]
    )


def test_models_that_a_provider_lacks_are_told_in_one_sentence() -> None:
    told = refusal(go(), "chain", provider="internal")
    assert told == '"internal" does not serve "gpt", "claude" and "gem".'


def test_a_binding_route_is_named_with_its_line() -> None:
    bound, _ = bind(deck(BACKENDS, MODELS, active=profile(routes={"mis*": "alpha"})), {})
    asked = Router(bound, locate=lambda file, path: 7)
    assert 'profiles.p.routes."mis*" (routing_profiles.toml:7) holds "mistral" for "alpha"' in refusal(asked, "mistral")


def test_a_backend_that_the_profile_rules_out_is_not_told_to_be_switched_on() -> None:
    asked = go(profile(only=("beta",)))
    assert refusal(asked, "alpha/gpt") == (
        'Backend "alpha" is off: the profile "p" rules it out (only). '
        'What helps: add "alpha" to only in the profile "p", or choose another profile.'
    )


def test_an_optional_route_makes_a_key_enough() -> None:
    asked = go(profile(fallback_order=(), optional_routes={"gem": "gamma"}))
    assert (
        refusal(asked, "gem")
        == 'Nobody serves "gem" here under the profile "p". What helps: set GAMMA_KEY (for gamma).'
    )


def test_ways_out_are_gathered_for_a_chain() -> None:
    asked = go(profile(fallback_order=()))
    assert refusal(asked, "chain").endswith(
        'What helps: set GAMMA_KEY (for gamma) and ask for "gamma/gem"; or name "alpha" or "beta" in the profile "p" '
        '(routing_profiles.toml), or choose another; or ask for "alpha/gpt", "beta/gpt" or "alpha/claude".'
    )


def test_a_model_id_is_only_advised_where_a_backend_has_it() -> None:
    told = refusal(go(profile(fallback_order=())), "gpt-b")
    assert '"beta/gpt"' in told
    assert '"alpha' not in told


def test_profiles_without_a_key_are_named_by_what_they_do_for_the_kind() -> None:
    keyless = [profile("local"), profile("sandbox")]
    bare = [backend("gamma", enabled="auto", api_key="${GAMMA_KEY}"), backend("internal", sdk="pypdfium2")]
    models = [model("gamma", "gem"), model("gamma", "pic", kind="img_gen")]
    asked = router(deck(bare, models, active=profile("auto"), others=keyless))
    assert 'try the profile "local" (a real, small model in this process) or "sandbox"' in refusal(asked, "gem")
    drawn = refusal(asked, "pic", "img_gen")
    assert 'try the profile "sandbox" (simulated pictures; "local" draws none), as in PIPELEX_PROFILE=sandbox' in drawn


def test_what_a_profile_lacks_is_told_with_the_way_to_it() -> None:
    told = {}
    for active in [profile(default="kit"), profile(routes={"g*": "kit"}), profile(stand_ins={"g*": "gem"})]:
        _, problems = bind(deck(BACKENDS, MODELS, active=active), {})
        told.update({problem.code: problem.hint for problem in problems})
    declare = 'Declare [kit] there, or begin that file with extends = "pipelex_like", which brings the packaged ones.'
    assert told == {
        "disabled-default": declare,
        "route-to-disabled-backend": declare,
        "stand-in-unserved": "What helps: set GAMMA_KEY (for gamma).",
    }


def test_a_provider_takes_a_name_as_written_but_no_preset_that_is_not_there() -> None:
    asked = go()
    assert asked.route("@cf/new", "llm", provider="alpha").primary.model_id == "@cf/new"
    for reference in ("$tsk", "preset:tsk"):
        with pytest.raises(LLMPresetNotFoundError, match=r'no preset "tsk". Did you mean "task"\?'):
            asked.route(reference, "llm", provider="alpha")


def test_an_exact_route_to_a_backend_that_refuses_unlisted_models_says_where_to_list_it() -> None:
    shut = [*BACKENDS, backend("shut", unlisted=False)]
    active = profile(optional_routes={"brand-new": "shut", "newer": "alpha"})
    _, problems = bind(deck(shut, MODELS, active=active), {})
    assert [(problem.message, problem.hint) for problem in problems] == [
        (
            'no spec file lists "brand-new", and "shut" takes no unlisted model (unlisted = false).',
            "Add a table for it to backends/shut.toml.",
        ),
        ('no spec file lists "newer"; it is sent to "alpha" as it is written.', ""),
    ]
