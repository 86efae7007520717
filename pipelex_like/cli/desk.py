"""What the commands that edit files share: drafts, refusals, `--dry-run`, and telling what changed and where."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import completion
from pipelex_like.cli.console import note, say, say_json
from pipelex_like.cli.failures import answering, refuse

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pipelex_like.setup.editing.desk import Desk
    from pipelex_like.setup.editing.outlook import Outlook

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change, as a difference.")]
Name = Annotated[str, typer.Argument(help="Its name.", autocompletion=completion.own_names)]


@contextmanager
def at_desk(config_dir: Path | None, profile: str | None, env_file: Path | None, *, as_json: bool) -> Generator[Desk]:
    """Open the directory that the options mean; what makes no sense there is wrong usage."""
    from pipelex_like.setup.editing.desk import Desk
    from pipelex_like.setup.editing.edits import RefusedEditError

    with answering(as_json=as_json):
        try:
            yield Desk.open(config_dir, os.environ, profile=profile, env_file=env_file)
        except RefusedEditError as error:
            refuse(str(error))


def finish(desk: Desk, *, dry_run: bool, as_json: bool, backend: str | None = None, profile: str | None = None) -> None:
    """Refuse what would make the configuration invalid; else write it, and tell what changed and where."""
    from pipelex_like.errors import ConfigError
    from pipelex_like.setup.editing.changes import new_problems

    after = desk.after(profile)
    refusals = desk.refusals(after)
    if dry_run and not as_json:
        for change in desk.changes:
            say(change.diff(desk.show(change.path)).rstrip("\n"))
    if refusals:
        if not as_json:
            note("nothing was written: with this change the configuration would not load", style="red")
        raise ConfigError(refusals)
    if not dry_run:
        desk.write()
    # What the backend lacks is told with its state.
    warnings = [
        problem
        for problem in new_problems(desk.before.problems, after.problems, "warning")
        if not (problem.path[:1] == (backend,) and problem.code == "missing-variable")
    ]
    notes = [*desk.notes, *desk.outdone(after), *_state(after, backend), *(str(problem) for problem in warnings)]
    if as_json:
        say_json(_record(desk, notes, written=not dry_run and bool(desk.changes)))
        return
    for step in () if dry_run else desk.done:
        say(str(step))
    for line in notes:
        note(line)
    if dry_run and desk.changes:
        note("nothing was written (--dry-run)")


def _state(after: Outlook, backend: str | None) -> list[str]:
    from pipelex_like.setup.editing.edits import state_of

    held = None if after.bound is None or backend is None else after.bound.deck.backends.get(backend)
    return [] if held is None else [state_of(held)]


def _record(desk: Desk, notes: list[str], *, written: bool) -> dict[str, object]:
    changes = [
        {
            "file": desk.show(change.path),
            "created": change.before is None,
            "diff": change.diff(desk.show(change.path)),
        }
        for change in desk.changes
    ]
    done = [{"file": step.file, "line": step.line, "text": step.text} for step in desk.done]
    return {"written": written, "done": done, "changes": changes, "notes": notes}
