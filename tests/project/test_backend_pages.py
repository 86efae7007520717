"""The pages about backends: one section per backend, and all that its table reads stands in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipelex_like.data import KIT

DOCS = Path(__file__).parents[2] / "docs" / "backends"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
INDEX = PAGES["README.md"]
BACKENDS = tomllib.loads((KIT / "backends.toml").read_text(encoding="utf-8"))
_SLOT = re.compile(r"\$\{([^}]*)\}")


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return []


def variables(backend: str) -> set[str]:
    table = BACKENDS[backend]
    slots = {name for text in texts(table) for slot in _SLOT.findall(text) for name in slot.split(":-")[0].split("|")}
    return slots | {name for names in table.get("required", ()) for name in names}


def sections(backend: str) -> list[tuple[str, str]]:
    heading = re.compile(rf"^## `{backend}`$(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    return [(name, text) for name, page in PAGES.items() for text in heading.findall(page)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_has_one_section_that_names_its_variables(backend: str) -> None:
    found = sections(backend)
    assert len(found) == 1
    assert {name for name in variables(backend) if f"`{name}`" not in found[0][1]} == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_index_names_a_backend_its_variables_and_its_page(backend: str) -> None:
    rows = [line for line in INDEX.splitlines() if line.startswith(f"| `{backend}` |")]
    assert len(rows) == 1
    assert {name for name in variables(backend) if f"`{name}`" not in rows[0]} == set()
    (page,) = re.findall(r"\]\(([^)]+)\)", rows[0])
    assert [name for name, _ in sections(backend)] == [page]


def test_no_section_is_about_a_backend_that_is_not_there() -> None:
    headings = {name for page in PAGES.values() for name in re.findall(r"^## `([^`]+)`$", page, re.MULTILINE)}
    assert headings == set(BACKENDS)


def test_every_page_is_in_the_index() -> None:
    assert set(re.findall(r"\]\(([a-z-]+\.md)\)", INDEX)) == set(PAGES) - {"README.md"}
