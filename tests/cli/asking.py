"""Ask the command line inside this process, which is quicker than a process for each question."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from pipelex_like.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Give a function that runs a command in `tmp_path`, with nothing in the environment but what it is given."""
    monkeypatch.chdir(tmp_path)

    def asked(*arguments: str, **variables: str) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in {"HOME": str(tmp_path), "COLUMNS": "200", **variables}.items():
                patch.setenv(name, value)
            return CliRunner().invoke(app, arguments)

    return asked


def same_as_golden(path: Path, text: str) -> None:
    """Compare with a file; `WRITE_GOLDEN=1` in the environment writes it anew."""
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs"
