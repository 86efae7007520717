"""An explanation with all that only other rooms know: prices, protocols, and values that a nearer file overruled."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.documents.locate import key_lines, nearest_line
from pipelex_like.routing.explanation import Lost, Step
from pipelex_like.setup.explain.example_cost import example_at
from pipelex_like.setup.explain.rehearsal import rehearsed
from pipelex_like.types import Origin, is_list, is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.documents import Documents
    from pipelex_like.routing.explanation import Explanation, Setting, Told
    from pipelex_like.setup.explain.example_cost import Sample

_MISSING = object()


def completed(explanation: Explanation, documents: Documents, sample: Sample) -> Explanation:
    """Add to each candidate what its protocol leaves out, what an example call costs, and the values of its settings
    that files farther away give in vain."""
    kind = explanation.kind
    if kind is None:
        return explanation

    def complete(told: Told) -> Told:
        return replace(
            told,
            settings=tuple(_with_overruled(setting, documents) for setting in told.settings),
            left_out=rehearsed(told.candidate, kind),
            example=example_at(told.candidate, kind, sample),
        )

    return replace(explanation, told=tuple(map(complete, explanation.told)))


def _with_overruled(setting: Setting, documents: Documents) -> Setting:
    said = [setting.step, *(lost.step for lost in setting.lost)]
    overruled = [lost for step in said for lost in _overruled(setting.name, step, documents)]
    return replace(setting, lost=(*setting.lost, *overruled)) if overruled else setting


def _overruled(name: str, step: Step, documents: Documents) -> Iterator[Lost]:
    """Give the values at the same key in files that were merged before, the nearest first.

    Only decks are looked through: nothing secret stands in them.
    """
    origin = step.origin
    winner = next((file for file in documents.files if origin is not None and file.shown == origin.file), None)
    if origin is None or winner is None or winner.path.parent.name != "deck":
        return
    for file in reversed(documents.files[: winner.order]):
        value = (
            _at(tomllib.loads(file.text.removeprefix("\ufeff")), origin.path)
            if file.path.parent.name == "deck"
            else _MISSING
        )
        if value is not _MISSING and not is_table(value) and not is_list(value):
            line = nearest_line(key_lines(file.text), origin.path)
            text = f"{name} = {thaw(value)!r}: a nearer file says otherwise"
            yield Lost(thaw(value), "a file farther away", Step(text, Origin(file.shown, origin.path), "lost", line, 2))


def _at(value: object, path: tuple[str | int, ...]) -> object:
    for key in path:
        if is_table(value) and key in value:
            value = value[str(key)]
        elif is_list(value) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return _MISSING
    return value
