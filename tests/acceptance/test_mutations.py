"""Any mutation of a valid directory gives a deck or a ConfigError with places, never another exception."""

from __future__ import annotations

import re
import tempfile
import tomllib
from pathlib import Path

import tomlkit
from acceptance.directory import ENVIRON, FILES, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelex_like import ConfigError, Inference

# What is not there has no line.
WITHOUT_A_LINE = {"ModelDeckNotFoundError", "missing-file"}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["${", "${X", "${OPENAI_API_KEY}", "$x", "a/b", "openai/x", "*", "[", "{a,b}", "cheap", "write"]),
    st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=6), st.one_of(st.integers(), st.text(max_size=5)), max_size=3),
)


def paths_in(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths_in(item, (*path, index))
    return found


PLACES = [(name, path) for name, text in FILES.items() for path in paths_in(tomllib.loads(text))]


def mutated(name: str, path: tuple[object, ...], value: object, *, rename: bool) -> str:
    data = tomllib.loads(FILES[name])
    parent: object = data
    for part in path[:-1]:
        parent = parent[part]  # type: ignore[index]
    last = path[-1]
    if isinstance(last, str) and rename:
        parent[str(value)] = parent.pop(last)  # type: ignore[index, attr-defined]
    elif value is None:
        del parent[last]  # type: ignore[attr-defined]
    else:
        parent[last] = value  # type: ignore[index]
    return tomlkit.dumps(data)


def check(files: dict[str, bytes | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = write(Path(folder), {name: text for name, text in files.items() if isinstance(text, str)})
        for name, data in files.items():
            if isinstance(data, bytes):
                (directory / name).parent.mkdir(exist_ok=True)
                (directory / name).write_bytes(data)
        try:
            with Inference.load(directory, environ={**ENVIRON, "HOME": folder}) as ai:
                for reference in ("cheap", "smart", "preset:write", "draw", "read", "gpt-5"):
                    _resolve(ai, reference)
        except ConfigError as error:
            for problem in error.problems:
                assert problem.file, problem
                told = problem.severity != "error" or problem.line is not None
                assert told or problem.code in WITHOUT_A_LINE, problem
                assert not re.search(r"Traceback|KeyError|object at 0x", str(problem)), problem


def _resolve(ai: Inference, reference: str) -> None:
    from pipelex_like import ResolveError

    try:
        ai.router.resolve(reference)
    except ResolveError as error:
        assert str(error)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(place=st.sampled_from(PLACES), value=VALUES, rename=st.booleans())
def test_a_key_renamed_or_a_value_of_another_type(
    place: tuple[str, tuple[object, ...]], value: object, rename: bool
) -> None:
    name, path = place
    try:
        text = mutated(name, path, value, rename=rename)
    except (ValueError, TypeError):
        return  # a value that TOML cannot write
    check({**FILES, name: text})


@settings(deadline=None)
@given(dropped=st.sets(st.sampled_from(sorted(FILES)), min_size=1, max_size=3))
def test_dropped_files(dropped: set[str]) -> None:
    check({name: text for name, text in FILES.items() if name not in dropped})


@settings(deadline=None)
@given(name=st.sampled_from(sorted(FILES)), data=st.binary(max_size=60), at=st.integers(0, 400))
def test_random_bytes(name: str, data: bytes, at: int) -> None:
    original = FILES[name].encode()
    check({**FILES, name: original[:at] + data + original[at:]})


@settings(deadline=None)
@given(name=st.sampled_from(sorted(FILES)), cut=st.integers(0, 900))
def test_half_written_files(name: str, cut: int) -> None:
    check({**FILES, name: FILES[name].encode()[:cut]})
