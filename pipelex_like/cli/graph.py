"""`graph`: a drawing of the deck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelex_like.cli import completion
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say_json
from pipelex_like.cli.failures import answering

if TYPE_CHECKING:
    from pipelex_like.engine.load import Bound, Loaded
    from pipelex_like.routing.survey import Row

Format = Literal["mermaid", "dot", "svg"]


def graph(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to draw; else what your own directory declares.",
            metavar="REFERENCE",
            autocompletion=completion.references,
        ),
    ] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="Mermaid and dot are text, svg is a picture.")] = "mermaid",
    every: Annotated[bool, typer.Option("--all", help="The whole deck, and every model that nobody serves.")] = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Draw the deck: from presets through aliases and chains to models, and the backends that serve them.

    Example: pipelex-like graph --format svg preset:llm_to_extract_invoice > invoice.svg
    """
    with answering(as_json=as_json):
        from pipelex_like.engine.load import Source, bind_to, log_warnings, read
        from pipelex_like.routing.graph import graph_of

        loaded = read(Source(config_dir=config_dir, env_file=env_file, lenient=True))
        bound = bind_to(loaded, profile)
        log_warnings(bound.loaded.warnings)
        rows = _rows(loaded, bound, references or [], every=every)
        for row in rows:
            if row.kind is None:
                note(row.error or "", style="red")
                raise typer.Exit(1)
        drawn = graph_of(bound.router, rows, whole=every)
    if as_json:
        say_json(drawn.to_dict())
        return
    from pipelex_like.routing.graph_svg import svg
    from pipelex_like.routing.graph_text import dot, mermaid

    typer.echo({"mermaid": mermaid, "dot": dot, "svg": svg}[form](drawn), nl=False)


def _rows(loaded: Loaded, bound: Bound, references: list[str], *, every: bool) -> tuple[Row, ...]:
    """Give what is drawn: what is named, or all, or what one's own directory declares, or the default choices."""
    from pipelex_like.routing.survey import survey

    if references:
        return survey(bound.router, references=references)
    rows = survey(bound.router)
    if every:
        return rows
    nearest = len(loaded.documents.layers) - 1
    own = {file.shown for file in loaded.documents.files if file.layer == nearest and nearest > 0}
    declared = tuple(row for row in rows if row.origin.file in own)
    if declared or nearest < 0:
        return declared
    note("drawn: the default choices; name references, or say --all for the whole deck")
    return tuple(row for row in rows if row.what == "choice")
