"""How an error becomes a message and an exit code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from pipelex_like.cli.console import note, say_json
from pipelex_like.cli.records import attempt_record
from pipelex_like.errors import CallError, ConfigError, PipelexLikeError

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def answering(*, as_json: bool = False) -> Generator[None]:
    """Turn the package's own errors into a message, or a JSON record on standard output, and exit code 1."""
    try:
        yield
    except PipelexLikeError as error:
        fail(error, as_json=as_json)


def fail(error: PipelexLikeError, *, as_json: bool) -> NoReturn:
    """Tell of the error and leave with exit code 1."""
    if as_json:
        say_json({"error": error_record(error)})
    else:
        note(f"{type(error).__name__}: {error}", style="red")
    raise typer.Exit(1)


def error_record(error: PipelexLikeError) -> dict[str, object]:
    """Give the shape that every failing `--json` answer holds under `error`."""
    record: dict[str, object] = {"type": type(error).__name__, "message": str(error), "attempts": []}
    if isinstance(error, CallError):
        record["attempts"] = [attempt_record(attempt) for attempt in error.attempts]
        record["status"] = error.status
    if isinstance(error, ConfigError):
        record["problems"] = [problem.to_dict() for problem in error.problems]
    return record


def refuse(message: str) -> NoReturn:
    """Tell that the command was used wrongly and leave with exit code 2."""
    note(message, style="red")
    raise typer.Exit(2)
