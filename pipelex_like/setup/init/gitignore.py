"""Keep keys and accounts out of a repository: the lines of `.gitignore` for them, each once."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipelex_like.setup.editing.changes import Change, read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

OPENING = "# Keys, and the accounts and caches of pipelex-like: not for others"
ACCOUNTS = (".pipelex/*.sqlite*", ".pipelex/*.jsonl")


def changed_gitignore(path: Path, wanted: Iterable[str]) -> Change:
    """Give the file with a line for each of `wanted` that it does not ignore yet."""
    before = read_exactly(path)
    return Change(path=path, before=before, after=with_lines(before or "", wanted))


def with_lines(text: str, wanted: Iterable[str]) -> str:
    """Give the text with the lines that it lacks, at its end, so that nothing before takes their effect away."""
    lacking = [line for line in wanted if not ignores(text, line)]
    if not lacking:
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text or text.endswith("\n") else end
    lines = [*([] if OPENING in text else [OPENING]), *lacking]
    space = end if text and OPENING not in text else ""
    return text + gap + space + "".join(f"{line}{end}" for line in lines)


def ignores(text: str, wanted: str) -> bool:
    """Whether the lines ignore what `wanted` stands for; the last one that speaks of it decides, as in git."""
    verdict = False
    for line in text.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and _speaks_of(pattern.removeprefix("!"), wanted):
            verdict = not pattern.startswith("!")
    return verdict


def _speaks_of(pattern: str, wanted: str) -> bool:
    pattern = pattern.removeprefix("/")
    folder, _, name = wanted.rpartition("/")
    if pattern == wanted or (folder and pattern.rstrip("/") in (folder, f"{folder}/*", f"{folder}/**")):
        return True
    plain = "/" not in pattern and not any(sign in wanted for sign in "*?[")
    return plain and fnmatchcase(name, pattern)
