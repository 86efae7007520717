"""Labelled values in a text: `Vendor: Maple & Finch Ltd`, several on a line, or the value on the line below."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LABEL = 40
LONGEST_VALUE = 160
MOST_MORE_WORDS = 2

_COLUMNS = re.compile(r"\t+|\s{2,}|\s*\|\s*")
_LABELLED = re.compile(
    rf"\W*(?P<label>[^\W\d][^:=]{{0,{LONGEST_LABEL - 1}}}?)\W*[:=](?!//)(?:\*\*|__)?\s*(?P<value>.*)"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+|\d+")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label and the value beside it, as written."""

    label: str
    value: str


def labelled(text: str) -> tuple[Labelled, ...]:
    """Give the labelled values of a text in its order."""
    found: list[Labelled] = []
    for line in text.splitlines():
        for column in filter(None, _COLUMNS.split(line.strip())):
            match = _LABELLED.fullmatch(column)
            if match:
                found.append(Labelled(match["label"].strip(" *_"), match["value"].strip(" *")))
            elif found and not found[-1].value:
                found[-1] = Labelled(found[-1].label, column)
    return tuple(item for item in found if item.value and len(item.value) <= LONGEST_VALUE)


def positions(names: Iterable[str], labels: tuple[Labelled, ...]) -> tuple[int, ...]:
    """Give the indexes of the labels that one of the names may mean, the best first: those of the same words, then
    those where one has all words of the other and few more."""
    wanted = [words for words in map(_words, names) if words]
    written = [_words(item.label) for item in labels]
    same = [at for at, label in enumerate(written) if label in wanted]
    within = [at for at, label in enumerate(written) if any(_within(name, label) for name in wanted)]
    return tuple(dict.fromkeys(same + within))


def _words(name: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORDS.findall(name))


def _within(one: frozenset[str], other: frozenset[str]) -> bool:
    less, more = sorted((one, other), key=len)
    return bool(less) and less <= more and len(more) - len(less) <= MOST_MORE_WORDS
