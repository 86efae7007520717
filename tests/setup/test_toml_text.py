"""Keys set and taken away in texts of every shape: the difference is what was meant, and nothing else."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from difflib import ndiff

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelex_like.setup.editing.toml_text import drop, put

LIST = '[aliases]\nsmart = [ # why\n  "a", # first\n  # own\n\n  "b",\n  "c" # third\n  # tail\n]\nother = 1\n'
CHAIN = '[aliases]\nx = 1\n\n[[aliases.smart]]\nmodel = "a"\n# between\n[[aliases.smart]]\nmodel = "b"\n'
HEADERS = '[llm.presets.x]\nmodel = "a"\n\n# about y\n[llm.presets.y]\nmodel = "b"\n\n[z]\nq = 1\n'


def difference(before: str, after: str) -> list[str]:
    lines = ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line.rstrip("\n") for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("text", "path", "value", "lines"),
    [
        ("[a]\nx = 1 # why\n\n# about b\n[b]\n", "a.x", False, ["- x = 1 # why", "+ x = false # why"]),
        ("[a]\nx = 1\n\n# about b\n[b]\n", "a.y", 0.5, ["+ y = 0.5"]),
        ("[a]\n# nothing yet\n[b]\n", "a.y", "q", ['+ y = "q"']),
        ("[a]\n  x = 1\n", "a.y", 2, ["+   y = 2"]),
        ("[a]\nx = 1", "a.y", 2, ["- x = 1", "+ x = 1", "+ y = 2"]),
        ("[a]\nx = 1\n", "b.y", 2, ["+ ", "+ [b]", "+ y = 2"]),
        ('[a]\nx = 1\n["b.c"]\n', "a.b*", 2, ['+ "b*" = 2']),
        ("a.x = 1\na.z.q = 2 # c\n\n[b]\n", "a.y", 3, ["+ a.y = 3"]),
        ("a.x = 1\na.z.q = 2 # c\n", "a.z.r", 3, ["+ a.z.r = 3"]),
        ("[p]\na.x = 1\n", "p.a.y", 3, ["+ a.y = 3"]),
        ("a = { x = 1 } # c\n", "a.y", "q", ["- a = { x = 1 } # c", '+ a = { x = 1, y = "q" } # c']),
        ("a = {}\n", "a.b.c", 1, ["- a = {}", "+ a = { b = { c = 1 } }"]),
        ("a = {x.y = 1}\n", "a.x.z", 1, ["- a = {x.y = 1}", "+ a = {x.y = 1, x.z = 1}"]),
        ("a = {x.y = 1}\n", "a.x.y", 2, ["- a = {x.y = 1}", "+ a = {x.y = 2}"]),
        ("# head\n\n[a]\n", "top", 1, ["+ top = 1", "+ "]),
        ("# about a\n[a]\n", "top", 1, ["+ top = 1", "+ "]),
        ("# head\n\nx = 1\n# more\n[a]\n", "top", 1, ["+ top = 1"]),
        ("", "a.b", 1, ["+ [a]", "+ b = 1"]),
        ("[a.b]\nx = 1\n[c]\n[a.d]\n", "a.y", 1, ["+ ", "+ [a]", "+ y = 1"]),
        ("x = '''\n[a]\n'''\n[a]\n", "a.y", 1, ["+ y = 1"]),
        (LIST, "aliases.smart", ["a", "b", "c", "d"], ['-   "c" # third', '+   "c", # third', '+   "d",']),
        (LIST, "aliases.smart", ["a", "c"], ['-   "b",', '-   "c" # third', '+   "c", # third']),
        (LIST, "aliases.smart", ["b", "c"], ['-   "a", # first', "+   # first", '-   "c" # third', '+   "c", # third']),
        (
            CHAIN,
            "aliases.smart",
            "q",
            ['+ smart = "q"', "- [[aliases.smart]]", '- model = "a"', "- [[aliases.smart]]", '- model = "b"'],
        ),
        (HEADERS, "llm.presets.w", {"model": "c"}, ["+ [llm.presets.w]", '+ model = "c"', "+ "]),
        (HEADERS, "llm.presets.x.temperature", 1, ["+ temperature = 1"]),
    ],
)
def test_put_changes_only_what_is_meant(text: str, path: str, value: object, lines: list[str]) -> None:
    keys = tuple(path.split("."))
    assert sorted(difference(text, put(text, keys, value))) == sorted(lines)
    windows = text.replace("\n", "\r\n")
    assert tomllib.loads(put(windows, keys, value)) == tomllib.loads(put(text, keys, value))


@pytest.mark.parametrize(
    ("text", "path", "lines"),
    [
        ("[a]\n# about x\nx = 1 # why\n\ny = 2\n", "a.x", ["- x = 1 # why"]),
        ("[a]\nx = [\n  1,\n]\ny = 2\n", "a.x", ["- x = [", "-   1,", "- ]"]),
        ("[a]\nx = 1\n# c\n\n[b]\ny = 1\n[a.z]\nq = 1\n", "a", ["- [a]", "- x = 1", "- [a.z]", "- q = 1"]),
        ("a.x = 1\n# c\na.y = 2\nb = 1\n", "a", ["- a.x = 1", "- a.y = 2"]),
        ("a = { x = 1, y = 2, z = 3 }\n", "a.x", ["- a = { x = 1, y = 2, z = 3 }", "+ a = { y = 2, z = 3 }"]),
        ("a = { x = 1, y = 2, z = 3 }\n", "a.z", ["- a = { x = 1, y = 2, z = 3 }", "+ a = { x = 1, y = 2 }"]),
        ("a = { x = 1 }\n", "a.x", ["- a = { x = 1 }", "+ a = {}"]),
        ("a = {b.x=1, c=2, b.y=3}\n", "a.b", ["- a = {b.x=1, c=2, b.y=3}", "+ a = {c=2}"]),
        (HEADERS, "llm.presets.y", ["- [llm.presets.y]", '- model = "b"']),
    ],
)
def test_drop_takes_only_what_is_meant(text: str, path: str, lines: list[str]) -> None:
    assert difference(text, drop(text, tuple(path.split(".")))) == lines


@pytest.mark.parametrize(("text", "path"), [("x = 1\n", "x.y"), ("x = [1]\n", "x.y"), ("[[x]]\na = 1\n", "x.a")])
def test_what_is_no_table_takes_no_key(text: str, path: str) -> None:
    with pytest.raises(ValueError, match="x is no table"):
        put(text, tuple(path.split(".")), 1)


def test_dropping_what_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no a\.y"):
        drop("[a]\nx = 1\n", ("a", "y"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, {"a": None}])
def test_what_a_configuration_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        put("", ("a",), value)


NAMES = st.sampled_from(["a", "b", "c", "gpt-4.1", "x y", "é"])
SCALARS = st.one_of(st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 'a"b\\', "#", "\x7f\t", "é"]))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(NAMES, SCALARS, max_size=2))
SPACE = st.sampled_from(["", "\n", "# note\n", "\n# note = 1\n\n", "  # [a]\n"])
TAIL = st.sampled_from(["", " # why", "  #x"])


LITERALS = [
    "1",
    "true",
    "1979-05-27",
    '"t # no"',
    "'''\n[a]\n# no\n'''",
    "[]",
    "[1, 2]",
    "[\n  1, # one\n\n  # own\n  2\n]",
    "{}",
    "{ q = 1 }",
    "{ q.r = 1, s = [ { t = 1 } ] }",
    "{ a.b = 1, b.c = 2, a.c = 3 }",
]


def key(*names: str) -> str:
    return ".".join('"' + name + '"' for name in names)


@st.composite
def literals(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(LITERALS))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of sections, dotted keys, inline tables and arrays of tables, comments and blank lines between."""
    parts = [draw(SPACE)]
    for head in draw(st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=4)):
        opening = draw(st.sampled_from(["[{}]", "[{}]", "[[{}]]", ""]))
        parts.append(opening.format(key(*head)) + (draw(TAIL) + "\n" if opening else ""))
        for names in draw(st.lists(st.lists(NAMES, min_size=1, max_size=2), max_size=4)):
            parts.append(f"{draw(SPACE)}{draw(st.sampled_from(['', '  ']))}{key(*names)} = {draw(literals())}")
            parts.append(draw(TAIL) + "\n")
        parts.append(draw(SPACE))
    text = "".join(parts)
    return text.rstrip("\n") if draw(st.booleans()) else text


def comments(text: str) -> list[str]:
    """Comment lines and blank lines, values of several lines left out."""
    bare = text.replace("'''\n[a]\n# no\n'''", "''")
    return [line.strip() for line in bare.split("\n") if line.strip().startswith("#")]


def parsed(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def standing(data: object, path: list[str]) -> object:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(texts(), st.lists(NAMES, min_size=1, max_size=3), VALUES)
def test_any_text_takes_a_value_and_keeps_its_comments(text: str, path: list[str], value: object) -> None:
    before = parsed(text)
    assume(before is not None)
    try:
        after = put(text, tuple(path), value)
    except ValueError as fault:
        assert "is no table" in str(fault), text
        return
    found = tomllib.loads(after)
    assert standing(found, path) == value
    replaced = standing(before, path)
    plain = isinstance(replaced, list) and not any(isinstance(item, dict) for item in replaced)
    if not isinstance(replaced, dict | list) or (plain and isinstance(value, list)):
        kept = comments(after)
        for comment in comments(text):
            assert comment in kept
            kept.remove(comment)
    if replaced is None and value != {}:
        gone = drop(after, tuple(path))
        assert pruned(tomllib.loads(gone)) == pruned(deepcopy(before))
        assert comments(gone) == comments(text)
        removed = [line for line in ndiff(text.splitlines(), after.splitlines()) if line.startswith("- ")]
        assert len(removed) <= 1


def pruned(value: object) -> object:
    if isinstance(value, dict):
        inner = {name: pruned(item) for name, item in value.items()}
        return {name: item for name, item in inner.items() if item != {}}
    return value
