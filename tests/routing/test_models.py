"""Models that variables declare, providers behind ids, mirrors, and models that are switched off or retired."""

from __future__ import annotations

import pytest
from routing.building import LOCAL, alias, backend, bound, deck, found, model, preset, profile, router, served

from pipelex_like.deck import Costs, ModelSpec
from pipelex_like.errors import LLMHandleNotFoundError, ResolveError
from pipelex_like.types import FrozenDict

CUSTOM = backend("custom", models="${AI_MODELS}", unlisted=("*",))


def test_models_of_a_variable_are_handles() -> None:
    got = router(deck([CUSTOM]), {"AI_MODELS": "fast: org/model:free , slow:big"})
    assert served(got.resolve("fast")) == [("custom", "org/model:free")]
    assert served(got.resolve("slow")) == [("custom", "big")]
    spec = got.resolve("fast").primary.spec
    assert (spec.listed, spec.costs, spec.origin) == (False, Costs(), CUSTOM.default_spec.origin)


def test_with_models_the_unlisted_patterns_do_not_count_and_without_they_do() -> None:
    with pytest.raises(LLMHandleNotFoundError):
        router(deck([CUSTOM]), {"AI_MODELS": "fast:x"}).resolve("anything")
    assert served(router(deck([CUSTOM]), {"AI_MODELS": " "}).resolve("anything")) == [("custom", "anything")]


@pytest.mark.parametrize("text", ["no-colon", "a:b,broken", ":id", "name:"])
def test_a_malformed_list_is_an_error_that_never_shows_the_value(text: str) -> None:
    from pipelex_like.routing import bind

    _, problems = bind(deck([CUSTOM]), {"AI_MODELS": text})
    assert [(problem.code, problem.key) for problem in problems] == [("malformed-list", "custom.models")]
    assert "AI_MODELS" in problems[0].message
    assert text not in str(problems[0])


def test_a_provider_is_put_behind_the_id_by_handle_or_by_id() -> None:
    models = [
        model("hf", "qwen", "Qwen/Qwen3"),
        model("hf", "glm", "zai/GLM"),
        model("hf", "own", "org/own:novita"),
        model("hf", "none", "org/none"),
    ]
    hf = backend("hf", model_providers="${PROVIDERS}")
    got = router(deck([hf], models), {"PROVIDERS": "qwen:together, zai/GLM : fal ,org/own:x, org/loose:groq"})
    assert served(got.resolve("qwen")) == [("hf", "Qwen/Qwen3:together")]
    assert served(got.resolve("zai/GLM")) == [("hf", "zai/GLM:fal")]
    assert served(got.resolve("own")) == [("hf", "org/own:novita")]
    assert served(got.resolve("none")) == [("hf", "org/none")]
    assert served(got.resolve("hf/org/loose")) == [("hf", "org/loose:groq")]


MIRROR = backend("sandbox", mirror=True, only_when_named=True)
REAL = [
    model("openai", "gpt", "gpt-1"),
    model("other", "gpt", "other/gpt"),
    model("openai", "img", kind="img_gen"),
    model("inside", "pdf", kind="extract", sdk="pypdfium2"),
    model("sandbox", "sandbox-text"),
]


def test_a_mirror_serves_every_model_by_its_own_sdk_but_those_that_send_no_request() -> None:
    assert not LOCAL.sends_requests
    owners = [backend("openai", enabled=False), backend("other"), backend("inside", sdk="pypdfium2"), MIRROR]
    got = bound(deck(owners, REAL))
    assert sorted(got.specs["sandbox"]) == ["gpt", "img", "sandbox-text"]
    assert (got.specs["sandbox"]["gpt"].model_id, got.specs["sandbox"]["img"].kind) == ("gpt-1", "img_gen")
    assert got.backends["sandbox"].kinds == ("llm", "img_gen")


def test_only_when_named_serves_for_a_profile_a_route_or_a_pin_alone() -> None:
    owners = [backend("openai", enabled=False), MIRROR]
    models = [spec for spec in REAL if spec.backend in ("openai", "sandbox")]
    plain = router(deck(owners, models))
    for name in ("gpt", "sandbox-text"):
        with pytest.raises(ResolveError, match=f"sandbox/{name}|enabled = true"):
            plain.resolve(name)
    assert served(plain.resolve("sandbox/gpt")) == [("sandbox", "gpt-1")]
    for active in (
        profile(default="sandbox"),
        profile(routes={"g*": "sandbox"}),
        profile(optional_routes={"gpt": "sandbox"}),
        profile(fallback_order=("sandbox",)),
    ):
        assert served(router(deck(owners, models, active=active)).resolve("gpt")) == [("sandbox", "gpt-1")]


def test_a_stand_in_names_its_model_so_that_its_backend_may_serve_it() -> None:
    active = profile(stand_ins={"*": ["sandbox-text"]})
    got = router(
        deck([backend("openai"), backend("sandbox", only_when_named=True)], REAL[:1] + REAL[4:], active=active)
    )
    assert served(got.resolve("gpt")) == [("sandbox", "sandbox-text")]


def test_a_model_that_is_switched_off_is_served_by_nobody_and_known_all_the_same() -> None:
    off = model("x", "m", enabled=False)
    model_deck = deck([backend("x")], [off], aliases=[alias("a", "m")])
    assert found(model_deck) == []
    got = router(model_deck)
    for reference in ("m", "a", "x/m"):
        with pytest.raises(ResolveError, match=r"enabled = (true|false)"):
            got.resolve(reference)


def test_a_retired_model_is_a_warning_where_the_deck_names_it() -> None:
    old = [model("x", "old", retired=True), model("x", "new")]
    assert found(deck([backend("x")], old)) == []
    assert found(deck([backend("x")], old, aliases=[alias("a", ["old", "new"])])) == [
        ("warning", "retired-model", "aliases.a[0]")
    ]
    assert found(deck([backend("x")], old, presets=[preset("p", "x/old")])) == [
        ("warning", "retired-model", "llm.presets.p.model[0]")
    ]
    assert "retired" in str(router(deck([backend("x")], old)).explain("old"))


def test_default_costs_hold_for_ids_that_no_file_lists() -> None:
    from decimal import Decimal

    costs = Costs(tokens=FrozenDict({"input": Decimal(1)}))
    got = router(deck([backend("x", default_costs=costs)]))
    assert got.resolve("x/any").primary.spec.costs == costs


def test_a_backend_without_a_spec_file_takes_no_unlisted_id() -> None:
    spec = backend("x", default_spec=None, sdks=())
    model_deck = deck([spec], aliases=[alias("a", "x/any")])
    assert found(model_deck) == [("warning", "unserved-pin", "aliases.a[0]")]
    with pytest.raises(ResolveError, match="does not serve"):
        router(model_deck).resolve("x/any")


def test_handles_and_ids_are_indexed_in_the_order_of_the_backends() -> None:
    models = [model("b", "m", "b-id"), model("a", "m", "a-id"), model("a", "n", "b-id")]
    got = bound(deck([backend("a"), backend("b")], models))
    assert got.handles == {"m": ("a", "b"), "n": ("a",)}
    assert got.model_ids == {"a-id": (("a", "m"),), "b-id": (("a", "n"), ("b", "m"))}
    assert isinstance(got.specs["a"]["m"], ModelSpec)
