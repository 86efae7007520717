"""What bind says of references that cannot work, each cause once, with its place."""

from __future__ import annotations

import pytest
from routing.building import alias, backend, deck, errors, found, model, preset, profile

from pipelex_like.routing import bind

BACKENDS = [
    backend("openai", other_names=("oa",)),
    backend("strict", unlisted=False),
    backend("hf", enabled="auto", api_key="${HF_TOKEN}", unlisted=("hf-org/*",)),
    backend("proxy", unlisted=("*",)),
    backend("off", enabled=False),
    backend("internal", sdk="pypdfium2"),
]
MODELS = [
    model("openai", "gpt-4o"),
    model("openai", "gpt-4o-mini"),
    model("openai", "pic", kind="img_gen"),
    model("internal", "pdf", kind="extract", sdk="pypdfium2"),
    model("off", "asleep"),
]
LLM, EXTRACT = "LLMHandleNotFoundError", "HandleNotFoundError"

CASES = {
    "a name nobody knows": ([alias("a", "gpt-4oo")], [], [("error", LLM, "aliases.a[0]")]),
    "in an extract alias": ([alias("a", "pdff", "extract")], [], [("error", EXTRACT, "extract.aliases.a[0]")]),
    "in a preset": ([], [preset("p", "gpt-4oo")], [("error", LLM, "llm.presets.p.model[0]")]),
    "in an image preset": ([], [preset("p", "pix", "img_gen")], [("error", EXTRACT, "img_gen.presets.p.model[0]")]),
    "a preset by sign": ([alias("a", "$p")], [preset("p", "gpt-4o")], [("error", "preset-as-target", "aliases.a[0]")]),
    "a preset by name": ([alias("a", "p")], [preset("p", "gpt-4o")], [("error", "preset-as-target", "aliases.a[0]")]),
    "no such preset": ([alias("a", "preset:q")], [], [("error", "LLMPresetNotFoundError", "aliases.a[0]")]),
    "an image in an llm alias": ([alias("a", "pic", "llm")], [], [("error", "wrong-kind", "llm.aliases.a[0]")]),
    "an image pinned there": ([alias("a", "openai/pic", "llm")], [], [("error", "wrong-kind", "llm.aliases.a[0]")]),
    "an image in an llm preset": ([], [preset("p", "pic")], [("error", "wrong-kind", "llm.presets.p.model[0]")]),
    "an alias of other kinds": (
        [alias("a", ["pic", "pdf"])],
        [preset("p", "a")],
        [("error", "wrong-kind", "llm.presets.p.model[0]")],
    ),
    "all kinds in an alias for all": ([alias("a", ["pic", "pdf", "gpt-4o"])], [preset("p", "a")], []),
    "known but served by nobody": ([alias("a", "asleep"), alias("b", "off/asleep")], [], []),
    "an id that a pin takes": ([alias("a", "openai/new"), alias("b", "oa/new:free")], [], []),
    "an id that a pin refuses": ([alias("a", "strict/new")], [], [("error", "unlisted-refused", "aliases.a[0]")]),
    "an id of a backend switched off": ([alias("a", "off/new")], [], [("error", LLM, "aliases.a[0]")]),
    "an id of a backend without a key": (
        [alias("a", "hf/new")],
        [],
        [("warning", "known-only-where-off", "aliases.a[0]")],
    ),
    "a pattern of a backend without a key": (
        [alias("a", "hf-org/m")],
        [],
        [("warning", "known-only-where-off", "aliases.a[0]")],
    ),
    "twice in a chain": (
        [alias("a", ["gpt-4o", "pic", "gpt-4o"])],
        [],
        [("warning", "duplicate-in-chain", "aliases.a[2]")],
    ),
    "twice with other settings": ([alias("a", ["gpt-4o", {"model": "gpt-4o", "seed": 1}])], [], []),
    "an alias that hides a handle": (
        [alias("gpt-4o", "gpt-4o-mini")],
        [],
        [("warning", "alias-hides-handle", "aliases.gpt-4o")],
    ),
    "an alias of another kind hides none": ([alias("gpt-4o", "pic", "img_gen")], [], []),
    "a circle": (
        [alias("a", "b"), alias("b", ["c", "gpt-4o"]), alias("c", "a"), alias("d", "a")],
        [preset("p", "a")],
        [("error", "cycle", "aliases.a")],
    ),
    "a circle of one": ([alias("a", "a")], [], [("error", "cycle", "aliases.a[0]")]),
    "a circle of one by sign": ([alias("a", "@a")], [], [("error", "cycle", "aliases.a")]),
    "a preset of nothing but itself": ([], [preset("p", "p")], [("error", "cycle", "llm.presets.p.model[0]")]),
    "its own name is the next thing": ([alias("gpt-4o", ["gpt-4o", "pic"])], [preset("gpt-4o", "gpt-4o")], None),
    "two circles": (
        [alias("a", "b"), alias("b", "a"), alias("c", "d", "llm"), alias("d", "c", "llm")],
        [],
        [("error", "cycle", "aliases.a"), ("error", "cycle", "llm.aliases.c")],
    ),
    "two aliases of one name": (
        [alias("a", "gpt-4o"), alias("a", "@a", "llm")],
        [],
        [("error", "cycle", "llm.aliases.a")],
    ),
    "provider given": ([alias("a", {"model": "anything", "provider": "openai"})], [], []),
}


@pytest.mark.parametrize("case", CASES)
def test_references(case: str) -> None:
    aliases, presets, expected = CASES[case]
    problems = found(deck(BACKENDS, MODELS, aliases=aliases, presets=presets))
    if expected is None:
        assert [entry for entry in problems if entry[0] == "error"] == []
    else:
        assert problems == expected


def test_a_dangling_name_comes_with_the_nearest_one_and_a_circle_with_its_path() -> None:
    _, (dangling,) = bind(deck(BACKENDS, MODELS, aliases=[alias("a", "gpt-4omini")]), {})
    assert dangling.hint == 'Did you mean "gpt-4o-mini"?'
    assert (dangling.file, dangling.path) == ("deck/base_deck.toml", ("aliases", "a", 0))
    _, (circle,) = bind(deck(BACKENDS, MODELS, aliases=[alias("a", "b"), alias("b", "c"), alias("c", "a")]), {})
    assert '"a" -> "b" -> "c" -> "a"' in circle.message


def test_the_hint_for_a_preset_names_what_it_names() -> None:
    _, (problem,) = bind(deck(BACKENDS, MODELS, aliases=[alias("a", "p")], presets=[preset("p", "gpt-4o")]), {})
    assert '"gpt-4o"' in problem.hint


def test_what_was_left_out_for_its_own_errors_is_not_reported_again() -> None:
    aliases = [alias("a", "bad"), alias("b", "bad/x"), alias("c", "openai/bad")]
    model_deck = deck(
        BACKENDS, MODELS, aliases=aliases, choices={("llm", "for_text"): "bad"}, faulty=frozenset({"bad"})
    )
    assert found(model_deck) == []


def test_with_models_from_the_network_an_unknown_name_is_a_warning() -> None:
    network = deck(
        [*BACKENDS, backend("gate")], MODELS, aliases=[alias("a", "far")], network_models=frozenset({"gate"})
    )
    assert found(network) == [("warning", LLM, "aliases.a[0]")]
    elsewhere = deck(BACKENDS, MODELS, aliases=[alias("a", "far")], network_models=frozenset({"gate"}))
    assert found(elsewhere) == [("error", LLM, "aliases.a[0]")]


def test_a_name_that_an_exact_route_knows() -> None:
    aliases = [alias("a", "routed")]
    active = deck(BACKENDS, MODELS, aliases=aliases, active=profile(routes={"routed": "openai"}))
    assert [(s, c) for s, c, _ in found(active)] == [("warning", "unlisted-route")]
    other = deck(BACKENDS, MODELS, aliases=aliases, others=[profile(routes={"routed": "openai"})])
    assert found(other) == [("warning", LLM, "aliases.a[0]")]


@pytest.mark.parametrize(
    ("slot", "reference", "problem"),
    [
        (("llm", "for_text"), "preset:p", None),
        (("llm", "for_text"), "p", None),
        (("llm", "for_text"), "gpt-4o", None),
        (("llm", "for_text"), "gpt-4oo", ("error", LLM)),
        (("llm", "for_text"), "preset:q", ("error", "LLMPresetNotFoundError")),
        (("llm", "for_object"), "pic", ("error", "wrong-kind")),
        (("extract", "default"), "pdg", ("error", EXTRACT)),
        (("extract", "default"), "$p", ("error", "wrong-kind")),
        (("img_gen", "default"), "strict/x", ("error", "unlisted-refused")),
    ],
)
def test_default_choices(slot, reference, problem) -> None:
    problems = found(deck(BACKENDS, MODELS, presets=[preset("p", "gpt-4o")], choices={slot: reference}))
    assert [(s, c) for s, c, _ in problems] == ([] if problem is None else [problem])


SANDBOX = [backend("openai"), backend("sandbox", only_when_named=True), backend("internal", sdk="pypdfium2")]
SIMULATED = [
    *MODELS[:1],
    MODELS[3],
    model("openai", "o2"),
    model("sandbox", "sandbox-text"),
    model("sandbox", "ocr", kind="extract"),
]


@pytest.mark.parametrize(
    ("chain", "active", "bad"),
    [
        (["gpt-4o", "sandbox/sandbox-text"], None, True),
        (["gpt-4o", {"model": "sandbox-text", "provider": "sandbox"}], None, True),
        (["sandbox/sandbox-text", "gpt-4o"], None, False),
        (["gpt-4o", "sandbox-text"], profile(routes={"sandbox-*": "sandbox"}), True),
        (["gpt-4o", "o2"], profile(stand_ins={"o2": "sandbox-text"}, default="openai"), True),
        (["gpt-4o", "o2"], profile(stand_ins={"*": "sandbox-text"}, default="sandbox"), False),
        (["pdf", "sandbox/ocr"], None, False),
        (["gpt-4o", "o2"], None, False),
    ],
)
def test_a_fallback_from_a_real_backend_to_the_sandbox_is_an_error(chain, active, bad) -> None:
    model_deck = deck(SANDBOX, SIMULATED, aliases=[alias("a", chain), alias("b", "a")], active=active)
    told = [entry for entry in found(model_deck) if entry[1] == "fallback-to-sandbox"]
    assert told == ([("error", "fallback-to-sandbox", "aliases.a")] if bad else [])


def test_a_real_backend_that_is_off_does_not_make_the_sandbox_welcome() -> None:
    off = [backend("openai", enabled="auto", api_key="${K}"), SANDBOX[1]]
    model_deck = deck(off, SIMULATED, presets=[preset("p", ["gpt-4o", "sandbox/sandbox-text"])])
    assert ("error", "fallback-to-sandbox", "llm.presets.p") in found(model_deck)


def test_a_faulty_deck_is_bound_as_far_as_it_goes() -> None:
    model_deck = deck(BACKENDS, MODELS, aliases=[alias("a", "b"), alias("b", "a"), alias("c", "nope")])
    bound, problems = bind(model_deck, {})
    assert len(errors(problems)) == 2
    assert set(bound.handles) == {"gpt-4o", "gpt-4o-mini", "pic", "pdf", "asleep"}


def test_a_chain_of_thousands_of_aliases_is_no_recursion() -> None:
    from routing.building import router, served

    count = 3000
    aliases = [alias(f"a{i}", f"a{i + 1}") for i in range(count)] + [alias(f"a{count}", "gpt-4o")]
    assert served(router(deck(BACKENDS, MODELS, aliases=aliases)).resolve("a0")) == [("openai", "gpt-4o")]
    ring = [alias(f"a{i}", f"a{(i + 1) % count}") for i in range(count)]
    assert [code for _, code, _ in found(deck(BACKENDS, MODELS, aliases=ring))] == ["cycle"]


def test_chains_that_double_at_every_step_are_unrolled_once() -> None:
    from routing.building import router, served

    aliases = [alias(f"a{i}", [f"a{i + 1}", {"model": f"a{i + 1}", "seed": 1}]) for i in range(60)]
    got = router(deck(BACKENDS, MODELS, aliases=[*aliases, alias("a60", "gpt-4o")]))
    assert served(got.resolve("a0")) == [("openai", "gpt-4o")] * 2
