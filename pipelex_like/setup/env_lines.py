"""The `.env` files of a configuration, line by line: which variable stands where."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from pipelex_like.documents.find import expand, home_of
from pipelex_like.documents.read import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.engine.load import Loaded


@dataclass(frozen=True, slots=True)
class EnvLine:
    """A line `NAME=value` of a `.env` file; `line` counts from 1. The repr leaves the value out."""

    file: str
    line: int
    name: str
    value: str = field(repr=False)
    quoted: bool


def env_files(loaded: Loaded) -> list[tuple[Path, str]]:
    """Give the files with their names for people, the one that wins last; they need not exist."""
    named, root = str(loaded.source.env_file or "").strip(), loaded.place.root
    environment = loaded.variables.get("PIPELEX_ENV")
    base = (expand(named, home_of(loaded.variables)), named) if named else (root / ".env", ".env")
    return [base, *([(root / f".env.{environment}", f".env.{environment}")] if environment else [])]


def env_lines(path: Path, shown: str) -> list[EnvLine] | None:
    """Give the lines of a file, under the name `shown`; None where it is not there or cannot be read, which is told
    by whoever needs the values."""
    try:
        text = read_text(path, shown) if path.is_file() else None
    except (OSError, ValueError):
        text = None
    if not isinstance(text, str):
        return None
    lines: list[EnvLine] = []
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        if binding.key is not None and binding.value is not None:
            line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            quoted = written.partition("=")[2].lstrip()[:1] in ("'", '"')
            lines.append(EnvLine(shown, line, binding.key, binding.value, quoted))
    return lines
