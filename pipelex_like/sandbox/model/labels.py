"""Finding a value beside its name in a text: `Invoice number: X`, `"invoice_number": "X"`, `| Total | 12 |`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LABEL = re.compile(
    r"(?:^|[,;|{(\t]|\.\s|\s{2,})[\s>*•#\-\d.)]*[\"'`*_]*"
    r"([^\W\d_][\w #/'&-]{0,48}?)\.?(?:\s?\([^()\n]{1,20}\))?[\"'`*_]*\s*(?:[:=]|\|)(?![/=])[\"'`*_]*[ \t]*"
)
_BULLET = re.compile(r"\s*(?:[-*•+]|\d{1,3}[.)])\s+|\s{2,}|\t")
_EDGES = " \t\r,;|\"'`*_"
_KEEPS_DOT = re.compile(r"\b(?:inc|ltd|co|corp|llc|sa|st|jr|sr|plc|bros|[a-z](?:\.[a-z])+)\.\Z", re.IGNORECASE)
_SYNONYMS: dict[str, str] = {
    **dict.fromkeys(("no", "nr", "num", "#", "nbr"), "number"),
    **dict.fromkeys(("qty", "qté"), "quantity"),
    **dict.fromkeys(("amt",), "amount"),
    **dict.fromkeys(("addr",), "address"),
    **dict.fromkeys(("tel", "telephone"), "phone"),
    **dict.fromkeys(("desc",), "description"),
}
_FILL_WORDS = frozenset({"the", "of", "a", "an", "is", "your", "our"})
_GENERIC = frozenset({"name", "number", "amount", "value", "date", "invoice", "document", "due", "total", "full"})
_MAX_LINE = 2000


def words_of(name: str) -> tuple[str, ...]:
    """Split a name into comparable words: `invoiceNo`, `invoice_number` and `Invoice #` are the same."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    found: list[str] = re.findall(r"[^\W_]+|#", split)
    words = [_SYNONYMS.get(word, word) for word in found]
    return tuple(word for word in words if word not in _FILL_WORDS) or tuple(words)


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with what stands beside it, and the lines below it where they are a list or indented.

    `at` is where the value begins in the text, -1 where it has no place there; `given` the value as JSON.
    """

    words: tuple[str, ...]
    label: str
    value: str
    block: tuple[str, ...] = ()
    at: int = -1
    given: object = None


class Labels:
    """Every label of some texts with its value; the texts that come first win. The label "" is the whole itself."""

    __slots__ = ("_pairs", "text")

    def __init__(self, texts: Iterable[str], pairs: Iterable[Pair] = ()) -> None:
        self.text = "\n\n".join(without_schemas(text)[0] for text in texts)
        self._pairs = (*pairs, *_pairs(self.text))

    @classmethod
    def of_part(cls, text: str) -> Labels:
        """Take one item of a list in words."""
        return cls([text], [Pair((), "", _trim(text))])

    @classmethod
    def of_json(cls, value: object) -> Labels:
        """Take a JSON value: its keys are the labels."""
        inner = value.items() if is_table(value) else ()
        whole = Pair((), "", _as_text(value), given=value)
        return cls([], [whole, *(Pair(words_of(key), key, _as_text(item), given=item) for key, item in inner)])

    def find(self, name: str) -> Iterator[Pair]:
        """Give what is labelled with this name, the closest match first, without repeats."""
        wanted = words_of(name)
        joined, as_set = "".join(wanted), frozenset(wanted)
        ranked: tuple[list[Pair], ...] = ([], [], [], [])
        for pair in self._pairs:
            have = frozenset(pair.words)
            if "".join(pair.words) == joined:
                ranked[0].append(pair)
            elif have == as_set:
                ranked[1].append(pair)
            elif have and have < as_set and as_set - have <= _GENERIC:
                ranked[2].append(pair)
            elif as_set and as_set < have and have - as_set <= _GENERIC:
                ranked[3].append(pair)
        for pairs in ranked[:2]:
            yield from pairs
        yield from self._in_prose(wanted)
        for pairs in ranked[2:]:
            yield from pairs

    def as_object(self) -> dict[str, str]:
        """Give every pair with a value, the label in snake_case."""
        return {"_".join(re.findall(r"[^\W_]+", pair.label.lower())): pair.value for pair in self._pairs if pair.value}

    def json_of(self, pair: Pair) -> object:
        """Give the JSON list or object that stands beside the label; None if there is none."""
        if pair.at < 0:
            return pair.given
        start = pair.at + len(self.text[pair.at : pair.at + 100]) - len(self.text[pair.at : pair.at + 100].lstrip())
        if self.text[start : start + 1] not in ("[", "{"):
            return None
        try:
            return json.JSONDecoder().raw_decode(self.text, start)[0]
        except (ValueError, RecursionError):
            return None

    def _in_prose(self, wanted: tuple[str, ...]) -> Iterator[Pair]:
        if not wanted:
            return
        phrase = r"[\s_-]*".join(map(re.escape, wanted))
        pattern = rf"(?<![^\W_]){phrase}(?![^\W_])[\"'`*]*\s*(?:[:=]|\s(?:is|was|are|equals)\s)\s*([^\n;]{{1,200}})"
        for match in re.finditer(pattern, self.text, re.IGNORECASE):
            value = re.split(r",\s|\.\s|\.$|\sand\s(?:the|its|a)\s", match[1], maxsplit=1)[0]
            yield Pair(wanted, "", _trim(value))


def _pairs(text: str) -> Iterator[Pair]:
    headings: list[Pair] = []
    lines = text.split("\n")
    start = 0
    for at, line in enumerate(lines):
        found = list(_LABEL.finditer(line[:_MAX_LINE]))
        for match, after in zip(found, [*found[1:], None], strict=False):
            value = _trim(line[match.end() : after.start() if after else len(line)])
            block = _block(lines, at) if after is None else ()
            value = value or _next_line(block, lines, at, wanted=after is None)
            yield Pair(words_of(match[1]), match[1], value, block, start + match.end())
        bare = line.strip(" \t#*_-")
        start += len(line) + 1
        if not found and bare and len(bare.split()) <= 5:
            block = _block(lines, at)
            headings.append(Pair(words_of(bare), bare, _next_line(block, lines, at, wanted=True), block, start))
    yield from headings


def _block(lines: list[str], at: int) -> tuple[str, ...]:
    block: list[str] = []
    for line in lines[at + 1 : at + 200]:
        if not _BULLET.match(line):
            break
        block.append(line)
    return tuple(block)


def _next_line(block: tuple[str, ...], lines: list[str], at: int, *, wanted: bool) -> str:
    if not wanted or block or at + 1 >= len(lines):
        return ""
    return "" if _LABEL.search(lines[at + 1][:_MAX_LINE]) else _trim(lines[at + 1])


def items_of(block: tuple[str, ...]) -> list[str]:
    """Split a block into its items: a bullet or number begins one, deeper lines belong to it."""
    marker = re.compile(r"(\s*)(?:[-*•+]|\d{1,3}[.)])\s+")
    items: list[list[str]] = []
    depth: int | None = None
    for line in block:
        match = marker.match(line)
        if match and (depth is None or len(match[1]) <= depth):
            depth = len(match[1])
            items.append([line[match.end() :]])
        elif items:
            items[-1].append(line.strip())
        else:
            items.append([line.strip()])
    return ["\n".join(item) for item in items]


def _trim(value: str) -> str:
    value = value.strip(_EDGES)
    if value.endswith(("}", ")")) and value.count("}") + value.count(")") > value.count("{") + value.count("("):
        value = value[:-1].rstrip(_EDGES)
    if value.endswith(".") and not _KEEPS_DOT.search(value):
        value = value[:-1].rstrip(_EDGES)
    return value


def _as_text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if is_list(value):
        return ", ".join(_as_text(item) for item in value)
    return "" if is_table(value) else str(value)


def without_schemas(text: str) -> tuple[str, list[dict[str, object]]]:
    """Take the JSON Schemas that are written in a text out of it: their field names are no labels."""
    if '"properties"' not in text:
        return text, []
    decoder, schemas, kept, at, tries = json.JSONDecoder(), list[dict[str, object]](), "", 0, 0
    while (start := text.find("{", at)) >= 0 and tries < 50:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, start + 1
        if is_table(value) and is_table(value.get("properties")):
            schemas.append(value)
            kept += text[at:start]
        else:
            kept += text[at:end]
        at = end
    return kept + text[at:], schemas
