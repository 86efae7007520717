"""What a Tab offers in bash, zsh and fish: the names of one's own configuration. Typer speaks with the shells."""

from __future__ import annotations

import os
import shlex
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import typer

from pipelex_like.errors import ConfigError
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipelex_like.documents import Name, Names
    from pipelex_like.types import Kind

Offer = str | tuple[str, str]
"""A word, or a word and what it means."""

ASKING = "_PIPELEX_LIKE_COMPLETE"
"""The variable by which a shell's script asks for words in place of a command."""

PROGRAM = "pipelex-like"
_KINDS: Mapping[str | None, Kind] = {"text": "llm", "object": "llm", "extract": "extract", "image": "img_gen"}
_BREAKS = frozenset(":=")


def references(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """What may follow `--model`: models, aliases, presets as `preset:x`; after `backend/`, what that backend lists."""
    names = _names(ctx)
    return [] if names is None else list(_references(names, _KINDS.get(ctx.info_name), incomplete))


def backends(ctx: typer.Context) -> list[Offer]:
    """The backends, with what people call them."""
    names = _names(ctx)
    return [] if names is None else _offers(names.backends)


def profiles(ctx: typer.Context) -> list[Offer]:
    """The routing profiles, with what they do."""
    names = _names(ctx)
    return [] if names is None else _offers(names.profiles)


def targets(ctx: typer.Context) -> list[Offer]:
    """What an alias may lead to: aliases and models."""
    names = _names(ctx)
    return [] if names is None else [*_offers(names.aliases), *names.handles()]


def own_names(ctx: typer.Context) -> list[Offer]:
    """The names that a group of commands works on: `backends`, `profiles`, `deck alias`, `deck preset`."""
    names = _names(ctx)
    if names is None or ctx.parent is None:
        return []
    found = {
        "backends": names.backends,
        "profiles": names.profiles,
        "alias": names.aliases,
        "preset": names.presets,
    }
    return _offers(found.get(ctx.parent.info_name or "", ()))


def kinds() -> list[Offer]:
    """The kinds of work."""
    return [*KINDS]


def asked_for() -> bool:
    """Whether a shell wants words to offer."""
    return ASKING in os.environ


def answer(app: typer.Typer) -> None:
    """Give a shell its words, and leave.

    bash breaks words at colons and equals signs, and puts what is offered in place of the last piece only: the
    pieces are joined before Typer sees them, and what stands on the line already is cut off the answer.
    """
    standing = _join_words() if os.environ[ASKING] == "complete_bash" else ""
    if not standing:
        app(prog_name=PROGRAM)
        return
    told = StringIO()
    try:
        with redirect_stdout(told):
            app(prog_name=PROGRAM)
    finally:
        for line in told.getvalue().splitlines():
            typer.echo(line.removeprefix(standing))


def _references(names: Names, kind: Kind | None, incomplete: str) -> Iterator[Offer]:
    word, colon, _ = incomplete.partition(":")
    spelled: Mapping[str, Iterable[Name]] = {
        "preset": names.presets,
        "alias": names.aliases,
        "waterfall": names.aliases,
        "handle": (model for models in names.models.values() for model in models),
    }
    if colon and word in spelled:
        yield from _offers(spelled[word], kind, before=f"{word}:")
        return
    backend, slash, _ = incomplete.partition("/")
    if slash and backend in names.models:
        yield from _offers(names.models[backend], kind, before=f"{backend}/")
        return
    yield from _offers(names.presets, kind, before="preset:")
    yield from _offers(names.aliases, kind)
    yield from names.handles(kind)
    if incomplete:
        yield from _offers(names.presets, kind)


def _offers(names: Iterable[Name], kind: Kind | None = None, *, before: str = "") -> list[Offer]:
    """Each name once, its meaning beside it where the file gives one."""
    offers = {
        name.name: (f"{before}{name.name}", name.description) if name.description else f"{before}{name.name}"
        for name in names
        if name.serves(kind)
    }
    return list(offers.values())


def _names(ctx: typer.Context) -> Names | None:
    """The names of the directory that the line names so far, or that lies nearest; None where there is none."""
    from pipelex_like.cli.names import declared_names

    try:
        return declared_names(_given(ctx, "config_dir"), _given(ctx, "env_file"))
    except ConfigError:
        return None


def _given(ctx: typer.Context, option: str) -> str | None:
    """What an option holds, whether it stands after the command or before it."""
    for context in (ctx, *_above(ctx)):
        value: object = context.params.get(option)
        if value:
            return str(value)
    return None


def _above(ctx: typer.Context) -> Iterator[typer.Context]:
    parent = ctx.parent
    while parent is not None:
        yield parent  # pyright: ignore[reportReturnType]
        parent = parent.parent


def _join_words() -> str:
    """Join the pieces in bash's variables; give what of the last word bash takes for words before it."""
    try:
        words = os.environ["COMP_WORDS"].split("\n")
        last = words[int(os.environ["COMP_CWORD"])]
        before = words[: int(os.environ["COMP_CWORD"])]
        if any(len(shlex.split(word)) > 1 for word in before):
            return ""
    except (KeyError, IndexError, ValueError):
        return ""  # a word with a line break in it, or a quote that is still open: Typer has its own way with them
    joined: list[str] = []
    glue = False
    for word in (*before, last):
        breaks = bool(word) and _BREAKS.issuperset(word)
        if joined and word and (glue or breaks):
            joined[-1] += word
        else:
            joined.append(word)
        glue = breaks
    os.environ["COMP_WORDS"] = "\n".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    standing = joined[-1] if last and _BREAKS.issuperset(last) else joined[-1].removesuffix(last)
    return standing.partition("=")[2] if standing.startswith("-") else standing
