"""A broken directory laid over a good one, and `validate` run on it."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pipelex_like.cli.app import app

HERE = Path(__file__).parent
CASES = sorted(path.name for path in (HERE / "cases").iterdir())
VARIABLES = {"OPENAI_API_KEY": "sk-proj-0a1b2c3d4e", "ANTHROPIC_API_KEY": "sk-ant-0a1b2c3d4e"}


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str
    exit_code: int

    @property
    def record(self) -> Any:
        return json.loads(self.stdout)


def arrange(case: str | None, folder: Path) -> dict[str, str]:
    """Lay the case over the good directory in the project `folder`; give the variables that it is read with.

    `env` of a case becomes `.env` of the project, `environ.toml` stands in for the environment.
    """
    target = folder / ".pipelex" / "inference"
    shutil.copytree(HERE / "base", target)
    if case is None:
        return dict(VARIABLES)
    source = HERE / "cases" / case
    shutil.copytree(source, target, dirs_exist_ok=True)
    (target / "expected.txt").unlink(missing_ok=True)
    if (target / "env").exists():
        (target / "env").rename(folder / ".env")
    variables = target / "environ.toml"
    if not variables.exists():
        return dict(VARIABLES)
    held = tomllib.loads(variables.read_text(encoding="utf-8"))
    variables.unlink()
    return held


def validate(folder: Path, variables: dict[str, str], *arguments: str) -> Done:
    """Run `pipelex-like validate` in the project."""
    environ = {**dict.fromkeys(os.environ), **variables, "HOME": str(folder), "COLUMNS": "200"}
    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(app, ["validate", *arguments], env=environ, catch_exceptions=False)
    finally:
        os.chdir(before)
    return Done(done.stdout, done.stderr, done.exit_code)
