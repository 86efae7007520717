"""`pipelex-like schema`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pipelex_like.specs.json_schemas import FILE_KINDS


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelex_like", "schema", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_a_kind_is_printed_as_it_is_packaged(tmp_path: Path) -> None:
    listed = json.loads(run(tmp_path, "--json").stdout)
    assert [each["kind"] for each in listed] == list(FILE_KINDS)
    for each in listed:
        assert run(tmp_path, each["kind"]).stdout == Path(each["schema"]).read_text(encoding="utf-8")


def test_all_are_written_with_the_names_of_the_directory(tmp_path: Path) -> None:
    done = run(tmp_path, "--with-names", "--out", "own/.schemas", "--config-dir", "pipelex_like")
    assert done.returncode == 1, "a directory that is not there is told"
    done = run(tmp_path, "--with-names", "--out", "own/.schemas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"own/.schemas/{kind}.json" for kind in FILE_KINDS]
    profiles = json.loads((tmp_path / "own/.schemas/profiles.json").read_text(encoding="utf-8"))
    assert "openai" in profiles["definitions"]["names-backends"]["anyOf"][0]["enum"]


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "decks").returncode == 2
    assert "--out" in run(tmp_path, "--with-names").stderr
