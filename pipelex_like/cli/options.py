"""Options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    ),
]
Provider = Annotated[
    str | None, typer.Option("--provider", help="Pin every candidate to this backend.", rich_help_panel="Routing")
]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Backends allowed; repeat it.", rich_help_panel="Routing")
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", help="Backends ruled out; repeat it.", rich_help_panel="Routing")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.001, help="Seconds for the whole call, retries included.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting, for example temperature=0.2; repeat it."),
]
