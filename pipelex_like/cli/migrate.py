"""`migrate`: a configuration of another form, written in today's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say, say_json
from pipelex_like.cli.failures import answering

if TYPE_CHECKING:
    from pipelex_like.setup.migrate.plan import Migration

_TITLES = {
    "not-carried-over": ("Not carried over", "yellow"),
    "carried-otherwise": ("Not quite the same here", "cyan"),
    "set-variable": ("Variables to set, in the environment or in .env", "cyan"),
    "stays": ("Left as it is", "dim"),
}


def migrate(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A directory in a form of Pipelex 0.11 to 0.92, or LiteLLM's config.yaml; else the configuration "
            "that a call would find."
        ),
    ] = None,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Directory to write to; else in place, for a config.yaml .pipelex/inference."),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Only show the difference; exit code 1 if there is one.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking, over files that stand there too.")] = (
        False
    ),
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
) -> None:
    """Write a configuration of an older form, or of LiteLLM, in today's form, without a change of meaning.

    Example: pipelex-like migrate config.yaml --to .pipelex/inference
    """
    from pipelex_like.setup.migrate.plan import plan

    with answering(as_json=as_json):
        migration = plan(source or config_dir, os.environ, to=to)
        changed = bool(migration.changed)
        shown = diff or as_json or not changed
        if not as_json:
            _tell(migration, with_diff=diff or (changed and (migration.overwrites or to is None)))
        written = changed and not diff and (yes or (to is not None and not migration.overwrites))
        if changed and not written and not shown:
            written = _agreed()
        if written:
            migration.write()
        if as_json:
            say_json(_record(migration, written=written))
        elif written:
            note(f"Written: {len(migration.changed)} files in {migration.target}", style="green")
        if changed and not written:
            raise typer.Exit(1)


def _tell(migration: Migration, *, with_diff: bool) -> None:
    note(f"{migration.source}: {migration.found}.")
    if with_diff:
        say(migration.diff().rstrip("\n"))
    for code, (title, style) in _TITLES.items():
        told = [problem for problem in migration.notes if problem.code == code]
        if told:
            note(f"\n{title}:", style=style)
            for problem in told:
                note(f"  {problem}")
    if not migration.changed:
        note("Nothing to change: it is written so already.", style="green")


def _agreed() -> bool:
    """Ask on a terminal; elsewhere say what to add."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return typer.confirm("Write these files?", err=True)
    note("Nothing was written. Add --yes to write this, or --to DIR to write it elsewhere.", style="yellow")
    return False


def _record(migration: Migration, *, written: bool) -> dict[str, object]:
    from pipelex_like.setup.migrate.plan import shown_diff

    return {
        "form": migration.form,
        "found": migration.found,
        "source": str(migration.source),
        "target": str(migration.target),
        "changed": bool(migration.changed),
        "written": written,
        "files": [
            {
                "path": str(change.path),
                "change": "new" if change.before is None else "changed",
                "diff": shown_diff(change, migration.target),
            }
            for change in migration.changed
        ],
        "notes": [problem.to_dict() for problem in migration.notes],
        "variables": list(migration.variables),
    }
