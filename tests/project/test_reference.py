"""docs/reference/ and the packaged JSON Schemas are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import reference

FILES = reference.files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_made_from_the_code_is_what_the_code_says(path: Path) -> None:
    again = "run: python tests/project/reference.py"
    assert path.exists(), again
    assert path.read_text(encoding="utf-8") == FILES[path], again


def test_no_file_is_left_over() -> None:
    assert {*reference.PAGES.iterdir(), *reference.SCHEMAS.iterdir()} == {*FILES}


def test_every_command_and_option_stands_in_the_reference() -> None:
    page = FILES[reference.PAGES / "commands.md"]
    assert "## `pipelex-like text`" in page
    assert "`--with-names`" in page
    assert "## `pipelex-like local pull`" in page
