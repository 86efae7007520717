"""Whatever the tables hold: a deck or problems, never an exception, never a secret."""

from __future__ import annotations

import datetime
import pickle
from copy import deepcopy
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from specs import test_backends, test_decks, test_models, test_profiles
from specs.tables import KIT, SDKS, raw

from pipelex_like.deck import ModelDeck
from pipelex_like.documents import Documents, Place, RawDocument
from pipelex_like.errors import Problem
from pipelex_like.specs import compile_deck
from pipelex_like.types import is_list, is_table

TREES: dict[str, dict[str, object]] = {
    "backends": raw(test_backends.FULL + "\n[openai]\n").data,
    "spec": raw(test_models.FULL).data,
    "routing": raw(test_profiles.FULL).data,
    "deck": raw(test_decks.FULL).data,
}
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.sampled_from(["", " ", "auto", "4096", "0.5", "true", "${X}", "${", "$${", "a\nb", "\x00", "é", "{", "openai"]),
    st.text(max_size=8),
    st.just(datetime.date(2024, 1, 1)),
    st.just(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)),
    st.just(datetime.time(1, 2)),
)
KEYS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["model", "temperature", "1", "costs", "x-a", "sdk", "default", "max_cost", "int", "str", "a.b"]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def compiled(trees: dict[str, dict[str, object]]) -> tuple[ModelDeck, list[Problem]]:
    here = Path("/nowhere")
    documents = Documents(
        place=Place(directory=here, root=here, chosen_by="the test"),
        layers=(here,),
        backends=RawDocument(trees["backends"]),
        specs={"openai": RawDocument(trees["spec"]), "first": RawDocument(trees["spec"])},
        routing=RawDocument(trees["routing"]),
        deck=RawDocument(trees["deck"]),
        files=(),
        has_deck=True,
    )
    return compile_deck(documents, sdks=SDKS, kit_backends=lambda: KIT)


def places(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if is_table(tree):
        for key, value in tree.items():
            found += places(value, (*path, key))
    elif is_list(tree):
        for place, value in enumerate(tree):
            found += places(value, (*path, place))
    return found


def holder(tree: object, path: tuple[str | int, ...]) -> dict[str | int, object]:
    for part in path[:-1]:
        tree = tree[part]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    return tree  # pyright: ignore[reportReturnType, reportUnknownVariableType]


def check(trees: dict[str, dict[str, object]]) -> None:
    deck, problems = compiled(trees)
    assert isinstance(deck, ModelDeck)
    for problem in problems:
        assert problem.message.endswith((".", "`"))
        assert "\n" not in str(problem.message)
    hash(deck.faulty)
    assert pickle.loads(pickle.dumps(deck)) == deck or "nan" in repr(deck)


def test_the_trees_are_good() -> None:
    trees = deepcopy(TREES)
    trees["backends"] |= {"google": {"other_names": ["gemini"]}}
    assert [str(problem) for problem in compiled(trees)[1] if problem.severity == "error"] == []


@given(st.data())
def test_a_value_of_any_kind_anywhere(data: st.DataObject) -> None:
    trees = deepcopy(TREES)
    name = data.draw(st.sampled_from(sorted(trees)))
    path = data.draw(st.sampled_from(places(trees[name])[1:]))
    holder(trees[name], path)[path[-1]] = data.draw(VALUES)
    check(trees)


@given(st.data())
def test_a_key_renamed_or_added_anywhere(data: st.DataObject) -> None:
    trees = deepcopy(TREES)
    name = data.draw(st.sampled_from(sorted(trees)))
    tables = [path for path in places(trees[name])[1:] if isinstance(path[-1], str)]
    path = data.draw(st.sampled_from(tables))
    table = holder(trees[name], path)
    value = table.pop(path[-1]) if data.draw(st.booleans()) else data.draw(VALUES)
    table[data.draw(KEYS)] = value
    check(trees)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(sorted(TREES)))
def test_any_tables_at_all(tree: dict[str, object], name: str) -> None:
    check({**deepcopy(TREES), name: tree})


def test_a_typo_in_any_key_of_ours_is_told() -> None:
    free = (
        "extra",
        "extra_config",
        "headers",
        "routes",
        "optional_routes",
        "stand_ins",
        "environments",
        "search",
        "doc_gen",
    )
    silent: list[tuple[str, tuple[str | int, ...]]] = []
    for name, tree in TREES.items():
        for path in places(tree)[1:]:
            key = path[-1]
            inside = [part for part in path[:-1] if part in free]
            if not isinstance(key, str) or inside or _is_name(name, path):
                continue
            trees = deepcopy(TREES)
            trees["backends"] |= {"google": {"other_names": ["gemini"]}}
            table = holder(trees[name], path)
            table[f"{key[:-1]}zz"] = table.pop(key)
            if not any(problem.severity == "error" for problem in compiled(trees)[1]):
                silent.append((name, path))
    assert silent == []


def _is_name(document: str, path: tuple[str | int, ...]) -> bool:
    """Whether the last key is a name that people give, which may be any."""
    if document in ("backends", "spec"):
        named_here = len(path) == 1 and path[0] not in ("default_sdk", "default_prompting_target")
        return named_here or str(path[-1]).startswith("x-")
    if document == "routing":
        return len(path) == 2
    return len(path) > 1 and path[-2] in ("aliases", "waterfalls", "presets")
