"""Which backend serves a handle: stand-ins, routes, default, order, unlisted patterns, failover."""

from __future__ import annotations

import pytest
from routing.building import alias, backend, deck, found, model, preset, profile, router, served

from pipelex_like.errors import LLMHandleNotFoundError, ResolveError

BACKENDS = [
    backend("internal", sdk="pypdfium2"),
    backend("openai"),
    backend("azure"),
    backend("off", enabled=False),
    backend("half", enabled="auto", api_key=None, required=(("H1", "H2"),)),
    backend("open", unlisted=("*/*",)),
    backend("closed", unlisted=False),
]
MODELS = [
    model("openai", "gpt"),
    model("azure", "gpt", "azure-gpt"),
    model("off", "gpt"),
    model("half", "gpt", "half-gpt"),
    model("half", "rare"),
    model("internal", "gpt", "inside-gpt"),
    model("internal", "pdf", kind="extract", sdk="pypdfium2"),
    model("openai", "img", kind="img_gen"),
    model("off", "lost"),
    model("off", "org/lost"),
    model("azure", "mini"),
]
VARIABLES = {"H1": "set"}  # begun and not complete: `half` is broken


def go(active=None, **changes):
    return router(deck(BACKENDS, MODELS, active=active, **changes), VARIABLES)


ASSIGNED = [
    (None, "gpt", ["openai"]),
    (profile(default="azure"), "gpt", ["azure"]),
    (profile(default="closed"), "gpt", ["openai"]),
    (profile(default="closed", fallback_order=("azure",)), "gpt", ["azure"]),
    (profile(default="closed", fallback_order=()), "gpt", ["internal"]),
    (profile(default="internal"), "gpt", ["internal"]),
    (profile(fallback_order=("internal", "azure")), "gpt", ["azure"]),
    (profile(fallback_order=("off", "half", "azure")), "gpt", ["azure"]),
    (profile(fallback_order=("half",), exclude=("internal",)), "gpt", ["half"]),
    (profile(default="half"), "gpt", ["half"]),
    (profile(routes={"g*": "half"}), "gpt", ["half"]),
    (profile(optional_routes={"g*": "half"}), "gpt", ["openai"]),
    (None, "rare", ["half"]),
    (profile(routes={"gpt": "azure"}, default="openai"), "gpt", ["azure"]),
    (profile(routes={"*": "openai", "g*": "azure"}), "gpt", ["azure"]),
    (profile(routes={"g*": "openai", "gp*": "azure", "gpt": "internal"}), "gpt", ["internal"]),
    (profile(routes={"*": "openai"}, optional_routes={"g*": "azure"}), "gpt", ["azure"]),
    (profile(routes={"*": "openai"}, optional_routes={"g*": "off"}), "gpt", ["openai"]),
    (profile(routes={"*": "openai"}, optional_routes={"g*": "closed"}), "gpt", ["openai"]),
    (profile(optional_routes={"g*": "off"}, default="azure"), "gpt", ["azure"]),
    (profile(only=("azure", "openai"), default="azure"), "gpt", ["azure"]),
    (profile(exclude=("openai",)), "gpt", ["azure"]),
    (None, "org/lost", ["open"]),
    (profile(fallback_order=("open",)), "org/lost", ["open"]),
    (profile(default="open"), "gpt", ["openai"]),
    (profile(failover=True), "gpt", ["openai", "azure", "internal"]),
    (profile(failover=True, default="azure"), "gpt", ["azure", "openai", "internal"]),
    (profile(failover=True, fallback_order=("azure",)), "gpt", ["azure", "internal"]),
    (profile(failover=True, routes={"gpt": "azure"}), "gpt", ["azure"]),
    (profile(failover=True, optional_routes={"gpt": "azure"}), "gpt", ["azure", "openai", "internal"]),
    (profile(failover=True), "azure/gpt", ["azure"]),
    (profile(routes={"gpt": "azure"}), "openai/gpt", ["openai"]),
    (None, "azure-gpt", ["azure"]),
    (profile(failover=True), "azure-gpt", ["azure"]),
    (None, "pdf", ["internal"]),
]


@pytest.mark.parametrize(("active", "reference", "backends"), ASSIGNED)
def test_a_handle_goes_to(active, reference: str, backends: list[str]) -> None:
    assert [backend for backend, _ in served(go(active).resolve(reference))] == backends


def test_what_a_binding_route_holds_nobody_else_serves() -> None:
    got = go(profile("prod", routes={"gp*": "off"}))
    with pytest.raises(ResolveError) as raised:
        got.resolve("gpt")
    message = str(raised.value)
    assert not isinstance(raised.value, LLMHandleNotFoundError)
    assert 'profiles.prod.routes."gp*" (routing_profiles.toml)' in message
    assert '"off", which is off: enabled = false' in message
    for able in ("openai", "azure", "internal"):
        assert f'"{able}"' in message
    with pytest.raises(ResolveError, match="which does not serve it"):
        go(profile(routes={"gpt": "closed"})).resolve("gpt")
    with pytest.raises(ResolveError, match="not declared"):
        go(profile(routes={"gpt": "elsewhere"})).resolve("gpt")


def test_a_route_that_binds_a_model_id_reference_holds_for_its_handle() -> None:
    with pytest.raises(ResolveError, match="which does not serve it"):
        go(profile(routes={"gpt": "openai"})).resolve("azure-gpt")


def test_a_candidate_on_a_broken_backend_says_why() -> None:
    one = go().resolve("rare").primary
    assert one.broken == "H2 is not set, while H1 is set"
    assert go().resolve("gpt").primary.broken is None


def test_in_a_chain_a_broken_backend_comes_last_unless_it_is_named() -> None:
    chain = [alias("c", ["rare", "gpt"])]
    assert [b for b, _ in served(go(aliases=chain).resolve("c"))] == ["openai", "half"]
    named = go(profile(routes={"rare": "half"}), aliases=chain)
    assert [b for b, _ in served(named.resolve("c"))] == ["half", "openai"]


STAND_INS = [
    ({"g*": "mini"}, "gpt", [("azure", "mini")], "gpt"),
    ({"*": ["mini", "img"]}, "gpt", [("azure", "mini")], "gpt"),
    ({"*": ["gpt", "img"]}, "pdf", [("internal", "pdf")], None),
    ({"g*": "img"}, "gpt", [("openai", "gpt")], None),
    ({"*": "mini", "gp*": "rare"}, "gpt", [("half", "rare")], "gpt"),
    ({"gpt": "mini", "*": "rare"}, "gpt", [("azure", "mini")], "gpt"),
    ({"gpt": "img", "*": "mini"}, "gpt", [("azure", "mini")], "gpt"),
    ({"mini": "gpt", "gpt": "mini"}, "gpt", [("azure", "mini")], "gpt"),
    ({"gpt": "gpt", "*": "mini"}, "gpt", [("openai", "gpt")], None),
    ({"g*": "mini"}, "azure-gpt", [("azure", "mini")], "gpt"),
    ({"g*": "mini"}, "openai/gpt", [("openai", "gpt")], None),
    ({"g*": "mini"}, "org/new", [("open", "org/new")], None),
    ({"org/*": "mini"}, "org/new", [("azure", "mini")], "org/new"),
]


@pytest.mark.parametrize(("stand_ins", "reference", "candidates", "replaced"), STAND_INS)
def test_stand_ins(stand_ins, reference, candidates, replaced) -> None:
    route = go(profile(stand_ins=stand_ins)).resolve(reference)
    assert served(route) == candidates
    assert route.primary.stood_in_for == replaced


def test_a_stand_in_comes_after_aliases_and_before_routes() -> None:
    got = go(profile(stand_ins={"gpt": "mini"}, routes={"mini": "azure", "gpt": "off"}), aliases=[alias("a", "gpt")])
    assert served(got.resolve("a")) == [("azure", "mini")]


@pytest.mark.parametrize(
    ("stand_ins", "problem"),
    [
        ({"g*": "nowhere"}, ("error", "LLMHandleNotFoundError", 'profiles.p.stand_ins."g*"')),
        ({"g*": "lost"}, ("error", "stand-in-unserved", 'profiles.p.stand_ins."g*"')),
        ({"g*": ["mini", "lost"]}, ("error", "stand-in-unserved", 'profiles.p.stand_ins."g*"')),
        ({"g*": "mini"}, None),
    ],
)
def test_a_stand_in_must_be_served(stand_ins, problem) -> None:
    problems = found(deck(BACKENDS, MODELS, active=profile(stand_ins=stand_ins)), VARIABLES)
    assert [p for p in problems if p[1] != "incomplete-credentials"] == ([] if problem is None else [problem])


def test_an_exact_route_takes_an_id_that_no_file_lists_and_a_pattern_never_does() -> None:
    exact = profile(routes={"new-model": "openai"})
    assert served(go(exact).resolve("new-model")) == [("openai", "new-model")]
    assert go(exact).resolve("new-model").primary.spec.listed is False
    problems = found(deck(BACKENDS, MODELS, active=exact), VARIABLES)
    assert ("warning", "unlisted-route", "profiles.p.routes.new-model") in problems
    with pytest.raises(LLMHandleNotFoundError):
        go(profile(routes={"new-*": "openai"})).resolve("new-model")
    with pytest.raises(ResolveError, match="does not serve it"):
        go(profile(routes={"new-model": "closed"})).resolve("new-model")


def test_a_listed_model_is_not_sent_as_an_unlisted_one_by_an_exact_route() -> None:
    with pytest.raises(ResolveError, match="does not serve it"):
        go(profile(routes={"mini": "openai"})).resolve("mini")


def test_the_error_names_what_to_enable() -> None:
    needs = backend("late", enabled="auto", api_key="${LATE_KEY}")
    with pytest.raises(ResolveError) as raised:
        router(deck([needs], [model("late", "m")])).resolve("m")
    assert "set LATE_KEY (for late)" in str(raised.value)
    with pytest.raises(ResolveError, match='write enabled = true for "off"'):
        go().resolve("lost")


def test_with_nothing_on_the_keyless_profiles_are_named() -> None:
    late = backend("late", enabled="auto", api_key="${LATE_KEY}")
    owners, models = [late, backend("internal", sdk="pypdfium2")], [model("late", "m")]
    others = [profile("local"), profile("sandbox")]
    with pytest.raises(ResolveError) as raised:
        router(deck(owners, models, others=others)).resolve("m")
    assert '"local"' in str(raised.value)
    assert '"sandbox"' in str(raised.value)
    with pytest.raises(ResolveError) as raised:
        router(deck([*owners, backend("on")], models, others=others)).resolve("m")
    assert "sandbox" not in str(raised.value)


def test_a_chain_that_nobody_serves_names_every_cure_once() -> None:
    keys = [backend(name, enabled="auto", api_key=f"${{{name.upper()}_KEY}}") for name in ("a", "b")]
    models = [model("a", "one"), model("a", "two"), model("b", "three")]
    got = router(deck(keys, models, presets=[preset("task", ["one", "two", "three"])]))
    with pytest.raises(ResolveError) as raised:
        got.resolve("task")
    message = str(raised.value)
    assert message.count("A_KEY") == 1
    assert "B_KEY" in message
    assert raised.value.reference == "task"


TIES = [
    ({"gpt-*": "openai", "*-mini": "azure"}, ["gpt-mini", "gpt-o"], None),
    ({"gpt-*": "openai", "*mini": "azure"}, ["gpt-mini", "gpt-o"], ("gpt-*", "*mini")),
    ({"gpt-*": "openai", "*mini": "azure"}, ["gpt-o", "a-mini"], None),
    ({"gpt-*": "openai", "*mini": "openai"}, ["gpt-mini"], None),
    ({"{a,gpt}-*": "openai", "*mini": "azure"}, ["gpt-mini"], ("{a,gpt}-*", "*mini")),
    ({"gpt-?": "openai", "gpt-*": "azure"}, ["gpt-o"], ("gpt-?", "gpt-*")),
]


@pytest.mark.parametrize(("routes", "handles", "pair"), TIES)
def test_two_equally_specific_patterns_are_told_where_both_match_a_handle(routes, handles, pair) -> None:
    models = [model(owner, handle) for handle in handles for owner in ("openai", "azure")]
    model_deck = deck(BACKENDS[1:3], models, active=profile(routes=routes))
    told = [problem for problem in found(model_deck) if problem[1] == "ambiguous-route"]
    assert told == ([] if pair is None else [("warning", "ambiguous-route", f'profiles.p.routes."{pair[1]}"')])


def test_of_equals_the_first_written_wins() -> None:
    models = [model(owner, "gpt-mini") for owner in ("openai", "azure")]
    for routes in ({"gpt-*": "openai", "*mini": "azure"}, {"*mini": "azure", "gpt-*": "openai"}):
        got = router(deck(BACKENDS[1:3], models, active=profile(routes=routes)))
        assert got.resolve("gpt-mini").primary.backend == next(iter(routes.values()))


def test_a_pattern_that_cannot_be_read_is_an_error_in_every_profile() -> None:
    other = profile("q", routes={"[a": "openai"}, stand_ins={"{b": "gpt"})
    open_backend = backend("o", unlisted=("[c",))
    problems = found(deck([*BACKENDS, open_backend], MODELS, others=[other]), VARIABLES)
    assert [p for p in problems if p[1] == "bad-pattern"] == [
        ("error", "bad-pattern", 'profiles.q.routes."[a"'),
        ("error", "bad-pattern", 'profiles.q.stand_ins."{b"'),
        ("error", "bad-pattern", "o.unlisted"),
    ]


def test_the_sandbox_never_follows_a_real_backend_in_an_order() -> None:
    owners = [backend("openai"), backend("sandbox", mirror=True, only_when_named=True)]
    models = [model("openai", "gpt")]
    bad = profile(fallback_order=("openai", "sandbox"))
    assert found(deck(owners, models, active=bad)) == [("error", "fallback-to-sandbox", "profiles.p.fallback_order")]
    good = profile(default="sandbox", fallback_order=("openai",))
    assert found(deck(owners, models, active=good)) == []


def test_a_stand_in_is_served_also_when_asked_for_by_its_own_name() -> None:
    quiet = [backend("openai"), backend("local", only_when_named=True)]
    models = [model("openai", "gpt"), model("local", "tiny")]
    asked = router(deck(quiet, models, active=profile(stand_ins={"*": "tiny"})))
    assert served(asked.resolve("gpt")) == served(asked.resolve("tiny")) == [("local", "tiny")]
    assert asked.resolve("tiny").primary.stood_in_for is None


def test_a_pin_to_a_backend_that_is_on_beats_one_who_calls_a_model_like_a_pin() -> None:
    models = [model("openai", "gpt"), model("azure", "gpt", "openai/gpt"), model("azure", "oss", "openai/oss")]
    asked = router(deck(BACKENDS, models))
    assert served(asked.resolve("openai/gpt")) == [("openai", "gpt")]
    assert served(asked.resolve("openai/oss")) == [("azure", "openai/oss")]
    off = [backend("openai", enabled=False), backend("azure")]
    assert served(router(deck(off, models)).resolve("openai/gpt")) == [("azure", "openai/gpt")]


def test_an_unlisted_name_is_of_a_kind_that_the_sdk_does() -> None:
    asked = router(deck([backend("internal", unlisted=False), backend("open", unlisted=("*",))], []))
    assert served(asked.resolve("org/any", "llm")) == [("open", "org/any")]
    assert served(asked.resolve("org/any", "img_gen")) == [("open", "org/any")]
    for reference in ("org/any", "open/org/any"):
        with pytest.raises(ResolveError):
            asked.resolve(reference, "extract")
