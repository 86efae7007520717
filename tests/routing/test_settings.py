"""What is sent: whose settings win, and what a model's constraints make of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from routing.building import alias, backend, deck, model, preset, profile, router, settings

from pipelex_like.deck import Constraints, Policy
from pipelex_like.errors import ResolveError
from pipelex_like.routing import fit
from pipelex_like.types import FrozenDict

PLAIN = model("x", "m")


def spec(**constraints: object):
    rest = {key: constraints.pop(key) for key in ("max_tokens", "extra") if key in constraints}
    return model("x", "m", constraints=Constraints(**constraints), **rest)


FITS = [
    (PLAIN, {"temperature": 0.2}, {"temperature": 0.2}, None),
    (PLAIN, {"temperature": None}, {}, None),
    (spec(fixed_temperature=1.0), {"temperature": 0.2}, {"temperature": 1.0}, "temperature: 0.2 became 1,"),
    (spec(fixed_temperature=1.0), {"temperature": 1}, {"temperature": 1}, None),
    (spec(fixed_temperature=1.0), {}, {}, None),
    (spec(temperature_unsupported=True), {"temperature": 0.2}, {}, "temperature: 0.2 left out"),
    (spec(max_tokens=100), {"max_tokens": 200}, {"max_tokens": 100}, "max_tokens: 200 lowered to 100"),
    (spec(max_tokens=100), {"max_tokens": 50}, {"max_tokens": 50}, None),
    (spec(max_tokens=100), {}, {}, None),
    (spec(max_tokens="auto"), {"max_tokens": 50}, {"max_tokens": 50}, None),
    (spec(max_tokens=100), {"max_tokens": "auto"}, {}, None),
    (spec(min_thinking_budget=1024), {"reasoning_budget": 5}, {"reasoning_budget": 1024}, "5 raised to 1024"),
    (spec(max_thinking_budget=10), {"reasoning_budget": 50}, {"reasoning_budget": 10}, "50 lowered to 10"),
    (spec(min_thinking_budget=1024), {"reasoning_budget": 0}, {"reasoning_budget": 0}, None),
    (spec(thinking_cannot_be_disabled=True), {"reasoning_budget": 0}, {}, "reasoning_budget: 0 left out"),
    (
        spec(thinking_cannot_be_disabled=True, min_thinking_budget=128),
        {"reasoning_budget": 0},
        {"reasoning_budget": 128},
        "0 raised to 128",
    ),
    (
        spec(thinking_cannot_be_disabled=True),
        {"reasoning_effort": "none"},
        {"reasoning_effort": "low"},
        "reasoning_effort: none became low",
    ),
    (spec(thinking_cannot_be_disabled=True), {"reasoning_effort": "high"}, {"reasoning_effort": "high"}, None),
    (spec(unsupported=frozenset({"top_k"})), {"top_k": 4, "seed": 1}, {"seed": 1}, "top_k: 4 left out"),
    (spec(unsupported=frozenset({"user"})), {"user": "someone"}, {}, "user: left out"),
    (
        spec(extra=FrozenDict({"a": 1, "b": 2})),
        {"extra": FrozenDict({"b": 3, "c": 4})},
        {"extra": {"a": 1, "b": 3, "c": 4}},
        None,
    ),
    (spec(extra=FrozenDict({"a": 1})), {}, {"extra": {"a": 1}}, None),
    (spec(extra=FrozenDict({"a": 1})), {"extra": None}, {}, None),
]


@pytest.mark.parametrize(("model_spec", "given", "sent", "note"), FITS)
def test_fit(model_spec, given, sent, note) -> None:
    got, adapted = fit(given, model_spec)
    assert got == sent
    if note is None:
        assert adapted == ()
    else:
        (line,) = adapted
        assert note in line
        assert "someone" not in line


BACKENDS = [backend("x")]
MODELS = [
    model("x", "m", extra=FrozenDict({"from": "spec", "spec": 1})),
    model("x", "n", constraints=Constraints(fixed_temperature=1.0)),
    model("x", "pic", kind="img_gen"),
]
ALIASES = [
    alias("inner", {"model": "m", "temperature": 0.1, "top_p": 0.1, "top_k": 1, "extra": {"from": "inner", "in": 1}}),
    alias("outer", {"model": "inner", "temperature": 0.2, "top_p": 0.2}),
    alias("chain", [{"model": "outer", "seed": 1}, "n"]),
]
PRESETS = [
    preset("task", "outer", temperature=0.3, extra={"from": "preset"}),
    preset("two", "chain", temperature=0.3),
    preset("draw", {"model": "pic", "nb_steps": 4}, kind="img_gen", guidance_scale=5.0),
    preset("fine", "pic", kind="img_gen", quality="high", aspect_ratio="square"),
]
ROUTER = router(deck(BACKENDS, MODELS, aliases=ALIASES, presets=PRESETS))


def test_the_nearest_to_the_caller_wins() -> None:
    assert ROUTER.resolve("inner").primary.given == settings(
        temperature=0.1, top_p=0.1, top_k=1, extra={"from": "inner", "in": 1}
    )
    one = ROUTER.resolve("task").primary
    assert one.given == settings(temperature=0.3, top_p=0.2, top_k=1, extra={"from": "preset", "in": 1})
    assert one.settings["extra"] == {"from": "preset", "in": 1, "spec": 1}
    table = {"model": "task", "temperature": 0.4, "top_k": 4}
    called = ROUTER.route(table, "llm", settings={"temperature": 0.5, "extra": {"from": "call"}}).primary
    assert called.settings == settings(temperature=0.5, top_p=0.2, top_k=4, extra={"from": "call", "in": 1, "spec": 1})


def test_none_on_a_call_sends_no_value() -> None:
    one = ROUTER.route("task", "llm", settings={"temperature": None, "extra": None}).primary
    assert "temperature" not in one.settings
    assert "extra" not in one.settings
    assert "temperature" not in one.given


def test_quality_takes_nb_steps_away_and_the_other_way_round() -> None:
    assert ROUTER.route("draw", "img_gen", settings={"quality": "low"}).primary.settings == settings(
        guidance_scale=5.0, quality="low"
    )
    assert ROUTER.route("fine", "img_gen", settings={"nb_steps": 2, "size": "1x1"}).primary.settings == settings(
        nb_steps=2, size="1x1"
    )


def test_each_candidate_has_its_own_settings_and_what_was_adapted() -> None:
    route = ROUTER.resolve("two")
    first, second = route.candidates
    assert first.settings["temperature"] == 0.3
    assert (second.settings, second.given) == ({"temperature": 1.0}, {"temperature": 0.3})
    assert second.adapted[0].startswith("temperature: 0.3 became 1")
    assert route.settings == {"temperature": 0.3}
    assert route.preset == "two"


def test_candidates_are_compared_by_what_is_sent() -> None:
    chain = [alias("c", [{"model": "n", "temperature": 0.2}, {"model": "n", "temperature": 0.4}])]
    assert len(router(deck(BACKENDS, MODELS, aliases=chain)).resolve("c").candidates) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temprature": 1}, 'Did you mean "temperature"'),
        ({"temperature": 7}, "above 2"),
        ({"temperature": "hot"}, "expected number"),
        ({"quality": "low"}, "no setting of llm"),
    ],
)
def test_a_wrong_setting_of_a_call_is_an_error(given, message) -> None:
    with pytest.raises(ResolveError, match=message):
        ROUTER.route("m", "llm", settings=given)
    with pytest.raises(ResolveError, match=message):
        ROUTER.route({"model": "m", **given}, "llm")


def test_an_inline_table_needs_a_model_and_lists_of_backends() -> None:
    with pytest.raises(ResolveError, match='"model"'):
        ROUTER.route({"temperature": 1}, "llm")
    with pytest.raises(ResolveError, match="only: expected a list"):
        ROUTER.route({"model": "m", "only": "x"}, "llm")


def test_policy_of_the_nearest_wins_key_by_key() -> None:
    near = Policy(timeout=5, actions=FrozenDict({"timeout": "stop"}))
    far = Policy(timeout=50, max_attempts=3, actions=FrozenDict({"timeout": "next", "server": "stop"}))
    active = profile(policy=Policy(max_attempts=9, max_retries=1))
    aliases = [alias("a", {"model": "m", "policy": far}), alias("c", [{"model": "m", "policy": far, "seed": 1}, "n"])]
    presets = [preset("p", "a", policy=near), preset("q", "c", policy=near)]
    got = router(deck(BACKENDS, MODELS, active=active, aliases=aliases, presets=presets))
    merged = got.resolve("p").policy
    assert (merged.timeout, merged.max_attempts, merged.max_retries) == (5, 3, 1)
    assert merged.actions == {"timeout": "stop", "server": "stop"}
    # Of a chain only what all of its models say alike holds for the whole call.
    assert got.resolve("q").policy == Policy(timeout=5, max_attempts=9, max_retries=1, actions=near.actions)
    assert got.route({"model": "p", "timeout": 1}, "llm").policy.timeout == 1


def test_what_an_inline_table_says_of_the_call_is_checked_and_made_plain() -> None:
    table = {"model": "m", "max_cost": 0.1, "weights": {"x": 1}, "cache": True, "actions": {"server": "next"}}
    policy = ROUTER.route(table, "llm").policy
    assert (policy.max_cost, policy.weights, policy.cache) == (Decimal("0.1"), {"x": 1}, True)
    assert hash(policy) == hash(ROUTER.route(table, "llm").policy)
    for wrong, words in [
        ({"max_cost": 0}, "max_cost: expected US dollars above 0"),
        ({"balance": "cheapst"}, 'Did you mean "cheapest"'),
        ({"max_waiting": 1}, '"max_waiting" is no setting of llm'),
    ]:
        with pytest.raises(ResolveError, match=words):
            ROUTER.route({"model": "m", **wrong}, "llm")


def test_weights_are_taken_whole_from_whoever_is_nearest() -> None:
    near, far = (Policy(weights=FrozenDict({name: 1.0})) for name in ("near", "far"))
    got = router(deck(BACKENDS, MODELS, active=profile(policy=far), presets=[preset("p", "m", policy=near)]))
    assert got.resolve("p").policy.weights == {"near": 1.0}
    assert got.resolve("m").policy.weights == {"far": 1.0}


def test_settings_of_a_call_that_are_not_frozen_are_taken() -> None:
    one = ROUTER.route("m", "llm", settings={"stop": ["a"], "logit_bias": {"1": 2}}).primary
    assert one.settings["stop"] == ("a",)
