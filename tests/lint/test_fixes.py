"""`validate --fix`: what has one right answer is mended, and nothing else in the file moves."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.running import CASES, arrange, validate

from pipelex_like.setup.lint.fixes import FIXES

HERE = Path(__file__).parent
MENDED = [
    "dangling_alias",
    "duplicate_in_chain",
    "name_taken",
    "no_effect",
    "nothing_to_unset",
    "quoted_numbers",
    "unknown_backend",
]


def texts(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", MENDED)
def test_diff_shows_what_was_reviewed_and_writes_nothing(
    case: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    variables = arrange(case, tmp_path)
    before = texts(tmp_path)
    done = validate(tmp_path, variables, "--diff")
    snapshot = HERE / "cases" / case / "expected.diff"
    if request.config.getoption("--record"):
        snapshot.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == snapshot.read_text(encoding="utf-8")
    assert done.exit_code == 1
    assert texts(tmp_path) == before


@pytest.mark.parametrize("case", MENDED)
def test_fix_does_away_with_the_problems_and_keeps_every_comment(case: str, tmp_path: Path) -> None:
    variables = arrange(case, tmp_path)
    before = validate(tmp_path, variables, "--json").record["problems"]
    comments = comments_of(tmp_path)
    mended = validate(tmp_path, variables, "--fix")
    after = validate(tmp_path, variables, "--json").record["problems"]
    assert len(after) < len(before)
    assert f"{len(before) - len(after)} problem" in mended.stderr
    assert comments_of(tmp_path) == comments
    again = texts(tmp_path)
    assert "0 problems mended" in validate(tmp_path, variables, "--fix").stderr
    assert texts(tmp_path) == again


def comments_of(folder: Path) -> list[str]:
    lines = [line for path in sorted(folder.rglob("*.toml")) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line.partition("#")[2] for line in lines if "#" in line]


@pytest.mark.parametrize("case", sorted({*CASES} - {*MENDED}))
def test_what_has_no_one_right_answer_is_left_alone(case: str, tmp_path: Path) -> None:
    variables = arrange(case, tmp_path)
    before = texts(tmp_path)
    validate(tmp_path, variables, "--fix")
    assert texts(tmp_path) == before


def test_only_what_is_selected_is_mended(tmp_path: Path) -> None:
    variables = arrange("no_effect", tmp_path)
    before = texts(tmp_path)
    done = validate(tmp_path, variables, "--fix", "--ignore", "no-effect")
    assert "0 problems mended" in done.stderr
    assert texts(tmp_path) == before


def test_inherited_files_are_left_alone(tmp_path: Path) -> None:
    variables = arrange("no_effect", tmp_path)
    team = tmp_path / "team"
    (tmp_path / ".pipelex" / "inference").rename(team)
    own = tmp_path / ".pipelex" / "inference"
    own.mkdir(parents=True)
    (own / "backends.toml").write_text('extends = "team"\n', encoding="utf-8")
    before = texts(tmp_path)
    assert "no-effect" in validate(tmp_path, variables).stdout
    assert "0 problems mended" in validate(tmp_path, variables, "--fix").stderr
    assert texts(tmp_path) == before


def test_every_code_that_can_be_mended_has_a_case() -> None:
    seen = {
        line.rpartition("[")[2].rstrip("]")
        for case in MENDED
        for line in (HERE / "cases" / case / "expected.txt").read_text(encoding="utf-8").splitlines()
        if line.endswith("]")
    }
    # The three names of "nothing knows it" share one way of mending.
    assert set(FIXES) - {"HandleNotFoundError"} <= seen
