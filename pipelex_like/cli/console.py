"""What goes where: answers to standard output, everything else to standard error, colour only on a terminal."""

from __future__ import annotations

import sys
from decimal import Decimal
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import orjson
import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

# Off a terminal a line is as long as it must be, unless COLUMNS says otherwise.
_WIDE = 100_000


def out() -> Console:
    """The console of answers; wide where it is not a terminal, so that nothing a program reads is folded."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else get_terminal_size((_WIDE, 24)).columns
    return Console(file=sys.stdout, width=width, highlight=False, emoji=False, soft_wrap=True)


def err() -> Console:
    """The console of everything that is not the answer."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Write a line of the answer as it is, without markup."""
    typer.echo(text)


def note(text: str, *, style: str | None = None) -> None:
    """Write a line beside the answer, without markup."""
    err().print(text, style=style, markup=False)


def say_json(value: object) -> None:
    """Write the answer as JSON, indented, in UTF-8 whatever the terminal speaks."""
    data = orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    typer.echo(data)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to standard output; long cells fold instead of being cut."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    out().print(drawn, soft_wrap=False)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
