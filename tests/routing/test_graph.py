"""The deck drawn: what is a node, how each format escapes it, and a picture that a browser can read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from routing.building import alias, backend, deck, model, preset, profile, router

from pipelex_like.routing.graph import Graph, graph_of
from pipelex_like.routing.graph_layout import laid_out
from pipelex_like.routing.graph_svg import svg
from pipelex_like.routing.graph_text import dot, mermaid
from pipelex_like.routing.survey import survey

ODD = 'odd "name" <b> & #1; `x` |y| {z} [w] \\n \x07 é 漢'
ROUTER = router(
    deck(
        [
            backend("a"),
            backend("b"),
            backend("half", enabled="auto", api_key=None, required=(("H1", "H2"),)),
            backend("off", enabled=False),
        ],
        [
            model("a", "m", "m-2025"),
            model("b", "m"),
            model("b", "n"),
            model("b", ODD),
            model("half", "only_half"),
            model("off", "asleep"),
            model("off", "asleep_too"),
        ],
        active=profile(failover=True, routes={"n": "b"}),
        aliases=[
            alias("inner", ["m", "asleep", "n", "asleep_too"]),
            alias("odd", ODD),
            alias("halved", "only_half"),
        ],
        presets=[preset("task", ["inner", {"model": "n", "seed": 3}], temperature=0.2), preset("sleepy", "asleep")],
        choices={("llm", "for_text"): "task"},
    ),
    {"H1": "x"},
)


def drawn(*references: str, whole: bool = False) -> Graph:
    return graph_of(ROUTER, survey(ROUTER, references=list(references) or None), whole=whole)


def edges(graph: Graph) -> list[tuple[str, str, str, bool]]:
    names = {node.key: node.lines[0] for node in graph.nodes}
    return [(names[edge.start], names[edge.end], edge.label, edge.dashed) for edge in graph.edges]


def test_from_a_preset_to_the_backends_with_numbers_where_order_counts() -> None:
    graph = drawn("preset:task")
    assert edges(graph) == [
        ("m", "a", "1", False),
        ("m", "b", "2", False),
        ("task", "inner", "1", False),
        ("inner", "m", "1", False),
        ("inner", "2 models", "", True),
        ("n", "b", "", False),
        ("inner", "n", "2", False),
        ("task", "n", "2", False),
    ]
    assert [(node.lines, node.sort) for node in graph.nodes if node.sort in ("preset", "chain")] == [
        (("task", "temperature = 0.2"), "preset"),
        (("inner",), "chain"),
    ]


def test_the_whole_deck_shows_each_model_that_nobody_serves_and_the_default_choices() -> None:
    graph = drawn(whole=True)
    off = [node.lines for node in graph.nodes if node.state == "off"]
    assert off == [("asleep", "nobody serves it here"), ("asleep_too", "nobody serves it here")]
    assert ("task", "temperature = 0.2", "the default for_text") in [node.lines for node in graph.nodes]
    states = {node.lines[0]: node.state for node in graph.nodes if node.sort == "backend"}
    assert states == {"a": "on", "b": "on", "half": "broken"}


def test_a_stand_in_is_an_edge_of_its_own() -> None:
    asked = router(
        deck(
            [backend("a")],
            [model("a", "dear"), model("a", "cheap")],
            active=profile(stand_ins={"dear": "cheap"}),
            aliases=[alias("it", "dear")],
        )
    )
    graph = graph_of(asked, survey(asked))
    assert edges(graph) == [
        ("cheap", "a", "", False),
        ("dear", "cheap", "stand-in", True),
        ("it", "dear", "", False),
    ]
    columns = {box.node.lines[0]: box.x for box in laid_out(graph).boxes}
    assert columns["it"] < columns["dear"] < columns["cheap"] < columns["a"]


@pytest.mark.parametrize("write", [mermaid, dot, svg])
def test_the_same_deck_gives_the_same_text(write: object) -> None:
    assert write(drawn(whole=True)) == write(drawn(whole=True))


def test_mermaid_holds_odd_names_as_codes() -> None:
    text = mermaid(drawn("alias:odd"))
    (label,) = set(re.findall(r'\("(.*)"\)', text))
    assert label.startswith("odd #34;name#34; #60;b#62; #38; #35;1; #96;x#96; #124;y#124; #123;z#125; #91;w#93; #92;n")
    assert not set(label.replace("<br/>", "")) & set('"<>&`|{}[]()\\')


def test_dot_holds_odd_names_in_quotes() -> None:
    text = dot(drawn("alias:odd"))
    quoted = re.compile(r'"((?:[^"\\]|\\.)*)"')
    labels = [found[1] for line in text.splitlines() for found in quoted.finditer(line) if "odd" in found[1]]
    assert r"odd \"name\" <b> & #1; `x` |y| {z} [w] \\n \\u0007 é 漢" in labels
    assert all(quoted.sub("", line).count('"') == 0 for line in text.splitlines())


def test_the_picture_is_well_formed_and_holds_every_name() -> None:
    root = ElementTree.fromstring(svg(drawn(whole=True)))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert 'odd "name" <b> & #1; `x` |y| {z} [w] \\n \\u000…' in words
    assert {"task", "inner", "a", "b", "half", "presets", "backends"} <= set(words)


def test_boxes_stand_in_columns_and_none_over_another() -> None:
    layout = laid_out(drawn(whole=True))
    boxes = layout.boxes
    for number, one in enumerate(boxes):
        assert one.x >= 0
        assert one.x + one.width <= layout.width
        assert 0 <= one.y <= layout.height - one.height
        for other in boxes[number + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    assert all(path.points[0][0] < path.points[-1][0] for path in layout.paths)


def test_long_names_are_cut_in_the_picture_and_whole_in_its_hints() -> None:
    name = "n" * 80
    asked = router(deck([backend("a")], [model("a", name)], aliases=[alias("it", name)]))
    text = svg(graph_of(asked, survey(asked)))
    assert f">{'n' * 45}…<" in text
    assert f"<title>{name}" in text


def test_an_empty_deck_can_be_drawn() -> None:
    asked = router(deck([backend("a")], [model("a", "m")]))
    graph = graph_of(asked, survey(asked))
    assert graph.to_dict()["nodes"] == []
    assert ElementTree.fromstring(svg(graph)).tag.endswith("svg")
    assert mermaid(graph).startswith("flowchart LR\n")
    assert dot(graph).endswith("}\n")
