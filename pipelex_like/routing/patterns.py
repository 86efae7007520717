"""Patterns of routes, stand-ins and unlisted ids: what they match, and which of two says more.

Globs of wcmatch with BRACE, CASE, DOTMATCH and FORCEUNIX: a full match, `*` crosses `/`.
https://facelessuser.github.io/wcmatch/fnmatch/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import bracex
from wcmatch import fnmatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_FLAGS = fnmatch.CASE | fnmatch.DOTMATCH | fnmatch.FORCEUNIX
_MAGIC = re.compile(r"[*?\[\]{}\\]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CLASS = r"\[(?:[!^]?\])?+(?:\[:[a-z]+:\]|\\.|[^\]\\])*"
_OPENING = re.compile(rf"\\.|{_CLASS}(?P<end>\]?)", re.DOTALL)
# What matches more than itself and so counts nothing; a backslash in front makes a character count again.
_WILD = re.compile(rf"\\(?P<escaped>.)|{_CLASS}\]|[*?]", re.DOTALL)
_MOST_EXPANSIONS = 1000
_DEEPEST = 50


class PatternError(ValueError):
    """A pattern that cannot be read; the message says why, without naming the pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: each expansion of its braces with the number of its literal characters."""

    text: str
    expansions: tuple[tuple[int, re.Pattern[str]], ...]

    def weight(self, name: str) -> int | None:
        """Give the literal characters of the most specific expansion that matches, or None if none does."""
        return max((literals for literals, regex in self.expansions if regex.fullmatch(name)), default=None)


def is_exact(text: str) -> bool:
    """Whether the pattern is a plain name."""
    return not _MAGIC.search(text)


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern. Raises PatternError."""
    _check_closed(text)
    try:
        expansions = bracex.expand(text, keep_escapes=True, limit=_MOST_EXPANSIONS)
    except bracex.ExpansionLimitException:
        raise PatternError(f"its braces stand for more than {_MOST_EXPANSIONS} patterns; split it up") from None
    return Pattern(text, tuple((_literals(expansion), _regex(expansion)) for expansion in expansions))


def _regex(expansion: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(expansion, flags=_FLAGS)[0][0])


def _literals(expansion: str) -> int:
    return len(_WILD.sub(lambda found: found["escaped"] or "", expansion))


def _check_closed(text: str) -> None:
    if not text:
        raise PatternError("it is empty")
    plain, depth = _ESCAPED.sub("", text), 0
    if plain.endswith("\\"):
        raise PatternError('it ends in a lone "\\"')
    for character in plain:
        depth = depth + 1 if character == "{" else max(0, depth - 1) if character == "}" else depth
        if depth > _DEEPEST:
            raise PatternError("its braces are nested too deeply")
    if depth:
        raise PatternError('a "{" is not closed; write "\\\\{" for the character itself')
    if any(found["end"] == "" for found in _OPENING.finditer(text)):
        raise PatternError('a "[" is not closed; write "\\\\[" for the character itself')


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A rule that matches a name; `literals` None: it is that very name."""

    rule: T
    text: str
    literals: int | None


class Ranked(Generic[T]):
    """Rules by pattern, asked for those that match a name, the one that says most first.

    Exact names come first, then the patterns with most literal characters; equal ones keep their order.
    """

    def __init__(self, rules: Iterable[tuple[str, T]]) -> None:
        self.exact: dict[str, T] = {}
        self.patterns: list[tuple[Pattern, T]] = []
        self.faults: list[tuple[T, str]] = []
        for text, rule in rules:
            if is_exact(text):
                self.exact.setdefault(text, rule)
                continue
            try:
                self.patterns.append((compile_pattern(text), rule))
            except PatternError as error:
                self.faults.append((rule, str(error)))

    def matches(self, name: str) -> list[Match[T]]:
        """Give the rules that match, best first."""
        found = [
            Match(rule, pattern.text, weight)
            for pattern, rule in self.patterns
            if (weight := pattern.weight(name)) is not None
        ]
        found.sort(key=lambda match: -(match.literals or 0))
        if name in self.exact:
            found.insert(0, Match(self.exact[name], name, None))
        return found

    def equals(self) -> Iterator[list[tuple[Pattern, T]]]:
        """Give groups of patterns with expansions of equal weight: only these can tie."""
        groups: dict[int, list[tuple[Pattern, T]]] = {}
        for pattern, rule in self.patterns:
            for literals in {literals for literals, _ in pattern.expansions}:
                groups.setdefault(literals, []).append((pattern, rule))
        return (group for group in groups.values() if len(group) > 1)
