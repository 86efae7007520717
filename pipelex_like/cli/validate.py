"""`validate`: every problem of every file, at once, with what is probably not meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, out, say, say_json
from pipelex_like.cli.failures import refuse
from pipelex_like.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.errors import Problem
    from pipelex_like.setup.lint.findings import Report

STYLES = {"error": "red", "warning": "yellow", "note": "dim"}
GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
PRICE_DAYS = 180


class Format(StrEnum):
    """How the problems are told."""

    text = "text"
    json = "json"
    github = "github"


Codes = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="CODE,...", help="Only warnings of these codes; errors are always told."),
]
NoCodes = Annotated[
    list[str] | None, typer.Option("--ignore", metavar="CODE,...", help="No warnings of these codes; repeat it.")
]


def validate(
    *,
    select: Codes = None,
    ignore: NoCodes = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    form: Annotated[Format, typer.Option("--format", help="github: annotations of a workflow.")] = Format.text,
    as_json: opt.Json = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what has one right answer.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what --fix would change.")] = False,
    max_price_age: Annotated[
        int, typer.Option(min=0, max=100_000, metavar="DAYS", help="Prices checked longer ago are old.")
    ] = PRICE_DAYS,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Check the configuration without calling anybody; exit code 1 if it has an error.

    Example: pipelex-like validate --strict --ignore unused-alias,route-order
    """
    from pipelex_like.engine.load import Source
    from pipelex_like.engine.runtime import Runtime
    from pipelex_like.setup.lint.findings import chosen, examine

    source = Source(config_dir=config_dir, env_file=env_file)
    today = datetime.fromtimestamp(Runtime().now(), UTC).date()
    wanted, unwanted = _split(select), _split(ignore)

    def look() -> tuple[Report | None, Sequence[Problem]]:
        try:
            report = examine(source, profile, today=today, max_age=timedelta(days=max_price_age))
        except ConfigError as error:
            return None, chosen(error.problems)
        return report, chosen(report.problems, select=wanted, ignore=unwanted)

    try:
        report, problems = look()
    except ValueError as error:
        refuse(str(error))
    if report is not None and (fix or diff):
        if _mend(report, problems, profile, only_show=diff):
            raise typer.Exit(1)
        report, problems = look() if not diff else (report, problems)
    if diff:
        return
    _tell(problems, Format.json if as_json else form, strict=strict)


def _split(codes: list[str] | None) -> list[str]:
    return [code.strip() for given in codes or [] for code in given.split(",") if code.strip()]


def _mend(report: Report, problems: Sequence[Problem], profile: str | None, *, only_show: bool) -> bool:
    """Mend the files, or show how; give whether there is something to show."""
    from pipelex_like.setup.editing.changes import write_all
    from pipelex_like.setup.lint.fixes import mend

    root = report.loaded.place.root
    try:
        mending = mend(report, problems, profile)
        if not only_show:
            write_all(mending.changes)
    except ConfigError as error:
        note(f"nothing was mended: {error}", style="red")
        return True
    for change in mending.changes if only_show else ():
        shown = change.path.relative_to(root) if change.path.is_relative_to(root) else change.path
        typer.echo(change.diff(Path(shown).as_posix()), nl=False)
    what = "can be mended by --fix" if only_show else "mended"
    note(f"{_count(len(mending.mended), 'problem')} {what}")
    return only_show and bool(mending.changes)


def _tell(problems: Sequence[Problem], form: Format, *, strict: bool) -> None:
    failing = ("error", "warning") if strict else ("error",)
    ok = not any(problem.severity in failing for problem in problems)
    match form:
        case Format.json:
            say_json({"ok": ok, "problems": [problem.to_dict() for problem in problems]})
        case Format.github:
            for problem in problems:
                say(annotation(problem))
        case Format.text:
            _show(problems)
    if not ok:
        raise typer.Exit(1)


def annotation(problem: Problem) -> str:
    """Give the problem as a line that a GitHub workflow shows beside the file.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    place = None if problem.file.startswith("(") else problem.file  # "(environment)" is no file
    facts = {"file": place, "line": problem.line, "title": problem.code}
    said = ",".join(f"{name}={_escaped(str(fact), ':,')}" for name, fact in facts.items() if fact is not None)
    text = " ".join(part for part in (f"{problem.key}:" if problem.key else "", problem.message, problem.hint) if part)
    return f"::{GITHUB[problem.severity]} {said}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _show(problems: Sequence[Problem]) -> None:
    console = out()
    for problem in problems:
        console.print(problem.severity, style=STYLES[problem.severity], end=" ")
        console.print(f"{problem} [{problem.code}]", markup=False)
    counts = {word: sum(problem.severity == word for problem in problems) for word in STYLES}
    notes = f", {_count(counts['note'], 'note')}" if counts["note"] else ""
    told = f"{_count(counts['error'], 'error')}, {_count(counts['warning'], 'warning')}{notes}"
    note(told if problems else "The configuration is good.")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
