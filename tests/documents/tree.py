"""A directory of files for a test, and loading it."""

from __future__ import annotations

from pathlib import Path

from pipelex_like.documents import Documents, Place, Rename, load_documents
from pipelex_like.errors import Problem

RENAMES = (
    Rename("deck", (), "ocr", "extract"),
    Rename("deck", ("extract", "presets", "*"), "ocr_handle", "model"),
)


def write(directory: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def load(
    root: Path, directory: str = ".pipelex/inference", environment: str | None = None
) -> tuple[Documents, list[Problem]]:
    """Load a directory of `root`, with `root` as the project's folder and `root/kit` as the packaged kit."""
    place = Place(directory=root / directory, root=root, chosen_by="the test")
    variables = {"HOME": str(root / "home")} | ({"PIPELEX_ENV": environment} if environment else {})
    return load_documents(place, variables, root / "kit", RENAMES, exclusive=[("quality", "nb_steps")])


def good(root: Path, directory: str = ".pipelex/inference", environment: str | None = None) -> Documents:
    documents, problems = load(root, directory, environment)
    assert problems == []
    return documents


def the_problem(root: Path, directory: str = ".pipelex/inference", environment: str | None = None) -> Problem:
    (problem,) = load(root, directory, environment)[1]
    return problem
