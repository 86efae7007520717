"""The command `pipelex-like`."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import TextIOWrapper
from traceback import extract_tb
from typing import Annotated

import typer

from pipelex_like.cli import (
    calls,
    completion,
    deck,
    doctor,
    editing,
    editor,
    explain,
    graph,
    init,
    local,
    migrate,
    models,
    quickstart,
    sandbox,
    usage,
    validate,
)
from pipelex_like.cli import options as opt

app = typer.Typer(
    name="pipelex-like",
    help="Route inference by configuration: name a task, never a vendor.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pipelex-like {version('pipelex-like')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Route inference by configuration: name a task, never a vendor."""
    options = {"config_dir": config_dir, "profile": profile, "env_file": env_file}
    given = {name: str(value) for name, value in options.items() if value is not None}
    # Given before the command, they are what the command takes unless it is told otherwise.
    context.default_map = opt.handed_down(app, given)


app.command("init")(init.init)
app.command("quickstart")(quickstart.quickstart)
app.command("validate")(validate.validate)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("graph")(graph.graph)
app.add_typer(models.app, name="models")
app.add_typer(editing.backends_app, name="backends")
app.add_typer(editing.profiles_app, name="profiles")
app.add_typer(deck.app, name="deck")
app.command("text")(calls.text)
app.command("object")(calls.object_)
app.command("extract")(calls.extract)
app.command("image")(calls.image)
app.command("usage")(usage.usage)
app.command("sandbox")(sandbox.sandbox)
app.command("migrate")(migrate.migrate)
app.command("schema")(editor.schema)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command line; the exit code is 0 for good, 1 when the answer is no, 2 for wrong usage."""
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        # What a terminal cannot show is no reason to lose an answer that was paid for.
        stdout.reconfigure(errors="backslashreplace")
    if completion.asked_for():
        # Nobody wants to read of an error in the middle of the line that is being typed: nothing is offered then.
        with suppress(Exception):
            completion.answer(app)
        return
    try:
        app()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"pipelex-like: {where}{error.strerror or type(error).__name__}\n")
        with suppress(OSError):
            sys.stdout.close()
        sys.exit(1)
    except Exception as error:  # the last stop: a mistake of ours must not print a user's secrets
        place = extract_tb(error.__traceback__)[-1]
        sys.stderr.write(
            f"pipelex-like made a mistake: {type(error).__name__} at {place.filename}:{place.lineno} in {place.name}.\n"
            "Its message is not shown, because it may hold a key. Please report it with these two lines.\n"
        )
        sys.exit(1)
