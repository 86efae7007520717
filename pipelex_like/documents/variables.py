"""Collect the variables: the environment, and `.env` files under it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.documents.find import expand, home_of, is_folder
from pipelex_like.documents.read import read_text
from pipelex_like.errors import Problem
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENVIRONMENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def read_variables(
    root: Path,
    environ: Mapping[str, str],
    env_file: str | Path | None = None,
    environment: str | None = None,
) -> tuple[FrozenDict[str, str], list[Problem]]:
    """Give every variable that is set, and the problems of the files.

    `environ` wins over `.env.<environment>`, and that over `.env` (or `env_file` in its place), both in `root`.
    `environment` is PIPELEX_ENV of `environ`, else of `.env`. A blank value means not set. `os.environ` is neither
    read nor written.
    """
    problems: list[Problem] = []
    given = _set(environ)
    base = _base_file(root, env_file, environ, problems)
    name = environment or given.get("PIPELEX_ENV") or base.get("PIPELEX_ENV") or ""
    name = name.strip()
    if name and not ENVIRONMENT_NAME.match(name):
        problems.append(_bad_name(name))
        name = ""
    own = _file(root / f".env.{name}", f".env.{name}", problems) if name and _stands(root / f".env.{name}") else {}
    variables = {**base, **own, **given}
    if name:
        variables["PIPELEX_ENV"] = name
    else:
        variables.pop("PIPELEX_ENV", None)
    return FrozenDict(variables), problems


def read_secrets(
    names: Iterable[str], root: Path, variables: Mapping[str, str]
) -> tuple[dict[str, str], list[Problem]]:
    """Give the texts of the secret files of those names, trimmed, and what kept one from being read.

    They stand in the folder PIPELEX_SECRETS_DIR, which starts at `root`. A file that is missing or blank is left
    out: whether it was needed, binding knows.
    """
    wanted, named = sorted(names), variables.get("PIPELEX_SECRETS_DIR")
    if not wanted or not named:
        return {}, []
    folder = root / expand(named, home_of(variables))
    if not is_folder(folder):
        message = "there is no such folder to read secrets from"
        return {}, [_problem("secrets-not-found", "PIPELEX_SECRETS_DIR", message)]
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for name in wanted:
        file = folder / name
        found = read_text(file, f"{named}/{name}") if _stands(file) else ""
        if isinstance(found, Problem):
            problems.append(found)
        else:
            texts[name] = found.strip()
    return _set(texts), problems


def _base_file(
    root: Path, env_file: str | Path | None, environ: Mapping[str, str], problems: list[Problem]
) -> dict[str, str]:
    if env_file is not None and str(env_file).strip():
        return _file(expand(str(env_file), home_of(environ)), str(env_file), problems, named=True)
    return _file(root / ".env", ".env", problems) if _stands(root / ".env") else {}


def _stands(path: Path) -> bool:
    """Whether there is something to read; a folder of that name is most likely a Python environment."""
    try:
        return path.is_symlink() or (path.exists() and not path.is_dir())
    except (OSError, ValueError):
        return False


def _file(path: Path, shown: str, problems: list[Problem], *, named: bool = False) -> dict[str, str]:
    text = read_text(path, shown, pipes=named)
    if isinstance(text, Problem):
        problems.append(text)
        return {}
    from io import StringIO

    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if binding.error:
            # The text stays out of the message: it may hold a key.
            problems.append(_warning("bad-env-line", shown, line, "this line is not NAME=value and was passed over"))
        elif binding.key == "PIPELEX_CONFIG_DIR":
            message = "PIPELEX_CONFIG_DIR has no effect here, since it decides which .env is read; set it outside"
            problems.append(_warning("ignored-variable", shown, line, message))
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return _set(values)


def _set(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _warning(code: str, shown: str, line: int, message: str) -> Problem:
    return Problem(severity="warning", code=code, file=shown, line=line, message=message)


def _bad_name(name: str) -> Problem:
    message = f"{name!r} cannot name an environment: a letter first, then letters, digits, - and _"
    return _problem("bad-environment-name", "PIPELEX_ENV", message)


def _problem(code: str, shown: str, message: str) -> Problem:
    return Problem(severity="error", code=code, file=shown, message=message)
