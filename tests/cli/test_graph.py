"""`graph` at the command line: golden drawings, and what is drawn where nothing is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from acceptance.directory import ENVIRON, write
from cli.asking import ask as ask
from cli.asking import same_as_golden

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Ask = Callable[..., Result]

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_a_preset_in_each_format(tmp_path: Path, ask: Ask, form: str) -> None:
    write(tmp_path)
    done = ask("graph", "preset:think", "draw", "--format", form, **ENVIRON)
    assert done.exit_code == 0, done.stderr
    same_as_golden(GOLDEN / f"graph_think.{form}", done.stdout)
    if form == "svg":
        assert ElementTree.fromstring(done.stdout).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_directory_of_ones_own_is_drawn_where_nothing_is_named(tmp_path: Path, ask: Ask) -> None:
    write(
        tmp_path,
        {
            "backends.toml": 'extends = "pipelex_like"\n',
            "deck/own.toml": '[llm.presets]\nname_it = { model = "gpt-4o-mini", temperature = 0.8 }\n',
        },
    )
    record = json.loads(ask("graph", "--json", **ENVIRON).stdout)
    assert [node["label"][0] for node in record["nodes"]] == ["name_it", "gpt-4o-mini", "openai"]
    assert record["title"] == 'under the profile "auto"'
    whole = json.loads(ask("graph", "--json", "--all", **ENVIRON).stdout)
    assert len(whole["nodes"]) > 20


def test_the_kit_alone_is_drawn_from_its_default_choices(ask: Ask) -> None:
    done = ask("graph", "--json", **ENVIRON)
    presets = [node["label"] for node in json.loads(done.stdout)["nodes"] if node["sort"] == "preset"]
    assert len(presets) == 4
    assert all(label[-1].startswith("the default") for label in presets)
    assert "--all" in done.stderr
    drawn = ask("graph", "--all", "--format", "svg", **ENVIRON)
    assert drawn.stdout == ask("graph", "--all", "--format", "svg", **ENVIRON).stdout
    assert "dummy-" not in drawn.stdout


def test_a_name_that_nothing_knows_is_exit_code_1_and_a_format_that_is_none_2(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    done = ask("graph", "preset:thnik", **ENVIRON)
    assert (done.exit_code, done.stdout) == (1, "")
    assert 'Did you mean "think"?' in done.stderr
    assert ask("graph", "--format", "png", **ENVIRON).exit_code == 2
