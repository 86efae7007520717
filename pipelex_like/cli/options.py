"""Options that several commands share, each declared once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipelex_like.cli import completion

CONFIG = "Configuration"

ConfigDir = Annotated[
    Path | None,
    typer.Option(
        "--config-dir",
        help="Directory of the configuration; else $PIPELEX_CONFIG_DIR, else the nearest .pipelex/inference.",
        rich_help_panel=CONFIG,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Routing profile; else $PIPELEX_PROFILE, else by $PIPELEX_ENV, else the active one.",
        rich_help_panel=CONFIG,
        autocompletion=completion.profiles,
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="File of variables to read in place of .env.", rich_help_panel=CONFIG),
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Reference: preset:x, alias:x, a model's name, or backend/model. Default: the deck's choice.",
        autocompletion=completion.references,
    ),
]
Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        help="Pin every candidate to this backend.",
        rich_help_panel="Routing",
        autocompletion=completion.backends,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Backends allowed; repeat it.",
        rich_help_panel="Routing",
        autocompletion=completion.backends,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        help="Backends ruled out; repeat it.",
        rich_help_panel="Routing",
        autocompletion=completion.backends,
    ),
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.001, help="Seconds for the whole call, retries included.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting, for example temperature=0.2; repeat it."),
]


def handed_down(app: typer.Typer, given: Mapping[str, object]) -> dict[str, object]:
    """Give the defaults of all commands of `app`, and of the groups in it, as click takes them."""
    defaults: dict[str, object] = {}
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        defaults[name] = given
    for group in app.registered_groups:
        if group.name and group.typer_instance is not None:
            defaults[group.name] = {**given, **handed_down(group.typer_instance, given)}
    return defaults
