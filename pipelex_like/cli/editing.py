"""`backends enable | disable` and `profiles use | new`; without a subcommand they list, as they always did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelex_like.cli import looking
from pipelex_like.cli import options as opt
from pipelex_like.cli.desk import DryRun, Name, at_desk, finish

_HELP = {"help_option_names": ["-h", "--help"]}

backends_app = typer.Typer(invoke_without_command=True, context_settings=_HELP)
profiles_app = typer.Typer(invoke_without_command=True, context_settings=_HELP)


@backends_app.callback()
def backends(
    context: typer.Context,
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the backends: what each serves, whether it is on, and if not, which variable is missing.

    Example: pipelex-like backends --json
    """
    if context.invoked_subcommand is None:
        looking.backends(as_json=as_json, config_dir=config_dir, profile=profile, env_file=env_file)
    else:
        _hand_down(context, backends_app)


@profiles_app.callback()
def profiles(
    context: typer.Context,
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the routing profiles; the one in force is marked.

    Example: pipelex-like profiles --profile hybrid
    """
    if context.invoked_subcommand is None:
        looking.profiles(as_json=as_json, config_dir=config_dir, profile=profile, env_file=env_file)
    else:
        _hand_down(context, profiles_app)


@backends_app.command()
def enable(
    name: Name,
    *,
    auto: Annotated[bool, typer.Option("--auto", help='On as soon as its key is set: enabled = "auto".')] = False,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Switch a backend on, and tell which variables it still lacks.

    Example: pipelex-like backends enable fal
    """
    from pipelex_like.setup.editing.edits import switch_backend

    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        found = switch_backend(desk, name, "auto" if auto else "on")
        finish(desk, dry_run=dry_run, as_json=as_json, backend=found)


@backends_app.command()
def disable(
    name: Name,
    *,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Switch a backend off, whatever keys are set.

    Example: pipelex-like backends disable openrouter --dry-run
    """
    from pipelex_like.setup.editing.edits import switch_backend

    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        found = switch_backend(desk, name, "off")
        finish(desk, dry_run=dry_run, as_json=as_json, backend=found)


@profiles_app.command()
def use(
    name: Name,
    *,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Make a profile the active one, after a look at whether it can serve.

    Example: pipelex-like profiles use hybrid
    """
    from pipelex_like.setup.editing.edits import use_profile

    with at_desk(config_dir, None, env_file, as_json=as_json) as desk:
        use_profile(desk, name)
        finish(desk, dry_run=dry_run, as_json=as_json, profile=name)


@profiles_app.command()
def new(
    name: Name,
    *,
    default: Annotated[str | None, typer.Option("--default", help="Backend that serves what no route names.")] = None,
    fallback_order: Annotated[
        str | None, typer.Option("--fallback-order", metavar="A,B", help="Who serves what the default does not.")
    ] = None,
    like: Annotated[str | None, typer.Option("--from", metavar="PROFILE", help="Begin with a copy of it.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it does, in a sentence.")] = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Write a routing profile of your own.

    Example: pipelex-like profiles new team --default openai --fallback-order anthropic,google
    """
    from pipelex_like.setup.editing.edits import new_profile

    order = None if fallback_order is None else [part.strip() for part in fallback_order.split(",") if part.strip()]
    with at_desk(config_dir, None, env_file, as_json=as_json) as desk:
        new_profile(desk, name, default=default, fallback_order=order, like=like, description=description)
        finish(desk, dry_run=dry_run, as_json=as_json)


def _hand_down(context: typer.Context, app: typer.Typer) -> None:
    """What was given before the subcommand is what that takes unless it is told otherwise."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in context.params.items() if value}
    context.default_map = opt.handed_down(app, given)
