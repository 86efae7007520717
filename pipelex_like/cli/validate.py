"""`validate`: every problem of every file, at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, out, say_json
from pipelex_like.cli.session import load
from pipelex_like.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.errors import Problem

STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def validate(
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Check the configuration without calling anybody; exit code 1 if it has an error.

    Example: pipelex-like validate --config-dir team/.pipelex/inference
    """
    # The problems are this command's answer: they need not be told by the logger too.
    logging.getLogger("pipelex_like").addHandler(logging.NullHandler())
    try:
        with load(config_dir, profile, env_file, lenient=False) as ai:
            problems: Sequence[Problem] = ai.deck.warnings
    except ConfigError as error:
        problems = error.problems
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        say_json({"ok": not errors, "problems": [problem.to_dict() for problem in problems]})
    else:
        _show(problems, errors)
    if errors:
        raise typer.Exit(1)


def _show(problems: Sequence[Problem], errors: int) -> None:
    console = out()
    for problem in problems:
        console.print(problem.severity, style=STYLES[problem.severity], end=" ")
        console.print(f"{problem} [{problem.code}]", markup=False)
    warnings = sum(problem.severity == "warning" for problem in problems)
    note(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if problems else "The configuration is good.")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
