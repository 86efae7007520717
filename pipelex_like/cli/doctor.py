"""`doctor`: what is installed, configured and set, what each thing did, and with `--live` what providers answer."""

from __future__ import annotations

import os
from math import isfinite
from typing import Annotated

import typer

from pipelex_like.cli import completion
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import say_json
from pipelex_like.cli.doctor_text import show
from pipelex_like.cli.failures import refuse
from pipelex_like.cli.session import waiting

SECONDS = 10.0


def doctor(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Ask each provider that is on one question that costs nothing.")
    ] = False,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", help="Only this backend; repeat it.", autocompletion=completion.backends),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=600, help="Seconds that --live waits for an answer.")
    ] = SECONDS,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Look at everything that calls depend on, and say what to do. Exit code 0: all default choices can be served.

    Example: pipelex-like doctor --live --backend openai
    """
    from pipelex_like.engine.load import Source
    from pipelex_like.engine.runtime import Runtime
    from pipelex_like.setup.doctor.packages import look_around
    from pipelex_like.setup.doctor.report import UnknownBackendError, diagnose

    if not isfinite(timeout):
        refuse("--timeout wants a number of seconds")
    source = Source(config_dir=config_dir, environ=dict(os.environ), env_file=env_file)
    try:
        diagnosis = diagnose(source, profile, installed=look_around(), wanted=backend or ())
    except UnknownBackendError as error:
        refuse(str(error))
    report = diagnosis.report
    if live:
        from pipelex_like.setup.doctor.live import with_checks

        with waiting("asking the providers"):
            report = with_checks(diagnosis, Runtime(), seconds=timeout, environ=os.environ)
    if as_json:
        say_json(report.to_dict())
    else:
        show(report)
    if not report.ok:
        raise typer.Exit(1)
