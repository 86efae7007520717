"""Broken directories: what `validate` says of each, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.running import CASES, arrange, validate

HERE = Path(__file__).parent


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_is_what_was_reviewed(case: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`--record` writes the texts anew: read each line before it is kept."""
    variables = arrange(case, tmp_path)
    done = validate(tmp_path, variables)
    snapshot = HERE / "cases" / case / "expected.txt"
    said = f"{done.stdout}\n{done.stderr}exit code {done.exit_code}\n"
    if request.config.getoption("--record"):
        snapshot.write_text(said, encoding="utf-8")
    assert said == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_problem_names_its_file_its_place_and_a_way_out(case: str, tmp_path: Path) -> None:
    variables = arrange(case, tmp_path)
    problems = validate(tmp_path, variables, "--json").record["problems"]
    assert problems
    for problem in problems:
        assert problem["file"], problem
        assert problem["line"] or problem["file"] == "(environment)" or problem["code"] == "unknown-file", problem
        assert problem["key"] or problem["code"] in ("bad-toml", "unknown-file", "bad-env-line"), problem
        assert problem["hint"] or problem["code"] in WAY_OUT_IN_MESSAGE, problem


# The message itself says what to do: `move this line there`, `write NAME=value`.
WAY_OUT_IN_MESSAGE = {"unknown-file", "bad-env-line"}


def test_the_directory_that_the_cases_change_is_good(tmp_path: Path) -> None:
    variables = arrange(None, tmp_path)
    done = validate(tmp_path, variables, "--strict")
    assert (done.stdout, done.exit_code) == ("", 0)
