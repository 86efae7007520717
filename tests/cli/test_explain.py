"""`explain` at the command line: what it prints, kept as golden files, and the shapes of its JSON.

`WRITE_GOLDEN=1 pytest tests/cli/test_explain.py` writes the files anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acceptance.directory import ENVIRON, FILES, write
from cli.asking import ask as ask
from cli.asking import same_as_golden

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Ask = Callable[..., Result]

GOLDEN = Path(__file__).parent / "golden"

CASES = {
    "chain": ["preset:think"],
    "call": ["preset:write", "--set", "temperature=0.1", "--set", "top_k=7", "--tokens", "20000,100"],
    "route": ["gpt-5", "--profile", "elsewhere"],
    "pictures": ["draw", "--images", "3"],
    "pages": ["read", "--pages", "12"],
    "nowhere": ["llama", "--profile", "own", "--exclude", "other"],
    "unknown": ["preset:thnik"],
    "all": ["--all", "--profile", "elsewhere"],
    "all_models": ["--all", "--models", "--kind", "llm"],
    "diff": ["--diff", "own", "elsewhere", "--models"],
    "diff_one": ["cheap", "--diff", "own", "elsewhere"],
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed(tmp_path: Path, ask: Ask, case: str) -> None:
    write(tmp_path)
    done = ask("explain", *CASES[case], **ENVIRON)
    assert done.exit_code == (1 if case in ("nowhere", "unknown") else 0), done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    same_as_golden(GOLDEN / f"explain_{case}.txt", "\n".join(lines) + "\n")
    as_json = ask("explain", *CASES[case], "--json", **ENVIRON)
    assert "dummy-" not in done.output + as_json.output
    assert json.loads(as_json.stdout)


def told(ask: Ask, *arguments: str) -> object:
    return json.loads(ask("explain", *arguments, "--json", **ENVIRON).stdout)


def test_the_json_of_a_reference_tells_cost_layers_and_what_is_left_out(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    record = told(ask, "preset:write", "--set", "temperature=0.1", "--set", "top_k=7")
    assert {"reference", "kind", "profile", "candidates", "steps", "policy", "policy_by_candidate"} <= set(record)
    (candidate,) = record["candidates"]
    assert candidate["settings"] == {"temperature": 0.1, "top_k": 7}
    temperature = candidate["settings_from"]["temperature"]
    assert (temperature["from"], temperature["lost"][0]["value"]) == ("the call", 0.9)
    assert temperature["lost"][0]["line"] == 1 + FILES["deck/base_deck.toml"].splitlines().index(
        'write = { model = "cheap", temperature = 0.9 }'
    )
    assert candidate["adapted"] == ["top_k: left out, chat completions have no word for it"]
    assert candidate["example"] == {
        "call": "1,000 tokens in and 500 out",
        "cost_usd": 0.00045,
        "cost_note": None,
        "at_most": False,
    }


def test_a_price_that_nobody_knows_says_so(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    (candidate,) = told(ask, "llama")["candidates"]
    assert candidate["example"]["cost_usd"] is None
    assert "no price is known" in candidate["example"]["cost_note"]


def test_the_json_of_all_has_a_record_per_name(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    records = told(ask, "--all")
    promised = {"reference", "what", "slot", "kind", "candidate", "more", "why", "error", "file", "line", "key"}
    assert all(set(record) == promised for record in records)
    smart = next(record for record in records if record["reference"] == "alias:smart")
    assert (smart["candidate"]["backend"], smart["more"]) == ("openai", 1)
    assert smart["line"] == 1 + FILES["deck/base_deck.toml"].splitlines().index(
        'smart = ["gpt-5", { model = "gpt-4o-mini", temperature = 0.3 }]'
    )


def test_the_json_of_a_difference(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    record = told(ask, "--diff", "own", "elsewhere")
    assert record["profiles"] == ["own", "elsewhere"]
    assert record["backends"] == []
    changes = {change["reference"]: change for change in record["changes"]}
    assert changes["alias:cheap"]["change"] == "elsewhere"
    assert [each["backend"] for each in changes["alias:cheap"]["before"]] == ["openai"]
    assert [each["backend"] for each in changes["alias:cheap"]["after"]] == ["other"]
    assert record["unchanged"] + len(changes) == 11


def test_values_of_files_farther_away_are_told_as_lost(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path / "team", at="inference")
    write(
        tmp_path,
        {
            "backends.toml": 'extends = "../../team/inference"\n',
            "deck/own.toml": "[llm.presets.write]\ntemperature = 0.2\n",
            "deck/overrides.toml": "[llm.presets.write]\ntemperature = 0.4\n",
        },
    )
    (candidate,) = told(ask, "preset:write")["candidates"]
    temperature = candidate["settings_from"]["temperature"]
    assert (temperature["value"], temperature["file"], temperature["line"]) == (
        0.4,
        ".pipelex/inference/deck/overrides.toml",
        2,
    )
    lost = [(each["value"], Path(each["file"]).name, each["line"]) for each in temperature["lost"]]
    line = 1 + FILES["deck/base_deck.toml"].splitlines().index('write = { model = "cheap", temperature = 0.9 }')
    assert lost == [(0.2, "own.toml", 2), (0.9, "base_deck.toml", line)]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x", "--all"],
        ["gpt-5", "--tokens", "1000"],
        ["gpt-5", "--tokens", "a,b"],
        ["gpt-5", "--kind", "audio"],
        ["gpt-5", "--pages", "0"],
        ["gpt-5", "--set", "temperature"],
        ["--diff", "own"],
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, ask: Ask, arguments: list[str]) -> None:
    write(tmp_path)
    done = ask("explain", *arguments, **ENVIRON)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.strip()


PAGE = (Path(__file__).parents[2] / "docs/explain.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^```console\n\$ pipelex-like ([^\n]+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_page_shows_what_is_printed(tmp_path: Path, ask: Ask, command: str) -> None:
    write(tmp_path)
    printed = "".join(f"{line.rstrip()}\n" for line in ask(*command.split(), **ENVIRON).stdout.splitlines())
    shown, cut, _ = EXAMPLES[command].partition("...\n")
    assert printed.startswith(shown) if cut else printed == shown


def test_a_profile_that_is_not_there_is_exit_code_1(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    done = ask("explain", "--diff", "own", "elsewhre", **ENVIRON)
    assert done.exit_code == 1
    assert 'Did you mean "elsewhere"?' in done.stderr
