"""`models check` and `models add`; without a subcommand it lists, as it always did."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import completion, looking
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say, say_json
from pipelex_like.cli.desk import DryRun, at_desk, finish
from pipelex_like.cli.failures import answering, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pipelex_like.setup.prices.compare import Comparison

_SHOWN = 6

app = typer.Typer(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
Backend = Annotated[
    str | None,
    typer.Option("--backend", help="Only the models of this backend.", autocompletion=completion.backends),
]


@app.callback()
def models(
    context: typer.Context,
    *,
    kind: looking.KindOption = None,
    backend: Backend = None,
    every: Annotated[bool, typer.Option("--all", help="Models of backends that are off, too.")] = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the models that the backends serve.

    Example: pipelex-like models --kind img_gen --all
    """
    if context.invoked_subcommand is not None:
        given = {name: str(value) if isinstance(value, Path) else value for name, value in context.params.items()}
        context.default_map = opt.handed_down(app, {name: value for name, value in given.items() if value})
        return
    looking.models(
        kind=kind,
        backend=backend,
        every=every,
        as_json=as_json,
        config_dir=config_dir,
        profile=profile,
        env_file=env_file,
    )


@app.command()
def check(
    *,
    backend: Backend = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Compare prices and context windows with the data of genai-prices; nothing is fetched. Exit code 1 if they differ.

    Example: pipelex-like models check --backend openai
    """
    from pipelex_like.data import KIT
    from pipelex_like.documents import find_directory
    from pipelex_like.errors import ConfigError
    from pipelex_like.setup.editing.outlook import outlook
    from pipelex_like.setup.prices.compare import compare
    from pipelex_like.setup.prices.data import load_prices

    with answering(as_json=as_json):
        data = load_prices(_today())
        place = find_directory(config_dir, os.environ, Path.cwd(), KIT)
        held = outlook(place, (), os.environ, profile=profile, env_file=env_file)
        if held.bound is None:
            raise ConfigError([problem for problem in held.problems if problem.severity == "error"])
        known = held.bound.deck.backends
        if backend is not None and backend not in known:
            refuse(f'no backend is named "{backend}"; there are {", ".join(known)}')
        found = compare(held, data, backends=None if backend is None else [backend])
    if as_json:
        say_json(_record(found, {"package": "genai-prices", "version": data.version, "newest": data.newest}))
    else:
        _show(found, data.title, whole=backend is not None)
    if found.differences:
        raise typer.Exit(1)


@app.command()
def add(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Its id at that backend; backend/ may stand before it.")
    ],
    *,
    backend: Annotated[
        str, typer.Option("--backend", help="Who serves it.", autocompletion=completion.backends, show_default=False)
    ],
    handle: Annotated[str | None, typer.Option("--handle", help="The name to call it by; else its id.")] = None,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Write a model's spec, with price and context window, from the data of genai-prices; nothing is fetched.

    Example: pipelex-like models add moonshotai/kimi-k3.1-pro --backend openrouter --dry-run
    """
    from pipelex_like.setup.prices.adding import add_model
    from pipelex_like.setup.prices.data import load_prices

    with at_desk(config_dir, profile, env_file, as_json=as_json) as desk:
        today = _today()
        add_model(desk, model, backend, data=load_prices(today), today=today, handle=handle)
        finish(desk, dry_run=dry_run, as_json=as_json)


def _today() -> date:
    return datetime.now(UTC).date()


def _record(found: Comparison, data: Mapping[str, object]) -> Mapping[str, object]:
    differences = [
        {
            "what": each.what,
            "backend": each.backend,
            "handle": each.handle,
            "model_id": each.model_id,
            "file": each.file,
            "line": each.line,
            "key": each.key,
            "spec": each.spec,
            "data": each.data,
            "told_by": each.told_by,
        }
        for each in found.differences
    ]
    return {
        "ok": not differences,
        "data": data,
        "compared": found.compared,
        "differences": differences,
        "deprecated": found.deprecated,
        "unknown": found.unknown,
        "missing": found.missing,
        "unchecked": list(found.unchecked),
    }


def _show(found: Comparison, title: str, *, whole: bool) -> None:
    nothing: Mapping[str, tuple[str, ...]] = {}
    missing = found.missing if whole else nothing
    for difference in found.differences:
        say(str(difference))
    for what, named in (
        ("deprecated by the data, which answer still", found.deprecated),
        ("that the data does not know", found.unknown),
        ("of the data that no spec lists", missing),
    ):
        for backend, names in named.items():
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            note(f"{backend}: models {what}: {', '.join(names[:_SHOWN])}{more}", style="dim")
    if found.unchecked:
        note(f"no data about {', '.join(found.unchecked)}", style="dim")
    lacking = sum(map(len, found.missing.values()))
    if lacking and not whole:
        note(f"the data has {lacking} more models; --backend NAME or --json names them, `models add` writes one")
    number = len(found.differences)
    count = f"{number} difference{'' if number == 1 else 's'}" if number else "no difference"
    note(f"{count} in {found.compared} models, compared with {title}")
