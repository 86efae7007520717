"""A directory in a form of Pipelex 0.11 to 0.92, written in today's words without a change of meaning."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipelex_like.deck import Template
from pipelex_like.documents.folder import list_folder
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.changes import Change, read_exactly, rewritten
from pipelex_like.setup.editing.outlook import outlook, place_of
from pipelex_like.setup.migrate.migration import Migration
from pipelex_like.setup.migrate.told import told
from pipelex_like.setup.migrate.words import Words
from pipelex_like.specs.words import sdk_names
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelDeck
    from pipelex_like.documents.folder import Entry
    from pipelex_like.setup.editing.outlook import Outlook

_PLACES = frozenset({"origin", "active_origin", "environments_origin", "origins", "layer", "sdks", "form"})

_CHOOSING = ("PIPELEX_ENV", "PIPELEX_PROFILE")


def plan_pipelex(directory: Path, environ: Mapping[str, str], *, to: Path | None = None) -> Migration:
    """Give the directory in today's form, for its own place or for `to`.

    Raises ConfigError where the directory does not load as it is, or would not mean the same afterwards.
    """
    place = place_of(directory, environ)
    directory = place.directory
    environ = {name: value for name, value in environ.items() if name not in _CHOOSING}
    before = outlook(place, (), environ)
    _refuse_errors(before.problems)
    entries = list_folder(directory, str).entries
    words = Words(sdks=sdk_names(sdk_settings()), whole=len(before.loaded.documents.layers) == 1)
    changes = [_change(entry, words) for entry in entries]
    after = outlook(place, changes, environ)
    _refuse_errors(after.problems)
    _refuse_another_meaning(before, after, directory)
    for name in sorted({entry.environment for entry in entries if entry.environment is not None}):
        there = {**environ, "PIPELEX_ENV": name}
        _refuse_another_meaning(outlook(place, (), there), outlook(place, changes, there), directory)
    form = form_of(changes, entries)
    target = directory
    if to is not None:
        target = Path.cwd() / to
        changes = [_moved(change, directory, target) for change in changes]
        _refuse_errors(outlook(place_of(target, environ), changes, environ).problems)
    return Migration(
        form="pipelex",
        found=form,
        source=directory,
        target=target,
        changes=tuple(changes),
        notes=told(after, frozenset(entry.path for entry in entries)),
    )


def form_of(changes: list[Change], entries: tuple[Entry, ...]) -> str:
    """Say which Pipelex wrote the directory, as far as its words and the names of its files tell."""
    texts = "\n".join(change.before or "" for change in changes)
    names = {entry.path.stem for entry in entries if entry.document == "deck"}
    if "llm_handle" in texts or "img_gen_handle" in texts or "[ocr" in texts:
        return "the form of Pipelex 0.11"
    if "ocr_handle" in texts or "claude_4_tokens_limit" in texts:
        return "the form of Pipelex 0.12 to 0.17"
    if {"4_search_deck", "5_doc_gen_deck", "6_judgment_deck"} & names:
        return "a late form of Pipelex (up to 0.92)"
    if "waterfalls]" in texts or "instructor/" in texts or any(change for change in changes):
        return "a form of Pipelex from 0.15 on"
    return "today's form"


def _change(entry: Entry, words: Words) -> Change:
    return rewritten(entry.path, lambda text: words.in_text(text.replace("\r\n", "\n"), entry.document))


def _moved(change: Change, source: Path, target: Path) -> Change:
    path = target / change.path.relative_to(source)
    return Change(path=path, before=read_exactly(path), after=change.after)


def _refuse_errors(problems: tuple[Problem, ...]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise ConfigError(problems)


def _refuse_another_meaning(before: Outlook, after: Outlook, directory: Path) -> None:
    """The last guard: the deck must say the same of everything, whatever the words."""
    if meaning(before.loaded.deck) == meaning(after.loaded.deck):
        return
    message = "in today's words this directory would not mean the same, so it was left alone."
    hint = "It loads as it is; please report it with the directory."
    raise ConfigError(
        [Problem(severity="error", code="meaning-changed", file=str(directory), message=message, hint=hint)]
    )


def meaning(deck: ModelDeck) -> object:
    """Give what a deck says, without where it says it."""
    return _bare(deck)


def _bare(value: object) -> object:
    if isinstance(value, Template):
        return "template", value.text, value.scalar
    if is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in fields(value) if item.name not in _PLACES]
        return type(value).__name__, tuple((name, _bare(getattr(value, name))) for name in names)
    if isinstance(value, dict):
        table = cast("dict[Any, object]", value)
        return {key: _bare(inner) for key, inner in table.items()}
    if isinstance(value, list | tuple):
        return [_bare(inner) for inner in cast("list[object]", value)]
    return value
