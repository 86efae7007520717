"""`pipelex-like migrate`: shows before it overwrites, writes when told to, says what is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelex_like.cli.app import app

FORM = Path(__file__).parents[1] / "forms" / "v0_11"
CONFIG = "model_list: [{model_name: fast, litellm_params: {model: groq/llama, api_key: gsk-literal-secret}}]\n"
runner = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELEX_CONFIG_DIR", raising=False)
    shutil.copytree(FORM, tmp_path / ".pipelex" / "inference")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def texts(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.toml")}


def test_in_place_shows_the_difference_and_waits_for_yes(project: Path) -> None:
    before = texts(project)
    found = runner.invoke(app, ["migrate"])
    assert found.exit_code == 1
    assert "-llm_cheap = { llm_handle" in found.stdout
    assert "--yes" in found.stderr
    assert texts(project) == before
    assert runner.invoke(app, ["migrate", "--yes"]).exit_code == 0
    assert "llm_handle" not in (project / ".pipelex/inference/deck/base_deck.toml").read_text()
    again = runner.invoke(app, ["migrate", "--diff"])
    assert (again.exit_code, again.stdout.strip()) == (0, "")


def test_diff_writes_nothing_though_told_yes(project: Path) -> None:
    before = texts(project)
    assert runner.invoke(app, ["migrate", "--diff", "--yes"]).exit_code == 1
    assert texts(project) == before


def test_to_writes_elsewhere_and_never_over_other_files(project: Path) -> None:
    found = runner.invoke(app, ["migrate", "config.yaml", "--to", "ours"])
    assert found.exit_code == 0
    assert 'fast = "groq/llama"' in (project / "ours/deck/litellm_deck.toml").read_text()
    assert "set GROQ_API_KEY" in found.stderr
    deck = project / "ours/deck/litellm_deck.toml"
    deck.write_text(deck.read_text() + "# mine\n")
    again = runner.invoke(app, ["migrate", "config.yaml", "--to", "ours"])
    assert again.exit_code == 1
    assert "-# mine" in again.stdout
    assert deck.read_text().endswith("# mine\n")
    assert runner.invoke(app, ["migrate", "config.yaml", "--to", "ours", "--yes"]).exit_code == 0
    assert not deck.read_text().endswith("# mine\n")


def test_json_tells_all_of_it_and_no_secret(project: Path) -> None:
    found = runner.invoke(app, ["migrate", "config.yaml", "--to", "ours", "--json"])
    record = json.loads(found.stdout)
    assert (record["form"], record["changed"], record["written"]) == ("litellm", True, True)
    assert record["variables"] == ["GROQ_API_KEY"]
    assert "gsk-literal-secret" not in found.output
    assert (project / "ours/backends.toml").read_text().count('extends = "pipelex_like"') == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "no such file"), (["notes.txt"], "neither a directory"), (["bad.yaml", "--to", "x"], "bad.yaml:2:")],
)
def test_what_cannot_be_read_is_told(arguments: list[str], said: str, project: Path) -> None:
    (project / "notes.txt").write_text("x")
    (project / "bad.yaml").write_text("a:\n\tb: 1\n")
    found = runner.invoke(app, ["migrate", *arguments])
    assert found.exit_code == 1
    assert said in found.stderr
    assert not (project / "x").exists()
