from __future__ import annotations

import json
import re
import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.documents import line_of
from pipelex_like.documents.locate import key_lines

TEXT = '''\
# a comment = [with] "signs"
active = "hybrid" # more

[profiles.hybrid]
default = "x"
[profiles.hybrid.routes]
"gpt-*" = "openai"
'literal.key' = "y"
"esc\\"aped" = 1

[llm.presets]
x = { model = "a", temperature = 0.1 }
y.model = "b"
y.settings.seed = 4
long = """
[not.a.header]
x = 1 \\""" # still inside
""" 
list = [
  "one", # with ] and "
  { model = "two", tags = ["a",
      "b"] },

  "three",
]
when = 1979-05-27 07:32:00
quotes = [""""four"""", \'\'\'it's\'\'\', '', ""]

[[above]]
tokens = 1
[[above]]
tokens = 2
[above.inner]
deep = true
[[above.rows]]
n = 1
[[above.rows]]
n = 2

[ profiles . "a b" ]
z=1
[profiles]
'''
PLACES: dict[tuple[str | int, ...], int] = {
    ("active",): 2,
    ("profiles", "hybrid"): 4,
    ("profiles", "hybrid", "default"): 5,
    ("profiles", "hybrid", "routes"): 6,
    ("profiles", "hybrid", "routes", "gpt-*"): 7,
    ("profiles", "hybrid", "routes", "literal.key"): 8,
    ("profiles", "hybrid", "routes", 'esc"aped'): 9,
    ("llm", "presets", "x", "temperature"): 12,
    ("llm", "presets", "y"): 13,
    ("llm", "presets", "y", "model"): 13,
    ("llm", "presets", "y", "settings", "seed"): 14,
    ("llm", "presets", "long"): 15,
    ("llm", "presets", "list"): 19,
    ("llm", "presets", "list", 0): 20,
    ("llm", "presets", "list", 1, "model"): 21,
    ("llm", "presets", "list", 1, "tags", 1): 22,
    ("llm", "presets", "list", 2): 24,
    ("llm", "presets", "when"): 26,
    ("llm", "presets", "quotes", 3): 27,
    ("above",): 29,
    ("above", 0): 29,
    ("above", 0, "tokens"): 30,
    ("above", 1): 31,
    ("above", 1, "tokens"): 32,
    ("above", 1, "inner", "deep"): 34,
    ("above", 1, "rows", 0, "n"): 36,
    ("above", 1, "rows", 1, "n"): 38,
    ("profiles", "a b", "z"): 41,
    ("profiles",): 42,
}
AROUND: dict[tuple[str | int, ...], int] = {
    ("llm", "presets", "x", "nothing"): 12,
    ("llm", "presets", "list", 1, "tags", 7): 21,
    ("profiles", "hybrid", "routes", "no", "such"): 6,
    ("llm", "nothing"): 11,
}


@pytest.mark.parametrize("path", [*PLACES, *AROUND])
@pytest.mark.parametrize("form", ["plain", "CRLF", "BOM"])
def test_the_line_of_a_path(path: tuple[str | int, ...], form: str) -> None:
    text = {"plain": TEXT, "CRLF": TEXT.replace("\n", "\r\n"), "BOM": "\ufeff" + TEXT}[form]
    assert line_of(text, path) == {**PLACES, **AROUND}[path]


@pytest.mark.parametrize("path", [(), ("nothing",), ("nothing", "at", 0)])
def test_a_path_of_which_nothing_is_there(path: tuple[str | int, ...]) -> None:
    assert line_of(TEXT, path) is None


@pytest.mark.parametrize("text", ["a = ", "[a", "a = 1\na = 2\n", "a = " + "[" * 5000, "x = " + "9" * 5000])
def test_a_text_that_is_no_toml(text: str) -> None:
    assert line_of(text, ("a",)) is None


NAMES = st.text(alphabet="ab. *é\"'\\#=[", min_size=1, max_size=4)
SCALARS = st.one_of(
    st.integers(-9, 9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(alphabet="a#]}\"'\\,=\n[", max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=4)


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += paths_of(inner, (*path, key))
    return found


@given(TABLES)
def test_everything_in_a_document_has_a_line_with_its_key(data: dict[str, object]) -> None:
    """Whatever tomlkit writes: exactly the paths of the data are found, each on a line where its key stands."""
    text = tomlkit.dumps(data)
    lines = text.split("\n")
    found = key_lines(text)
    assert set(found) == set(paths_of(tomllib.loads(text)))
    for path, line in found.items():
        if isinstance(path[-1], str) and re.fullmatch(r"[a-z]+", path[-1]):
            assert path[-1] in lines[line - 1]


class Writer:
    """Writes a document in one of the many forms that TOML offers, and notes the line of every leaf."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.places: dict[tuple[str | int, ...], int] = {}

    def put(self, text: str) -> None:
        if self.draw(st.booleans()):
            self.lines.append(self.draw(st.sampled_from(["", "# x = [1", "   "])))
        self.lines += text.split("\n")

    def leaf(self, prefix: tuple[str, ...], path: tuple[str, ...], number: int) -> None:
        value = self.draw(
            st.sampled_from([str(number), '"""\n[a]\nb = 1\n"""', "'#'", "{ q = { r = [1] } }", "[\n1, # ]\n2\n]"])
        )
        before = len(self.lines)
        self.put(f"{'.'.join(json.dumps(key) for key in path)} = {value}")
        own = len(self.lines) - value.count("\n")
        assert own > before
        self.places[prefix + path] = own


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str | int, ...], int]]:
    writer = Writer(draw)
    writer.leaf((), ("top", "dotted"), 1)
    for name in draw(st.permutations(["one", "two", "three", "one.sub", "two.sub.sub"])):
        keys = tuple(name.split("."))
        writer.put(f"[{' . '.join(keys)}]" if draw(st.booleans()) else f"[{name}] # here")
        for leaf in draw(st.lists(st.sampled_from(["k", "l m", 'q"', "é"]), unique=True, max_size=3)):
            path = ("d", leaf) if draw(st.booleans()) else (leaf,)
            writer.leaf(keys, path, 2)
    return "\n".join(writer.lines), writer.places


@given(documents())
def test_a_generated_document_is_found_line_by_line(document: tuple[str, dict[tuple[str | int, ...], int]]) -> None:
    text, places = document
    tomllib.loads(text)
    assert {path: line_of(text, path) for path in places} == places
