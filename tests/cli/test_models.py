"""`models check` and `models add` on the data that is installed, and `models` as it always was."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from cli.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

__all__ = ["ask"]

KIT = 'extends = "pipelex_like"\n'
SPEC = """["gpt-4o-mini"]
costs = { input = 0.1, output = 0.6, input_cached = 0.075 }
"""


def write(root: Path, openai: str = SPEC) -> Path:
    place = root / ".pipelex" / "inference"
    (place / "backends").mkdir(parents=True)
    (place / "backends.toml").write_text(KIT)
    (place / "backends" / "openai.toml").write_text(openai)
    return place


def test_check_tells_where_what_and_which_data(tmp_path: Path, ask: Callable[..., Result]) -> None:
    write(tmp_path)
    done = ask("models", "check", "--backend", "openai")
    assert done.exit_code == 1
    assert done.stdout == (
        ".pipelex/inference/backends/openai.toml:2: openai/gpt-4o-mini: costs.input is 0.1; "
        "the data says 0.15 (openai gpt-4o-mini)\n"
    )
    assert "compared with genai-prices" in done.stderr
    assert "newest entry: 202" in done.stderr


def test_check_as_json(tmp_path: Path, ask: Callable[..., Result]) -> None:
    write(tmp_path)
    done = ask("models", "check", "--backend", "openai", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert found["data"]["package"] == "genai-prices"
    (difference,) = found["differences"]
    assert (difference["file"], difference["line"]) == (".pipelex/inference/backends/openai.toml", 2)
    assert {"handle": "gpt-4o-mini", "key": "costs.input", "spec": "0.1", "data": "0.15"}.items() <= difference.items()


def test_check_is_content_with_what_agrees(tmp_path: Path, ask: Callable[..., Result]) -> None:
    write(tmp_path, SPEC.replace("0.1,", "0.15,"))
    done = ask("models", "check", "--backend", "openai")
    assert (done.exit_code, done.stdout) == (0, "")
    assert ask("models", "check", "--backend", "opneai").exit_code == 2


def test_check_of_a_configuration_that_does_not_load(tmp_path: Path, ask: Callable[..., Result]) -> None:
    (write(tmp_path) / "backends.toml").write_text(KIT + "[openai]\nenabeld = true\n")
    done = ask("models", "check")
    assert done.exit_code == 1
    assert 'Did you mean "enabled"' in done.stderr


def test_add_writes_and_check_agrees(tmp_path: Path, ask: Callable[..., Result]) -> None:
    place = write(tmp_path, "# Ours.\n")
    dry = ask("models", "add", "gpt-5.2-pro", "--backend", "openai", "--handle", "big", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert '+model_id = "gpt-5.2-pro"' in dry.stdout
    assert (place / "backends/openai.toml").read_text() == "# Ours.\n"
    done = ask("models", "add", "gpt-5.2-pro", "--backend", "openai", "--handle", "big")
    assert done.exit_code == 0, done.output
    assert '.pipelex/inference/backends/openai.toml:4: added "big"' in done.stdout
    text = (place / "backends/openai.toml").read_text()
    assert text.startswith("# Ours.\n")
    assert "# From genai-prices" in text
    assert ask("models", "check", "--backend", "openai").exit_code == 0
    assert '"handle": "big"' in ask("models", "--backend", "openai", "--json").stdout
    again = ask("models", "add", "openai/gpt-5.2-pro", "--backend", "openai")
    assert again.exit_code == 2
    assert 'handle "big"' in again.stderr


def test_without_a_subcommand_it_lists(tmp_path: Path, ask: Callable[..., Result]) -> None:
    write(tmp_path)
    listed = json.loads(ask("models", "--all", "--json").stdout)
    assert {"handle", "backend", "model_id", "sdk", "kind"} <= listed[0].keys()
    assert "gpt-4o-mini" in ask("models", "--backend", "openai").stdout
    # What stands before the subcommand is its own.
    assert json.loads(ask("models", "--json", "--backend", "openai", "check").stdout)["ok"] is False


def test_without_the_extra_the_way_out_is_named(
    tmp_path: Path, ask: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    done = ask("models", "check")
    assert done.exit_code == 1
    assert 'needs: pip install "pipelex-like[prices]"' in done.stderr
