"""`deck alias set | remove` and `deck preset set | remove`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelex_like.cli import completion, looking
from pipelex_like.cli import options as opt
from pipelex_like.cli.desk import DryRun, Name, at_desk, finish
from pipelex_like.cli.failures import refuse
from pipelex_like.cli.looking import KindOption

_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(help="Set and remove aliases and presets.", no_args_is_help=True, context_settings=_HELP)
alias_app = typer.Typer(
    help="Further names for models, and chains of them.", no_args_is_help=True, context_settings=_HELP
)
preset_app = typer.Typer(help="A model and its settings under one name.", no_args_is_help=True, context_settings=_HELP)
app.add_typer(alias_app, name="alias")
app.add_typer(preset_app, name="preset")


@alias_app.command("set")
def alias_set(
    name: Name,
    targets: Annotated[
        list[str], typer.Argument(help="A model; or several, tried in this order.", autocompletion=completion.targets)
    ],
    *,
    kind: KindOption = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Give a model, or a chain of models, a further name.

    Example: pipelex-like deck alias set smart_llm claude-4.5-sonnet gpt-5
    """
    from pipelex_like.setup.editing.deck_edits import set_alias

    wanted = looking.kind_of(kind)
    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        set_alias(desk, name, targets, kind=wanted)
        finish(desk, dry_run=dry_run, as_json=as_json)


@alias_app.command("remove")
def alias_remove(
    name: Name,
    *,
    kind: KindOption = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Take an alias away; one that is inherited is unset.

    Example: pipelex-like deck alias remove my_llm
    """
    from pipelex_like.setup.editing.deck_edits import remove_alias

    wanted = looking.kind_of(kind)
    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        remove_alias(desk, name, kind=wanted)
        finish(desk, dry_run=dry_run, as_json=as_json)


@preset_app.command("set")
def preset_set(
    name: Name,
    settings: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="model=..., temperature=0.2, ...")],
    *,
    kind: KindOption = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Set the model and settings of a preset, key by key; a new one wants a model.

    Example: pipelex-like deck preset set llm_to_extract_invoice model=gpt-5 temperature=0.2
    """
    from pipelex_like.setup.editing.deck_edits import set_preset

    wanted, pairs = looking.kind_of(kind), _pairs(settings)
    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        set_preset(desk, name, pairs, kind=wanted)
        finish(desk, dry_run=dry_run, as_json=as_json)


@preset_app.command("remove")
def preset_remove(
    name: Name,
    *,
    kind: KindOption = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Take a preset away; one that is inherited is unset.

    Example: pipelex-like deck preset remove my_task
    """
    from pipelex_like.setup.editing.deck_edits import remove_preset

    wanted = looking.kind_of(kind)
    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        remove_preset(desk, name, kind=wanted)
        finish(desk, dry_run=dry_run, as_json=as_json)


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            refuse(f"a setting is KEY=VALUE, for example temperature=0.2, not {setting!r}")
        pairs[key.strip()] = value
    return pairs
