"""From the shared options to a loaded engine, and from words on the command line to call options."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pipelex_like.cli.console import err, note
from pipelex_like.cli.failures import refuse

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pipelex_like.engine import Inference


def load(config_dir: Path | None, profile: str | None, env_file: Path | None, *, lenient: bool = True) -> Inference:
    """Load the configuration. Lenient: a missing key is told when it is needed, by a call."""
    from pipelex_like.engine import Inference

    return Inference.load(config_dir, profile=profile, env_file=env_file, lenient=lenient)


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Show that something is under way, on a terminal only."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def read_prompt(prompt: str) -> str:
    """The prompt itself, or standard input for `-`."""
    if prompt != "-":
        return prompt
    try:
        text = typer.get_binary_stream("stdin").read().decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse("standard input is no UTF-8 text; convert it first, for example by iconv")
    if not text.strip():
        refuse("standard input is empty: pipe a prompt in, or give it in place of -")
    return text


def parse_settings(pairs: list[str] | None) -> dict[str, object]:
    """`temperature=0.2` to a setting; a value is read as JSON where it is JSON, else as text."""
    import orjson

    settings: dict[str, object] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            refuse(f"--set wants NAME=VALUE, for example --set temperature=0.2, not {pair!r}")
        try:
            settings[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            settings[name] = value
    return settings


def given(**options: object) -> dict[str, object]:
    """Only the options that were given: an absent one leaves the deck's own setting in force."""
    return {name: value for name, value in options.items() if value is not None and value != []}


@contextmanager
def usage_errors() -> Generator[None]:
    """A wrong setting or a file that cannot be read is wrong usage: a line and exit code 2, not a traceback."""
    try:
        yield
    except (TypeError, ValueError) as error:
        refuse(str(error))
    except OSError as error:
        if error.filename is None:
            raise  # no file of the user's: a port that is taken, an answer that cannot be written
        refuse(f"{error.filename}: {error.strerror}")


def tell_adapted(adapted: tuple[str, ...]) -> None:
    """Tell which settings were changed or dropped for the model."""
    for line in adapted:
        note(f"adapted: {line}", style="dim")
