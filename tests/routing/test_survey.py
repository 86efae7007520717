"""Every name of a deck at once, and what changes from one profile to another."""

from __future__ import annotations

import json

from routing.building import alias, backend, deck, model, preset, profile

from pipelex_like.routing import Router, bind
from pipelex_like.routing.survey import compare, survey

BACKENDS = [backend("a", enabled="auto", api_key="${A_KEY}"), backend("b"), backend("off", enabled=False)]
MODELS = [
    model("a", "m"),
    model("b", "m"),
    model("b", "n"),
    model("off", "asleep"),
    model("b", "draw", kind="img_gen"),
]
DECK = deck(
    BACKENDS,
    MODELS,
    active=profile("home"),
    others=[
        profile("away", default="b", exclude=("a",)),
        profile("cheap", stand_ins={"m": "n"}),
        profile("wide", failover=True),
        profile("strict", routes={"n": "a"}),
    ],
    aliases=[alias("both", ["m", "n"]), alias("any", ["n", "draw"]), alias("sleepy", "asleep")],
    presets=[preset("task", "both", temperature=0.2), preset("draw_it", "draw", kind="img_gen")],
    choices={("llm", "for_text"): "task"},
)


def under(name: str, **variables: str) -> Router:
    return Router(bind(DECK, {"A_KEY": "sk-canary", **variables}, profile=name, lenient=True)[0])


def test_a_row_for_each_choice_preset_and_alias_in_each_of_its_kinds() -> None:
    rows = survey(under("home"))
    assert [(row.what, row.reference, row.kind, row.slot) for row in rows] == [
        ("choice", "task", "llm", "for_text"),
        ("preset", "preset:task", "llm", ""),
        ("preset", "preset:draw_it", "img_gen", ""),
        ("chain", "alias:both", "llm", ""),
        ("chain", "alias:any", "llm", ""),
        ("chain", "alias:any", "img_gen", ""),
        ("alias", "alias:sleepy", "llm", ""),
    ]
    assert [row.reference for row in survey(under("home"), kind="img_gen")] == ["preset:draw_it", "alias:any"]


def test_the_models_own_names_are_there_on_request() -> None:
    rows = [row for row in survey(under("home"), models=True) if row.what == "model"]
    assert [row.reference for row in rows] == ["asleep", "draw", "m", "n"]


def test_a_row_that_leads_nowhere_says_why_in_short_and_in_full() -> None:
    row = survey(under("home"))[-1]
    assert row.candidates == ()
    assert row.why.startswith("nobody serves it here: write enabled = true")
    assert row.error is not None
    assert len(row.error) > len(row.why)


def test_references_may_be_named_even_ones_that_nothing_knows() -> None:
    rows = survey(under("home"), references=["n", "any", "nothing", "b/other", "n"])
    assert [(row.reference, row.what, row.kind, bool(row.candidates)) for row in rows] == [
        ("n", "model", "llm", True),
        ("any", "chain", "llm", True),
        ("any", "chain", "img_gen", True),
        ("nothing", "model", None, False),
        *((row.reference, row.what, row.kind, bool(row.candidates)) for row in rows[4:]),
    ]
    assert rows[3].why == "nothing has this name"
    assert rows[4].reference == "b/other"


def test_the_plain_values_of_a_row() -> None:
    record = json.loads(json.dumps(survey(under("home"))[0].to_dict()))
    assert record == {
        "reference": "task",
        "what": "choice",
        "slot": "for_text",
        "kind": "llm",
        "candidate": {"handle": "m", "backend": "a", "model_id": "m", "sdk": "openai"},
        "more": 1,
        "why": None,
        "error": None,
        "file": record["file"],
        "key": record["key"],
    }


def turns(before: str, after: str, *, models: bool = False) -> list[tuple[str, str]]:
    sides = [survey(under(name), models=models) for name in (before, after)]
    return [(change.before.reference, change.turn) for change in compare(*sides)]


def test_nothing_changes_from_a_profile_to_itself() -> None:
    assert turns("home", "home", models=True) == []


def test_each_sort_of_change() -> None:
    assert turns("home", "away") == [("task", "elsewhere"), ("preset:task", "elsewhere"), ("alias:both", "elsewhere")]
    assert ("alias:both", "fallbacks") in turns("home", "wide")
    assert ("n", "stops") in turns("home", "strict", models=True)
    assert ("n", "begins") in turns("strict", "home", models=True)
    assert ("m", "elsewhere") in turns("home", "cheap", models=True)


def test_the_plain_values_of_a_change() -> None:
    before, after = survey(under("home"), models=True), survey(under("strict"), models=True)
    (record,) = [change.to_dict() for change in compare(before, after) if change.before.reference == "n"]
    assert record["change"] == "stops"
    assert [each["backend"] for each in record["before"]] == ["b"]
    assert record["after"] == []
    assert "holds" in str(record["after_error"])
    assert json.loads(json.dumps(record)) == record
