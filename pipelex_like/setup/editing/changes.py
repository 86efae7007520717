"""Change configuration files: every comment kept, looked at before it is written, written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.outlook import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tomlkit import TOMLDocument

    from pipelex_like.errors import Severity

__all__ = ["Change", "check", "edited", "new_errors", "new_problems", "read_exactly", "rewritten", "write_all"]

BOM = "\ufeff"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file as it is and as it shall be, to the byte: line ends and byte order mark are part of both texts.

    `before` None: there is no such file yet.
    """

    path: Path
    before: str | None
    after: str

    def __bool__(self) -> bool:
        """Whether anything would differ."""
        return self.before != self.after

    def diff(self, shown: str | None = None) -> str:
        """Give the unified difference, the file named as `shown`; empty if nothing changes."""
        name = shown or str(self.path)
        old, new = _LINE.findall(self.before or ""), _LINE.findall(self.after)
        lines = unified_diff(old, new, name if self.before is not None else "/dev/null", name)
        return "".join(_ended(line) for line in lines)

    def write(self, mode: int | None = None) -> None:
        """Put the new text in the file's place in one step; a reader sees the old one or the new one whole.

        Links are followed. The file keeps its permissions; `mode` gives them for a new file and tightens an old
        one's. Raises ConfigError, and writes nothing, if the file is no longer what it was; OSError as it comes.
        """
        if not self and mode is None:
            return
        target = self.path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        old = target.stat().st_mode & 0o7777 if target.exists() else None
        draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
        try:
            opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
            with os.fdopen(opened, "wb") as stream:
                stream.write(self.after.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
            kept = mode if mode is not None else old
            if kept is not None:
                draft.chmod(kept)
            self._refuse_if_changed()
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def _refuse_if_changed(self) -> None:
        if read_exactly(self.path) != self.before:
            raise _refusal(
                "changed-meanwhile",
                self.path,
                "somebody else changed this file in the meantime, so it was left alone.",
                "Look at it, then run the command again.",
            )


def edited(path: Path, change: Callable[[TOMLDocument], None]) -> Change:
    """Give the file with `change` done to its document; one that does not exist begins empty.

    Raises ConfigError where the file is no TOML, or where the document could not be written as TOML again.
    """
    from tomlkit import dumps, parse

    def edit(text: str) -> str:
        document = parse(text)
        change(document)
        written = dumps(document)
        if tomllib.loads(written) != document.unwrap():
            raise ValueError("the file is written in a way that this change cannot be fitted into")
        return written

    return rewritten(path, edit)


def rewritten(path: Path, edit: Callable[[str], str], *, drafted: Change | None = None) -> Change:
    """Give the file with `edit` done to its text; its byte order mark and its kind of line ends stay.

    `drafted`: a change of this file that goes before. Raises ConfigError where the file cannot be read, is no
    TOML, or where `edit` raises ValueError or gives none.
    """
    before = read_exactly(path) if drafted is None else drafted.before
    start = before if drafted is None else drafted.after
    mark = BOM if start is not None and start.startswith(BOM) else ""
    text = (start or "").removeprefix(BOM)
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "Mend it first; `pipelex-like validate` tells more."
        raise _refusal("bad-toml", path, f"this is not valid TOML: {error}.", hint) from error
    try:
        after = edit(text)
        tomllib.loads(after)
    except (ValueError, RecursionError) as error:
        raise _refusal("cannot-edit", path, f"this could not be changed: {error}.", "Edit it by hand.") from error
    if "\r\n" in text and text.count("\r\n") == text.count("\n"):
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return Change(path=path, before=before, after=mark + after)


def read_exactly(path: Path) -> str | None:
    """Give a file's text as it stands, line ends and byte order mark included; None where there is none.

    Raises ConfigError for one that is no UTF-8, OSError as it comes.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise _refusal("not-utf-8", path, "the file is not UTF-8.", "Save it as UTF-8 first.") from error


def write_all(changes: Iterable[Change]) -> None:
    """Write all of them, if each file still is what it was; otherwise raise ConfigError and write none."""
    held = [change for change in changes if change]
    for change in held:
        change._refuse_if_changed()  # pyright: ignore[reportPrivateUsage]
    for change in held:
        change.write()


def new_errors(before: Sequence[Problem], after: Sequence[Problem]) -> list[Problem]:
    """Give the errors of `after` that `before` does not have, wherever their lines have moved to."""
    return new_problems(before, after)


def new_problems(before: Sequence[Problem], after: Sequence[Problem], severity: Severity = "error") -> list[Problem]:
    """Give the problems of that severity that `before` does not have, wherever their lines have moved to."""
    known = Counter(_facts(problem) for problem in before if problem.severity == severity)
    found: list[Problem] = []
    for problem in after:
        if problem.severity != severity:
            continue
        if known[_facts(problem)] > 0:
            known[_facts(problem)] -= 1
        else:
            found.append(problem)
    return found


def _facts(problem: Problem) -> tuple[str, str, str, str]:
    return problem.file, problem.code, problem.key, problem.message


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets a folder be synced."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _refusal(code: str, path: Path, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(severity="error", code=code, file=str(path), message=message, hint=hint)])
