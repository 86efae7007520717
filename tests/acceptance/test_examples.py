"""Every example runs without a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED = {
    "invoice_pipeline": ["1 page read by internal", "by local"],
    "three_profiles": [
        "text    by sandbox/sandbox-text",
        "picture by sandbox/sandbox-image",
        "text    by local/smollm2-135m-instruct",
        "picture by nobody",
    ],
    "own_presets": ["llm_to_name_products: sandbox/sandbox-text", "asked for llm_to_name_products"],
    "extends": ["team.toml:", "project.toml:", "served by sandbox with {'temperature': 0, 'max_tokens': 400}"],
}


def run(name: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name / "main.py")],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EXPECTED)
def test_example_runs_and_shows_what_it_promises(name: str, tmp_path: Path, local_weights: Path) -> None:
    shown = run(name, tmp_path)
    for text in EXPECTED[name]:
        assert text in shown, shown


def test_every_example_is_run() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/main.py")} == set(EXPECTED)
