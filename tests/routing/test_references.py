"""What a reference means: sigils, order of meanings, pins, kinds, chains, providers, errors."""

from __future__ import annotations

import pytest
from routing.building import alias, backend, deck, found, model, preset, profile, router, served

from pipelex_like.errors import HandleNotFoundError, LLMHandleNotFoundError, LLMPresetNotFoundError, ResolveError

BACKENDS = [
    backend("openai"),
    backend("azure_openai", other_names=("azure", "ms")),
    backend("hf", unlisted=("*/*",)),
    backend("strict", unlisted=False),
    backend("off", enabled=False),
    backend("internal", sdk="pypdfium2"),
]
MODELS = [
    model("openai", "gpt", "gpt-2025"),
    model("azure_openai", "gpt", "gpt-azure"),
    model("openai", "both"),
    model("openai", "flux-pro/v1.1", "fal-ai/flux-pro/v1.1", kind="img_gen"),
    model("openai", "pic", kind="img_gen"),
    model("internal", "pdf", kind="extract", sdk="pypdfium2"),
    model("strict", "only"),
    model("openai", "@cf/llama"),
    model("openai", "shared", "gpt-2025"),
    model("off", "asleep"),
]
ALIASES = [
    alias("fast", "gpt"),
    alias("gpt2", "@fast"),
    alias("chain", ["gpt", "only"]),
    alias("all", ["gpt", "pic", "pdf"]),
    alias("mine", "gpt", kind="llm", layer=0),
    alias("mine", "pic", layer=0),
    alias("near", "gpt", kind="llm", layer=0),
    alias("near", "only", layer=1),
    alias("both", "only", kind="llm"),
    alias("picture", "pic", kind="img_gen"),
    alias("arn", "azure/arn:aws:bedrock:us-east-1:1:model/x:8b"),
    alias("only", ["only", "gpt"], kind="llm"),
]
PRESETS = [
    preset("task", "gpt", temperature=0.1),
    preset("gpt2", "only"),
    preset("fast", "fast"),
    preset("draw", "pic", kind="img_gen"),
    preset("task", "pic", kind="img_gen"),
    preset("chained", ["chain", "fast"]),
]


def go(active=None, **changes):
    given = {"aliases": ALIASES, "presets": PRESETS, **changes}
    return router(deck(BACKENDS, MODELS, active=active, **given))


OPENAI, AZURE = ("openai", "gpt-2025"), ("azure_openai", "gpt-azure")

MEANINGS = [
    ("gpt", None, [OPENAI]),
    ("gpt-2025", None, [OPENAI]),
    ("gpt-azure", None, [AZURE]),
    ("handle:gpt", None, [OPENAI]),
    ("fast", None, [OPENAI]),
    ("@fast", None, [OPENAI]),
    ("alias:fast", None, [OPENAI]),
    ("~chain", None, [OPENAI, ("strict", "only")]),
    ("waterfall:chain", None, [OPENAI, ("strict", "only")]),
    ("@chain", None, [OPENAI, ("strict", "only")]),
    ("gpt2", None, [("strict", "only"), OPENAI]),
    ("@gpt2", None, [OPENAI]),
    ("$task", "llm", [OPENAI]),
    ("preset:task", "img_gen", [("openai", "pic")]),
    ("$chained", None, [OPENAI, ("strict", "only")]),
    ("all", "llm", [OPENAI]),
    ("all", "img_gen", [("openai", "pic")]),
    ("all", "extract", [("internal", "pdf")]),
    ("mine", "llm", [OPENAI]),
    ("mine", "img_gen", [("openai", "pic")]),
    ("near", "llm", [("strict", "only"), OPENAI]),
    ("both", "llm", [("strict", "only"), OPENAI]),
    ("handle:both", None, [("openai", "both")]),
    ("flux-pro/v1.1", None, [("openai", "fal-ai/flux-pro/v1.1")]),
    ("fal-ai/flux-pro/v1.1", None, [("openai", "fal-ai/flux-pro/v1.1")]),
    ("@cf/llama", None, [("openai", "@cf/llama")]),
    ("azure/gpt", None, [AZURE]),
    ("ms/gpt-azure", None, [AZURE]),
    ("azure_openai/gpt", None, [AZURE]),
    ("openai/gpt-2025", None, [OPENAI]),
    ("openai/new:free", None, [("openai", "new:free")]),
    ("openai/new:free", "img_gen", [("openai", "new:free")]),
    ("arn", None, [("azure_openai", "arn:aws:bedrock:us-east-1:1:model/x:8b")]),
    ("org/model:together", None, [("hf", "org/model:together")]),
    ("only", None, [("strict", "only"), OPENAI]),
    ("openai/flux-pro/v1.1", None, [("openai", "fal-ai/flux-pro/v1.1")]),
]


@pytest.mark.parametrize(("reference", "kind", "candidates"), MEANINGS)
def test_a_reference_means(reference, kind, candidates) -> None:
    route = go().resolve(reference, kind)
    assert served(route) == candidates
    assert route.reference == reference
    assert kind is None or route.kind == kind


def test_the_kind_is_found_where_only_one_fits() -> None:
    got = go()
    assert [got.resolve(name).kind for name in ("gpt", "pic", "pdf", "picture", "draw", "fal-ai/flux-pro/v1.1")] == [
        "llm",
        "img_gen",
        "extract",
        "img_gen",
        "img_gen",
        "img_gen",
    ]
    assert got.resolve("openai/pic").kind == "img_gen"
    assert got.resolve("openai/unknown").kind == "llm"


@pytest.mark.parametrize(
    ("reference", "kinds"), [("all", "llm, extract, img_gen"), ("task", "llm, img_gen"), ("mine", "llm, img_gen")]
)
def test_an_ambiguous_name_lists_its_kinds(reference: str, kinds: str) -> None:
    with pytest.raises(ResolveError, match=kinds) as raised:
        go().resolve(reference)
    assert not isinstance(raised.value, HandleNotFoundError)


UNKNOWN = [
    ("gtp", None, LLMHandleNotFoundError, "gpt"),
    ("gtp", "llm", LLMHandleNotFoundError, "gpt"),
    ("handle:gtp", None, LLMHandleNotFoundError, "gpt"),
    ("@fats", None, LLMHandleNotFoundError, "fast"),
    ("preset:taks", None, LLMPresetNotFoundError, "task"),
    ("$taks", "llm", LLMPresetNotFoundError, "task"),
    ("pid", "img_gen", HandleNotFoundError, "pic"),
    ("$drew", "img_gen", HandleNotFoundError, "draw"),
    ("pdg", "extract", HandleNotFoundError, "pdf"),
    ("", None, LLMHandleNotFoundError, None),
    ("$", None, LLMPresetNotFoundError, None),
    ("zzzzzzzz", None, LLMHandleNotFoundError, None),
]


@pytest.mark.parametrize(("reference", "kind", "error", "suggestion"), UNKNOWN)
def test_an_unknown_name_has_its_error_and_the_nearest_names(reference, kind, error, suggestion) -> None:
    with pytest.raises(ResolveError) as raised:
        go(active=profile(exclude=("hf",))).resolve(reference, kind)
    assert type(raised.value) is error
    assert raised.value.kind == kind
    if suggestion is not None:
        assert raised.value.suggestions[0] == suggestion
        assert f'"{suggestion}"' in str(raised.value)


KNOWN_BUT = [
    ("pic", "llm", "is of kind img_gen"),
    ("openai/pic", "llm", "is of kind img_gen"),
    ("asleep", None, "enabled = true"),
    ("off/anything", None, '"off" is off'),
    ("strict/new", None, "unlisted = false"),
    ("picture", "extract", "is of kind img_gen"),
]


@pytest.mark.parametrize(("reference", "kind", "message"), KNOWN_BUT)
def test_a_known_name_that_leads_nowhere_is_a_resolve_error(reference, kind, message) -> None:
    with pytest.raises(ResolveError, match=message) as raised:
        go().resolve(reference, kind)
    assert type(raised.value) is ResolveError


def test_a_pin_beats_stand_ins_routes_and_default_but_not_only_and_exclude() -> None:
    active = profile(default="azure_openai", routes={"gpt": "azure_openai"}, stand_ins={"gpt": "only"})
    assert served(go(active).resolve("openai/gpt")) == [OPENAI]
    with pytest.raises(ResolveError, match="rules it out"):
        go(profile(exclude=("openai",))).resolve("openai/gpt")


def test_of_two_models_with_one_id_the_first_that_is_served_counts() -> None:
    assert go().resolve("gpt-2025").primary.handle == "gpt"
    got = go(profile(routes={"gpt": "off"}))
    assert got.resolve("gpt-2025").primary.handle == "shared"


def test_a_chain_skips_what_nobody_serves() -> None:
    chain = [alias("c", ["asleep", "gpt"])]
    assert served(go(aliases=chain, presets=[]).resolve("c")) == [OPENAI]


def test_an_alias_in_a_preset_or_alias_of_its_own_name_is_the_next_thing_of_that_name() -> None:
    got = go()
    assert served(got.resolve("$fast")) == [OPENAI]
    assert served(got.resolve("@only")) == [("strict", "only"), OPENAI]


def test_two_ways_to_one_model_are_one_candidate_unless_the_settings_differ() -> None:
    aliases = [
        alias("a", ["gpt", "fast", {"model": "gpt", "temperature": 0.5}, {"model": "gpt", "temperature": 0.5}]),
        alias("fast", "gpt"),
        alias("top", {"model": "a", "temperature": 1.0}),
    ]
    got = go(aliases=aliases, presets=[])
    assert [c.settings for c in got.resolve("a").candidates] == [{}, {"temperature": 0.5}]
    assert [c.settings for c in got.resolve("top").candidates] == [{"temperature": 1.0}]


def test_chains_flatten_depth_first() -> None:
    aliases = [alias("a", ["b", "only"]), alias("b", ["azure/gpt", "c"]), alias("c", ["gpt", "both"])]
    assert served(go(aliases=aliases, presets=[]).resolve("a")) == [
        AZURE,
        OPENAI,
        ("openai", "both"),
        ("strict", "only"),
    ]


PROVIDERS = [
    ("gpt", "azure", [AZURE]),
    ("chain", "azure_openai", [AZURE]),
    ("$chained", "azure", [AZURE]),
    ("openai/gpt", "azure", [("azure_openai", "openai/gpt")]),
    ("azure/gpt", "azure", [AZURE]),
    ("new-id", "openai", [("openai", "new-id")]),
    ("handle:gpt", "azure", [AZURE]),
    ("gpt-2025", "openai", [OPENAI]),
    ("gpt", "direct", [OPENAI]),
    ("both", "openai", [OPENAI]),
]


@pytest.mark.parametrize(("reference", "provider", "candidates"), PROVIDERS)
def test_provider_pins_every_candidate(reference, provider, candidates) -> None:
    assert served(go().route(reference, "llm", provider=provider)) == candidates
    assert served(go().route({"model": reference, "provider": provider}, "llm")) == candidates


def test_a_provider_that_serves_none_of_them_is_an_error() -> None:
    with pytest.raises(ResolveError, match='"hf" does not serve'):
        go().route("chain", "llm", provider="hf")
    with pytest.raises(ResolveError, match="unlisted = false"):
        go().route("gpt", "llm", provider="strict")
    with pytest.raises(ResolveError, match='Did you mean "azure"'):
        go().route("gpt", "llm", provider="azur")


def test_provider_of_a_preset_and_of_a_chain_element() -> None:
    presets = [
        preset("p", ["gpt", "only"], provider="azure"),
        preset("q", [{"model": "gpt", "provider": "ms"}, "gpt"]),
        preset("v", "brand-new", provider="openai"),
    ]
    got = go(presets=presets)
    assert served(got.resolve("p")) == [AZURE]
    assert served(got.resolve("q")) == [AZURE, OPENAI]
    assert served(got.resolve("v")) == [("openai", "brand-new")]
    assert served(got.route("p", "llm", provider="openai")) == [OPENAI]


def test_only_and_exclude_strike_candidates_out() -> None:
    got = go()
    assert served(got.route("chain", "llm", only=["strict"])) == [("strict", "only")]
    assert served(got.route("chain", "llm", exclude=["strict"])) == [OPENAI]
    assert served(got.route({"model": "chain", "exclude": ["openai"]}, "llm")) == [("strict", "only")]
    with pytest.raises(ResolveError, match="rules out"):
        got.route("gpt", "llm", only=["azure"])
    with pytest.raises(ResolveError, match="rules out"):
        got.route("openai/gpt", "llm", exclude=["openai"])
    limited = [preset("p", "chain", only=("openai", "azure")), preset("q", "chain", exclude=("openai",))]
    assert served(go(presets=limited).resolve("p")) == [OPENAI]
    with pytest.raises(ResolveError, match="rules out"):
        go(presets=limited).route("q", "llm", only=["openai"])


def test_default_choices_and_the_key_to_write_where_there_is_none() -> None:
    got = go(choices={("llm", "for_text"): "fast", ("extract", "default"): "pdf"})
    assert (got.default("llm", "for_text"), got.default("llm", "for_object")) == ("fast", "fast")
    assert got.default("extract", "default") == "pdf"
    with pytest.raises(ResolveError, match=r"\[img_gen\] choice_default"):
        got.default("img_gen", "default")
    with pytest.raises(ResolveError, match=r"\[llm.choice_defaults\] for_object"):
        go().default("llm", "for_object")


def test_a_kind_that_does_not_exist_is_a_resolve_error() -> None:
    with pytest.raises(ResolveError, match='no kind "video"'):
        go().resolve("gpt", "video")


def test_a_resolved_route_is_remembered() -> None:
    got = go()
    assert got.resolve("chain") is got.resolve("chain")
    assert got.route("chain", "llm") is got.resolve("chain", "llm")


def test_the_deck_of_the_references_is_without_errors() -> None:
    assert [
        entry for entry in found(deck(BACKENDS, MODELS, aliases=ALIASES, presets=PRESETS)) if entry[0] == "error"
    ] == []
