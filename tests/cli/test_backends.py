"""`pipelex-like backends` with the packaged kit: every row, what it serves, and what it misses, on any terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from pipelex_like.data import KIT

if TYPE_CHECKING:
    from pathlib import Path

ROWS = tuple(tomllib.loads((KIT / "backends.toml").read_text(encoding="utf-8")))


def backends(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelex_like", "backends", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **environ},
        timeout=60,
    )


@pytest.mark.parametrize("width", [80, 120])
def test_every_row_is_there_and_fits(tmp_path: Path, width: int) -> None:
    lines = backends(tmp_path, COLUMNS=str(width)).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == list(ROWS)
    assert max(len(line) for line in lines) <= width


def test_it_says_what_each_serves_and_which_variable_is_missing(tmp_path: Path) -> None:
    shown = re.sub(r"\s+", " ", backends(tmp_path, GROQ_API_KEY="x", NEBIUS_API_KEY="x", COLUMNS="200").stdout)
    assert "groq on llm GROQ_API_KEY is set" in shown
    assert "anthropic off llm ANTHROPIC_API_KEY is not set" in shown
    assert "nebius broken llm NEBIUS_API_BASE is not set, while NEBIUS_API_KEY is set" in shown
    assert "vllm off llm VLLM_API_BASE is not set" in shown
    assert "ollama on llm enabled = true; only for what names it (ollama/...)" in shown
    assert "none of these is set: AI_BASE_URL; AI_API_KEY; AI_MODELS" in shown


def test_a_program_is_told_the_same_and_more(tmp_path: Path) -> None:
    told = {row["name"]: row for row in json.loads(backends(tmp_path, "--json", XAI_API_KEY="x").stdout)}
    assert tuple(told) == ROWS
    assert (told["xai"]["state"], told["xai"]["missing"], told["xai"]["models"] > 0) == ("on", [], True)
    assert told["nebius"]["missing"] == ["NEBIUS_API_KEY", "NEBIUS_API_BASE"]
    assert told["custom"]["alternatives"] == [["AI_BASE_URL"], ["AI_API_KEY"], ["AI_MODELS"]]
    assert told["together"]["other_names"] == ["together_ai"]
    assert told["ollama"]["only_when_named"] is True
    assert told["mistral"]["key_url"].startswith("https://")


def test_what_each_serves_is_said_though_it_is_off(tmp_path: Path) -> None:
    told = json.loads(backends(tmp_path, "--json").stdout)
    assert [row["name"] for row in told if not row["kinds"]] == []
