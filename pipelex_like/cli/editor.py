"""`schema`: the JSON Schema of each kind of configuration file, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say, say_json, table
from pipelex_like.cli.failures import answering, refuse

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"

_Kind = Annotated[
    str | None,
    typer.Argument(
        help="backends, models, profiles or deck; none: all of them, or where the packaged ones are.",
        metavar="[backends|models|profiles|deck]",
        autocompletion=lambda: ["backends", "models", "profiles", "deck"],
    ),
]


def schema(
    kind: _Kind = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to, such as .pipelex/inference/.schemas.")
    ] = None,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Your own models, backends, aliases, presets and profiles, too.")
    ] = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Print the JSON Schema of a kind of file, or write them to a folder, so that an editor completes and checks.

    Example: pipelex-like schema --with-names --out .pipelex/inference/.schemas
    """
    from pipelex_like.specs.json_schemas import FILE_KINDS, FILES, json_schemas, schema_text
    from pipelex_like.workers.registry import sdk_settings

    if kind is not None and kind not in FILE_KINDS:
        refuse(f"schema knows {', '.join(FILE_KINDS)}, not {kind!r}")
    if kind is None and out is None:
        if with_names:
            refuse("--with-names wants a kind to print, or --out FOLDER to write all of them to")
        places = [(one, FILES[one], str(SCHEMAS / f"{one}.json")) for one in FILE_KINDS]
        if as_json:
            say_json([{"kind": one, "files": files, "schema": path} for one, files, path in places])
        else:
            table("", ["kind", "files", "packaged schema"], places)
        return
    with answering(as_json=as_json):
        if with_names:
            from pipelex_like.cli.names import documents_of
            from pipelex_like.documents import names_of
            from pipelex_like.specs import named_sdks

            documents = documents_of(config_dir, env_file)
            made = json_schemas(sdk_settings(named_sdks(documents)), names_of(documents))
        else:
            made = json_schemas(sdk_settings())
    texts = {one: schema_text(made[one]) for one in FILE_KINDS if kind in (None, one)}
    if out is None:
        for text in texts.values():
            typer.echo(text, nl=False)
    else:
        _write(out, texts, as_json=as_json)


def _write(folder: Path, texts: dict[str, str], *, as_json: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{kind}.json" for kind in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    if as_json:
        say_json([str(path) for path in paths])
        return
    for path in paths:
        say(str(path))
    note("An editor finds them by the first line of each file, such as: #:schema ./.schemas/backends.json")
