"""`pipelex-like usage`, on ledgers of either form."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner
from usage.records import DAY, NOVEMBER_1, record

from pipelex_like.cli.app import app
from pipelex_like.usage.ledger import open_ledger

if TYPE_CHECKING:
    from click.testing import Result


@pytest.fixture(params=["usage.jsonl", "usage.sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    fill(path)
    return path


def fill(path: Path) -> None:
    sink = open_ledger(path)
    sink.write(record(1, cost=Decimal("1.5"), tags=("a", "b")))
    sink.write(record(2, at=NOVEMBER_1 + DAY, handle="claude", backend="anthropic", cost=Decimal("0.00045")))
    sink.write(record(3, at=NOVEMBER_1 + DAY, handle="claude", backend="anthropic", cost=None, outcome="failed"))
    sink.write(record(4, at=NOVEMBER_1 + 2 * DAY, handle="secret-price", backend="other", cost=None))
    sink.close()


def run(*arguments: object, **variables: str) -> Result:
    return CliRunner().invoke(app, ["usage", *map(str, arguments)], env={"COLUMNS": "160", **variables})


def project(folder: Path, **files: str) -> Path:
    inference = folder / ".pipelex" / "inference"
    inference.mkdir(parents=True)
    (inference / "backends.toml").write_text('extends = "pipelex_like"\n')
    for name, text in files.items():
        (inference / f"{name}.toml").write_text(text)
    return inference


def test_the_table_shows_every_day_and_the_total(ledger: Path) -> None:
    done = run("--ledger", ledger)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert lines[1] == ["2026-11-01", "1", "0", "100", "20", "40", "3", "5", "0", "1.50"]
    assert lines[2][-2:] == ["1", "0.00045"]
    assert lines[3][-2:] == ["1", "unknown"]
    assert lines[4][0] == "total"
    assert lines[4][-2:] == ["2", "1.50"]
    assert done.stderr == ""


def test_columns_that_are_zero_throughout_are_left_out(ledger: Path) -> None:
    head = run("--ledger", ledger).stdout.splitlines()[0]
    assert "no price" in head
    assert "pages" not in head
    assert "images" not in head


def test_groups_and_days_can_be_chosen(ledger: Path) -> None:
    done = run("--ledger", ledger, "--by", "backend", "--since", "2026-11-02", "--until", "2026-11-02", "--json")
    answer = json.loads(done.stdout)
    assert [(group["name"], group["requests"]) for group in answer["groups"]] == [("anthropic", 2)]
    assert (answer["by"], answer["since"], answer["until"]) == ("backend", "2026-11-02", "2026-11-02")


def test_json_gives_the_promised_shape_and_no_unknown_cost_as_zero(ledger: Path) -> None:
    answer = json.loads(run("--ledger", ledger, "--by", "model", "--json").stdout)
    assert set(answer) == {"ledger", "by", "since", "until", "groups", "total", "unreadable"}
    groups = {group["name"]: group for group in answer["groups"]}
    assert groups["gpt-4o"]["cost_usd"] == 1.5
    assert groups["secret-price"]["cost_usd"] is None
    assert (groups["claude"]["cost_usd"], groups["claude"]["unpriced"], groups["claude"]["failed"]) == (0.00045, 1, 1)
    assert answer["total"]["requests"] == 4
    assert answer["total"]["cost_usd"] == 1.50045


def test_tags_are_counted_each_and_once_in_the_total(ledger: Path) -> None:
    done = run("--ledger", ledger, "--by", "tag")
    lines = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert (lines["a"], lines["b"], lines["none"], lines["total"]) == ("1", "1", "3", "4")
    assert "for each of its tags" in done.stderr


def test_the_plot_draws_the_dearest_longest(ledger: Path) -> None:
    done = run("--ledger", ledger, "--by", "model", "--plot", COLUMNS="60")
    bars = {line.split()[0]: line.count("#") for line in done.stdout.splitlines()}
    assert bars["gpt-4o"] > 20
    assert (bars["claude"], bars["secret-price"]) == (1, 0)
    assert "0.00045 + 1 unknown" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60


def test_what_cannot_be_read_is_told_and_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    fill(path)
    path.write_bytes(path.read_bytes() + b'{"cut off\n')
    done = run("--ledger", path)
    assert done.exit_code == 0
    assert "1 records cannot be read" in done.stderr
    assert "line 5" in done.stderr


def test_a_tag_cannot_command_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    sink = open_ledger(path)
    sink.write(record(1, tags=("\x1b[2J",)))
    sink.close()
    for form in ((), ("--plot",)):
        assert "\x1b" not in run("--ledger", path, "--by", "tag", *form).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--by", "colour"], "--by wants day, model"),
        (["--since", "yesterday"], "--since wants a day such as 2026-11-01"),
        (["--until", "2026-13-01"], "--until wants a day"),
        (["--plot", "--json"], "give one of them"),
        (["--ledger", "absent.db"], "absent.db: No such file"),
        (["--ledger", "usage.csv"], ".jsonl, .sqlite, .sqlite3, .db"),
    ],
)
def test_wrong_use_is_told_with_exit_code_2(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_without_a_ledger_the_message_says_how_to_keep_one(tmp_path: Path) -> None:
    done = run("--config-dir", project(tmp_path))
    assert done.exit_code == 1
    assert "[ledger]" in done.stderr
    assert 'path = ".pipelex/usage.sqlite"' in done.stderr
    assert "--ledger FILE" in done.stderr
    answer = json.loads(run("--config-dir", tmp_path, "--json").stdout)
    assert answer["error"]["type"] == "ConfigError"


def test_the_configured_ledger_wins_over_the_variable(tmp_path: Path) -> None:
    inference = project(tmp_path, routing_profiles='[ledger]\npath = "kept/usage.sqlite"\n')
    fill(tmp_path / "kept" / "usage.sqlite")
    done = run("--config-dir", inference, "--json", PIPELEX_LEDGER="elsewhere.jsonl")
    assert json.loads(done.stdout)["ledger"] == str(tmp_path / "kept" / "usage.sqlite")
    assert json.loads(done.stdout)["total"]["requests"] == 4


def test_the_variable_names_the_ledger_where_nothing_is_configured(tmp_path: Path) -> None:
    inference = project(tmp_path)
    fill(tmp_path / "own.jsonl")
    done = run("--config-dir", inference, "--json", PIPELEX_LEDGER="own.jsonl")
    assert json.loads(done.stdout)["total"]["requests"] == 4


def test_a_ledger_that_was_not_written_yet_is_empty(tmp_path: Path) -> None:
    inference = project(tmp_path)
    done = run("--config-dir", inference, PIPELEX_LEDGER="own.db")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing was written" in done.stderr
    answer = json.loads(run("--config-dir", inference, "--json", PIPELEX_LEDGER="own.db").stdout)
    assert answer["groups"] == []
    assert answer["total"]["requests"] == 0
