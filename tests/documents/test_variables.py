from __future__ import annotations

import os
from pathlib import Path

import pytest
from documents.tree import write

from pipelex_like.documents import read_variables


def values(root: Path, environ: dict[str, str], env_file: Path | None = None) -> dict[str, str]:
    variables, problems = read_variables(root, environ, env_file)
    assert problems == []
    return dict(variables)


def test_the_environment_wins_and_its_file_comes_over_env(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=base\nB=base\nC=base\nPIPELEX_ENV=dev\n", ".env.dev": "B=dev\nC=dev\n"})
    assert values(tmp_path, {"C": "real"}) == {"A": "base", "B": "dev", "C": "real", "PIPELEX_ENV": "dev"}


def test_the_environments_name_comes_from_the_process_first(tmp_path: Path) -> None:
    write(tmp_path, {".env": "PIPELEX_ENV=dev\n", ".env.dev": "A=dev\n", ".env.prod": "A=prod\nPIPELEX_ENV=other\n"})
    assert values(tmp_path, {"PIPELEX_ENV": "prod"}) == {"A": "prod", "PIPELEX_ENV": "prod"}
    assert read_variables(tmp_path, {}, environment="prod")[0]["A"] == "prod"


def test_blank_is_not_set_anywhere(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1\nB=\nC='  '\nPIPELEX_ENV=dev\nD\n", ".env.dev": "A=\n"})
    assert values(tmp_path, {"A": "", "B": " ", "X": "\t"}) == {"A": "1", "PIPELEX_ENV": "dev"}


def test_nothing_is_interpolated(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1\nB=\"${A}-${HOME}\"\nexport C='x # y'\n"})
    assert values(tmp_path, {})["B"] == "${A}-${HOME}"
    assert values(tmp_path, {})["C"] == "x # y"


def test_a_named_file_stands_in_the_place_of_env(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1\nB=1\n", "own.env": "A=2\n"})
    assert values(tmp_path, {}, tmp_path / "own.env") == {"A": "2"}


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    variables, problems = read_variables(tmp_path, {"A": "1"}, tmp_path / "nowhere.env")
    assert variables == {"A": "1"}
    assert problems[0].severity == "error"
    assert problems[0].file.endswith("nowhere.env")


def test_a_named_pipe_will_do(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"A=1\n")
    os.close(writer)
    assert values(tmp_path, {}, Path(f"/dev/fd/{reader}")) == {"A": "1"}
    os.close(reader)


def test_the_process_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A_NEW_VARIABLE=1\n"})
    before = dict(os.environ)
    assert values(tmp_path, {}) == {"A_NEW_VARIABLE": "1"}
    assert dict(os.environ) == before


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    write(tmp_path, {".env": b"\xef\xbb\xbfA=1\r\nB=2\r\n"})
    assert values(tmp_path, {}) == {"A": "1", "B": "2"}


def test_not_utf_8_has_its_line(tmp_path: Path) -> None:
    write(tmp_path, {".env": b"A=1\nB=\xff\n"})
    _, (problem,) = read_variables(tmp_path, {})
    assert (problem.code, problem.file, problem.line) == ("not-utf-8", ".env", 2)


def test_a_python_environment_called_env_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert values(tmp_path, {"A": "1"}) == {"A": "1"}


def test_a_line_that_is_none_is_told_without_its_text(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1\n'sk-secret\nB=2\n"})
    variables, (problem,) = read_variables(tmp_path, {})
    assert variables["A"] == "1"
    assert (problem.severity, problem.line) == ("warning", 2)
    assert "sk-secret" not in str(problem)


def test_the_configurations_place_cannot_stand_there(tmp_path: Path) -> None:
    write(tmp_path, {".env": "A=1\n\nPIPELEX_CONFIG_DIR=/x\n"})
    variables, (problem,) = read_variables(tmp_path, {})
    assert variables == {"A": "1"}
    assert (problem.code, problem.line) == ("ignored-variable", 3)


@pytest.mark.parametrize("name", ["../x", "1st", "a.b", "a/b", "a\0"])
def test_an_environments_name_is_checked(tmp_path: Path, name: str) -> None:
    variables, (problem,) = read_variables(tmp_path, {"PIPELEX_ENV": name})
    assert problem.code == "bad-environment-name"
    assert "PIPELEX_ENV" not in variables
