"""The configuration files that the pages for tasks show are good ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelex_like import Inference

DOCS = Path(__file__).parents[2] / "docs"
PLACE = ".pipelex/inference/"
BLOCK = re.compile(r"^```toml\n# (\.pipelex/inference/\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHOWN = {page.name: BLOCK.findall(page.read_text(encoding="utf-8")) for page in sorted(DOCS.glob("*.md"))}
KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "MISTRAL_API_KEY": "k", "ACME_API_KEY": "k", "FAL_KEY": "k"}


def test_the_pages_for_tasks_show_files() -> None:
    tasks = {"profiles.md", "presets.md", "add-a-backend.md", "local-models.md", "survive.md"}
    assert tasks <= {name for name, files in SHOWN.items() if files}


@pytest.mark.parametrize("page", [name for name, files in SHOWN.items() if files])
def test_the_files_of_a_page_load_without_a_warning(tmp_path: Path, page: str) -> None:
    texts = {"backends.toml": 'extends = "pipelex_like"\n'}
    for path, text in SHOWN[page]:
        texts[path.removeprefix(PLACE)] = text
    for path, text in texts.items():
        file = tmp_path / PLACE / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    aws = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "k"}
    with Inference.load(tmp_path / PLACE, environ={"HOME": str(tmp_path), **KEYS, **aws}) as ai:
        assert [str(warning) for warning in ai.deck.warnings if warning.severity == "warning"] == []
