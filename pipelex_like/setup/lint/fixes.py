"""Mend what has one right answer; comments and order stay."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tomlkit import parse
from tomlkit.items import InlineTable, Item

from pipelex_like.data import KIT
from pipelex_like.errors import ConfigError
from pipelex_like.routing.names import split_reference
from pipelex_like.setup.editing.changes import check, edited
from pipelex_like.types import FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tomlkit import TOMLDocument

    from pipelex_like.deck import BoundDeck
    from pipelex_like.errors import Problem
    from pipelex_like.setup.editing.changes import Change
    from pipelex_like.setup.lint.findings import Report


_ENDS = re.compile(r"(?<=^\{) {2,}| {2,}(?=\}$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """The files as they would be with everything mended that can be, and the problems that this does away with."""

    changes: tuple[Change, ...]
    mended: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """The value that a problem is about. `around` are the tables and lists on the way to it, the innermost last."""

    problem: Problem
    around: tuple[object, ...]
    value: object
    deck: BoundDeck

    @property
    def key(self) -> str | int:
        return self.problem.path[-1]

    def put(self, value: object) -> bool:
        """Write another value in its place."""
        holder = self.around[-1]
        if is_table(holder):
            holder[str(self.key)] = value
        elif isinstance(self.key, int):
            cast("list[object]", holder)[self.key] = value
        return True

    def take_out(self) -> bool:
        """Take it out; a list that it leaves empty goes too. A line with a comment stays: it may be worth keeping."""
        holder = self.around[-1]
        if is_table(holder):
            return self._drop(len(self.around) - 1)
        items, place = cast("list[object]", holder), cast("int", self.key)
        if len(items) == 1 and is_table(self.around[-2]):
            return self._drop(len(self.around) - 2)
        rest = deepcopy(items)
        del rest[place]
        if _comments(rest) < _comments(items):
            return False
        del items[place]
        return True

    def _drop(self, depth: int) -> bool:
        """Take a key out of the table at that depth, unless a comment would go with it."""
        table, key = cast("dict[str, object]", self.around[depth]), str(self.problem.path[depth])
        if getattr(getattr(table[key], "trivia", None), "comment", "") or _comments(table[key]):
            return False
        del table[key]
        outer = self.around[depth - 1] if depth else None
        if isinstance(table, InlineTable) and is_table(outer):
            # Taking the last pair out leaves the space before it and that after it.
            tidy = _ENDS.sub(" ", table.as_string())
            outer[str(self.problem.path[depth - 1])] = parse(f"value = {tidy}")["value"]
        return True


def _comments(value: object) -> int:
    """Count what may be comments in a value as it is written; in doubt, it is one."""
    return value.as_string().count("#") if isinstance(value, Item) else 0


def mend(report: Report, problems: Iterable[Problem], profile: str | None = None) -> Mending:
    """Mend those of the problems that have one right answer, in the files of the directory itself, on paper.

    Raises ConfigError where a file could not be changed, or where an error would come of it that was not there.
    """
    homes = {
        file.shown: file.path
        for file in report.loaded.documents.files
        if file.path.is_relative_to(report.loaded.place.directory) and not file.path.is_relative_to(KIT)
    }
    by_file: dict[Path, list[Problem]] = {}
    for problem in problems:
        if problem.code in FIXES and problem.path and problem.file in homes:
            by_file.setdefault(homes[problem.file], []).append(problem)
    changes: list[Change] = []
    mended: list[Problem] = []
    for path, found in by_file.items():
        change = edited(path, _all_of(found, report.deck, mended))
        if change:
            changes.append(change)
    if changes:
        after = check(report.loaded.place.directory, changes, report.loaded.variables, profile=profile)
        known = {_said(problem) for problem in report.problems}
        worse = [problem for problem in after if problem.severity == "error" and _said(problem) not in known]
        if worse:
            raise ConfigError(worse)
    return Mending(changes=tuple(changes), mended=tuple(mended))


def _said(problem: Problem) -> tuple[str, str, str]:
    """What an error says apart from its place, which moves when something before it is taken out."""
    return problem.file, problem.code, problem.message


def _all_of(problems: Sequence[Problem], deck: BoundDeck, mended: list[Problem]) -> Callable[[TOMLDocument], None]:
    # The last element of a list first: what is taken out moves those behind it.
    last_first = sorted(problems, key=lambda problem: [_rank(part) for part in problem.path], reverse=True)

    def change(document: TOMLDocument) -> None:
        for problem in last_first:
            spot = _find(document, problem, deck)
            if spot is not None and FIXES[problem.code](spot):
                mended.append(problem)

    return change


def _rank(part: str | int) -> tuple[int, int, str]:
    return (1, part, "") if isinstance(part, int) else (0, 0, part)


def _find(document: object, problem: Problem, deck: BoundDeck) -> _Spot | None:
    around: list[object] = []
    value = document
    for part in problem.path:
        around.append(value)
        if is_table(value) and part in value:
            value = value[str(part)]
        elif is_list(value) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return _Spot(problem=problem, around=tuple(around), value=value, deck=deck)


def _unquote(spot: _Spot) -> bool:
    if not isinstance(spot.value, str) or spot.problem.hint != f"Write it without quotes: {spot.value}.":
        return False
    try:
        plain: object = tomllib.loads(f"value = {spot.value}")["value"]
    except tomllib.TOMLDecodeError:
        return False
    return spot.put(plain)


def _take_second_out(spot: _Spot) -> bool:
    """Take a model out that stands earlier in the same list, or in `model` before the `fallback` that this is in."""
    if not is_list(spot.around[-1]) or not isinstance(spot.key, int):
        return False
    earlier: list[object] = list(spot.around[-1][: spot.key])
    owner = spot.around[-2]
    if is_table(owner) and spot.problem.path[-2] == "fallback":
        first = owner.get("model")
        earlier += first if is_list(first) else [first]
    return spot.value in earlier and spot.take_out()


def _take_out_of_unset(spot: _Spot) -> bool:
    return spot.problem.path[:1] == ("unset",) and spot.problem.hint.startswith("Take it out") and spot.take_out()


def _name_backend(spot: _Spot) -> bool:
    named = {other: backend.name for backend in spot.deck.deck.backends.values() for other in backend.other_names}
    return isinstance(spot.value, str) and spot.value in named and spot.put(named[spot.value])


def _name_plainly(spot: _Spot) -> bool:
    """Write a name without the form that it does not have (`@gpt-5`), where load says so."""
    value = spot.value.get("model") if is_table(spot.value) else spot.value
    if not isinstance(value, str):
        return False
    form, name = split_reference(value)
    if form == "bare" or f'write "{name}".' not in spot.problem.hint:
        return False
    if is_table(spot.value):
        spot.value["model"] = name
        return True
    return spot.put(name)


FIXES: Mapping[str, Callable[[_Spot], bool]] = FrozenDict(
    {
        "HandleNotFoundError": _name_plainly,
        "LLMHandleNotFoundError": _name_plainly,
        "LLMPresetNotFoundError": _name_plainly,
        "bad-setting": _unquote,
        "duplicate-in-chain": _take_second_out,
        "name-taken": _Spot.take_out,
        "no-effect": _Spot.take_out,
        "unknown-backend": _name_backend,
        "unknown-key": _take_out_of_unset,
        "wrong-type": _unquote,
    }
)
"""What mends a problem of each code; where it gives False, the right answer is not plain in this case."""
