"""What holds for any routes, any alias graph and any reference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from routing.building import alias, backend, bound, deck, errors, model, preset, profile, router

from pipelex_like.errors import ResolveError
from pipelex_like.routing import Router, bind
from pipelex_like.routing.patterns import compile_pattern

NAMES = ["gpt-4o", "gpt-4o-mini", "gpt-5", "claude-4", "claude-4-mini", "flux/pro"]
OWNERS = ["one", "two", "three"]
PATTERNS = st.sampled_from(
    [
        "*",
        "gpt-*",
        "*-mini",
        "gpt-4*",
        "gpt-?",
        "{gpt,claude}-4*",
        "*4*",
        "gpt-5",
        "claude-4",
        "c*i",
        "[gc]*",
        "*o*",
        "f*/*",
    ]
)
ROUTES = st.dictionaries(PATTERNS, st.sampled_from(OWNERS), max_size=6)
SERVED = [model(owner, name, f"{owner}-{name}") for owner in OWNERS for name in NAMES]
BACKENDS = [backend(owner) for owner in OWNERS]


def weights(routes: dict[str, str], name: str) -> list[tuple[int, str]]:
    found = []
    for pattern, owner in routes.items():
        weight = 10_000 if pattern == name else compile_pattern(pattern).weight(name)
        if weight is not None:
            found.append((weight, owner))
    return sorted(found, reverse=True)


@given(ROUTES, st.dictionaries(PATTERNS, st.sampled_from(OWNERS), max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_routes_counts_only_between_equals(routes, optional, random) -> None:
    optional = {pattern: owner for pattern, owner in optional.items() if pattern not in routes}
    shuffled = list(routes.items())
    random.shuffle(shuffled)
    first, second = (
        router(
            deck(
                BACKENDS,
                SERVED,
                active=profile(routes=dict(each), optional_routes=dict(reversed(list(optional.items())))),
            )
        )
        for each in (routes.items(), shuffled)
    )
    for name in NAMES:
        ranked = weights({**routes, **optional}, name)
        if len({owner for weight, owner in ranked if weight == ranked[0][0]}) > 1:
            continue
        one, two = first.resolve(name).primary, second.resolve(name).primary
        assert (one.backend, one.model_id) == (two.backend, two.model_id)
        if ranked:
            assert one.backend == ranked[0][1]


ALIAS_NAMES = [f"a{number}" for number in range(6)]
GRAPHS = st.dictionaries(
    st.tuples(st.sampled_from([None, "llm"]), st.sampled_from(ALIAS_NAMES)),
    st.lists(st.sampled_from([*ALIAS_NAMES, "@a0", "~a1", "gpt-5", "one/gpt-5"]), min_size=1, max_size=3),
    max_size=8,
)


def reaches_itself(edges: dict[str, set[str]], start: str) -> bool:
    seen: set[str] = set()
    todo = list(edges.get(start, ()))
    while todo:
        name = todo.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            todo.extend(edges.get(name, ()))
    return False


@given(GRAPHS)
def test_any_alias_graph_resolves_or_has_an_error_that_names_the_circle(graph) -> None:
    aliases = [alias(name, targets, kind) for (kind, name), targets in graph.items()]
    result, problems = bind(deck(BACKENDS, SERVED, aliases=aliases), {})
    edges: dict[str, set[str]] = {}
    for (_, name), targets in graph.items():
        edges.setdefault(name, set()).update(target.lstrip("@~") for target in targets)
    names = {name for _, name in graph}
    dangling = any(target.lstrip("@~") not in {*names, "gpt-5", "one/gpt-5"} for t in graph.values() for target in t)
    circular = {name for name in names if reaches_itself(edges, name)}
    circles = [problem for problem in problems if problem.code == "cycle"]
    assert all(any(f'"{name}"' in problem.message for name in circular) for problem in circles)
    got = Router(result)
    for name in names:
        try:
            got.resolve(name)
        except ResolveError as error:
            assert dangling or circular, error
    if not circular and not dangling:
        assert errors(problems) == []
    if circles:
        assert any(reaches_itself(edges, name) for name in names)


@given(st.dictionaries(st.sampled_from(ALIAS_NAMES), st.sampled_from(ALIAS_NAMES), max_size=6))
def test_of_aliases_with_one_target_each_circle_is_one_error_with_its_whole_path(graph: dict[str, str]) -> None:
    _, problems = bind(deck(BACKENDS, SERVED, aliases=[alias(name, target) for name, target in graph.items()]), {})
    told = [problem.message for problem in problems if problem.code == "cycle"]
    rings: set[frozenset[str]] = set()
    for start in graph:
        way, name = [start], graph[start]
        while name in graph and name not in way:
            way.append(name)
            name = graph[name]
        if name == start:
            rings.add(frozenset(way))
    assert len(told) == len(rings)
    for ring in rings:
        assert any(all(f'"{name}"' in message for name in ring) for message in told)


DECK = deck(
    [*BACKENDS, backend("hf", unlisted=("*/*",)), backend("off", enabled=False)],
    [*SERVED, model("one", "pic", kind="img_gen"), model("off", "lost")],
    aliases=[alias("a", ["gpt-5", "pic"]), alias("b", {"model": "a", "temperature": 0.5})],
    presets=[preset("p", ["a", "lost"]), preset("q", "pic", kind="img_gen")],
    active=profile(default="one", routes={"exact": "two", "lost*": "off"}, stand_ins={"claude-*": "gpt-5"}),
)
ROUTER = Router(bind(DECK, {})[0])
PIECES = st.sampled_from(
    [
        "$",
        "@",
        "~",
        "preset:",
        "alias:",
        "handle:",
        "one/",
        "hf/",
        "/",
        ":",
        "a",
        "p",
        "q",
        "gpt-5",
        "pic",
        "*",
        "lost",
        " ",
        "é",
    ]
)
REFERENCES = st.one_of(st.lists(PIECES, max_size=4).map("".join), st.text(max_size=12))


@given(REFERENCES, st.sampled_from([None, "llm", "extract", "img_gen"]))
def test_any_text_resolves_or_is_a_resolve_error_and_is_explained(text: str, kind) -> None:
    told = ROUTER.explain(text, kind)
    try:
        route = ROUTER.resolve(text, kind)
    except ResolveError as error:
        assert told.error == str(error)
        return
    assert told.route is route
    assert route.candidates
    assert kind is None or route.kind == kind
    assert all(candidate.spec.kind in (route.kind, None) for candidate in route.candidates)


@given(REFERENCES, st.sampled_from([None, "one", "hf", "off", "nope"]), st.lists(st.sampled_from(OWNERS), max_size=2))
def test_only_exclude_and_provider_are_hard_limits(text: str, provider, names) -> None:
    for limits in ({"only": names}, {"exclude": names}):
        try:
            route = ROUTER.route(text, "llm", provider=provider, **limits)
        except ResolveError:
            continue
        for candidate in route.candidates:
            assert provider in (None, candidate.backend)
            assert "only" not in limits or candidate.backend in names
            assert "exclude" not in limits or candidate.backend not in names


def test_the_bound_deck_of_these_properties_has_no_errors() -> None:
    assert bound(DECK).profile.name == "p"
