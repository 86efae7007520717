"""Set and take away keys in a TOML text; all else stays to the letter, comments and blank lines included."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from typing import TYPE_CHECKING

from pipelex_like.setup.editing.literals import list_in_lines, literal
from pipelex_like.setup.editing.marks import Marks
from pipelex_like.types import dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.setup.editing.marks import Pair

Keys = tuple[str, ...]

_OPENING = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|\Z))+(?=[ \t]*\r?\n|\Z)")
_INDENT = re.compile(r"[ \t]*")


def put(text: str, path: Keys, value: object) -> str:
    """Give the text with `value` (a text, number, flag, list or table) at `path`; a table that is missing is made.

    A value that stands there is replaced in its place. Raises ValueError where something else than a table stands
    on the way, or where the text is written in a way that this does not fit into.
    """
    expected = _with(tomllib.loads(text), path, value)
    marks = Marks(text)
    pair = next((pair for pair in marks.pairs if pair.path == path), None)
    if pair is not None:
        return _verified(text[: pair.value] + _replacement(marks, pair, value) + text[pair.end :], expected)
    return _verified(_insert(Marks(_without(marks, path)), path, value), expected)


def drop(text: str, path: Keys) -> str:
    """Give the text without what stands at `path`; comments on lines of their own stay.

    Raises ValueError where nothing stands there.
    """
    expected = _lacking(tomllib.loads(text), path)
    return _verified(_without(Marks(text), path), expected)


def _replacement(marks: Marks, pair: Pair, value: object) -> str:
    old = marks.text[pair.value : pair.end]
    if not is_list(value) or not old.startswith("[") or "\n" not in old:
        return literal(value)
    spans = [span for path, span in marks.values.items() if path[:-1] == pair.path and isinstance(path[-1], int)]
    indent = _indent(marks.text, pair.start)
    return list_in_lines(old, [(start - pair.value, end - pair.value) for start, end in spans], value, indent)


def _insert(marks: Marks, path: Keys, value: object) -> str:
    text, parent = marks.text, path[:-1]
    if parent in marks.values:
        return _insert_inline(marks, path, value)
    own = next((at for at, section in enumerate(marks.sections) if section.path == parent), None)
    dotted_beside = [
        pair for pair in marks.pairs if pair.path[: len(parent)] == parent and len(pair.base) < len(parent)
    ]
    if dotted_beside:
        beside = dotted_beside[-1]
        written = f"{dotted(path[len(beside.base) :])} = {literal(value)}"
        if beside.inline:
            return f"{text[: beside.end]}, {written}{text[beside.end :]}"
        return _line_after(text, beside.end, f"{_indent(text, beside.start)}{written}")
    if own is not None:
        pairs = [pair for pair in marks.pairs if pair.section == own and not pair.inline]
        return _insert_line(marks, own, pairs, f"{dotted(path[-1:])} = {literal(value)}")
    around = _inline_around(marks, parent)
    if around is not None:
        inner = {path[around]: _nested(path[around + 1 :], value)}
        return _insert_inline(marks, path[: around + 1], inner[path[around]])
    return _insert_section(marks, path, value)


def _insert_line(marks: Marks, section: int, pairs: list[Pair], line: str) -> str:
    text, header = marks.text, marks.sections[section]
    if pairs:
        return _line_after(text, pairs[-1].end, f"{_indent(text, pairs[-1].start)}{line}")
    if section > 0:
        return _line_after(text, header.end, f"{_indent(text, header.start)}{line}")
    opening = _OPENING.match(text)
    if opening is None:
        return f"{line}\n\n{text}" if text else f"{line}\n"
    head = opening.group()
    head = head if head.endswith("\n") else f"{head}\n"
    return f"{head}\n{line}\n{text[opening.end() :]}"


def _insert_inline(marks: Marks, path: Keys, value: object) -> str:
    text, parent = marks.text, path[:-1]
    start, end = marks.values[parent]
    if text[start] != "{":
        raise ValueError(f"{dotted(parent)} is no table")
    written = f"{dotted(path[-1:])} = {literal(value)}"
    inside = [pair for pair in marks.pairs if pair.base == parent and pair.inline]
    if not inside:
        return f"{text[:start]}{{ {written} }}{text[end:]}"
    return f"{text[: inside[-1].end]}, {written}{text[inside[-1].end :]}"


def _inline_around(marks: Marks, path: Keys) -> int | None:
    """Give how much of the path is an inline table, if some of it is."""
    return next((length for length in range(len(path), 0, -1) if path[:length] in marks.values), None)


def _insert_section(marks: Marks, path: Keys, value: object) -> str:
    """Open a table at the end, or, for a table among others that have headers of their own, after the last of these."""
    text, parent = marks.text, path[:-1]
    beside = [at for at, section in enumerate(marks.sections) if section.path[: len(parent)] == parent and parent]
    if not (beside and is_table(value) and value):
        return _at_end(text, parent, {path[-1]: value})
    ends = [pair.end for pair in marks.pairs if pair.section == beside[-1]]
    place = _line_end(text, max([marks.sections[beside[-1]].end, *ends]))
    rest = text[place:]
    return _at_end(text[:place], path, value) + (rest if not rest or rest[0] in "\r\n" else f"\n{rest}")


def _at_end(text: str, path: Keys, table: dict[str, object]) -> str:
    text = text if not text or text.endswith("\n") else f"{text}\n"
    gap = "" if not text or text.endswith(("\n\n", "\n\r\n")) else "\n"
    lines = "".join(f"{dotted((key,))} = {literal(value)}\n" for key, value in table.items())
    return f"{text}{gap}[{dotted(path)}]\n{lines}"


def _without(marks: Marks, path: Keys) -> str:
    """Take away the lines of a key, of a table's headers and keys, or a part of an inline table."""
    depth, text = len(path), marks.text
    held = [pair for pair in marks.pairs if pair.path[:depth] == path]
    spans = [(section.start, section.end) for section in marks.sections if section.path[:depth] == path]
    spans += [(pair.start, pair.end) for pair in held if not pair.inline]
    if spans:
        return _cut(text, [(_line_start(text, start), _line_end(text, end)) for start, end in spans])
    # Dotted keys in an inline table may be several; each goes with one comma, from the back.
    for pair in reversed([pair for pair in held if len(pair.base) < depth]):
        text = _cut(text, [_inline_span(marks, pair)])
        marks = Marks(text)
    return text


def _inline_span(marks: Marks, pair: Pair) -> tuple[int, int]:
    beside = [other for other in marks.pairs if other.base == pair.base and other.inline]
    at = next(place for place, other in enumerate(beside) if other.start == pair.start)
    if at > 0:
        return beside[at - 1].end, pair.end
    if len(beside) > 1:
        return pair.start, beside[1].start
    start, end = marks.values[pair.base]
    return start + 1, end - 1


def _cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _line_after(text: str, place: int, line: str) -> str:
    end = _line_end(text, place)
    head = text[:end] if text[:end].endswith("\n") else f"{text[:end]}\n"
    return f"{head}{line}\n{text[end:]}"


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _indent(text: str, place: int) -> str:
    found = _INDENT.match(text, _line_start(text, place))
    return found.group() if found else ""


def _nested(path: Keys, value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _with(data: dict[str, object], path: Keys, value: object) -> dict[str, object]:
    table = data
    for length, key in enumerate(path[:-1], start=1):
        inner = table.setdefault(key, {})
        if not is_table(inner):
            raise ValueError(f"{dotted(path[:length])} is no table")
        table = inner
    table[path[-1]] = deepcopy(value)
    return data


def _lacking(data: dict[str, object], path: Keys) -> dict[str, object]:
    table: object = data
    for key in path[:-1]:
        table = table.get(key) if is_table(table) else None
    if not is_table(table) or path[-1] not in table:
        raise ValueError(f"there is no {dotted(path)}")
    del table[path[-1]]
    return data


def _verified(text: str, expected: dict[str, object]) -> str:
    """A text that says anything else than what was wanted must never be written."""
    if _pruned(tomllib.loads(text)) != _pruned(expected):
        raise ValueError("the file is written in a way that this change cannot be fitted into")
    return text


def _pruned(value: object) -> object:
    """Without empty tables: with its last key, a table that has no header goes too."""
    if is_table(value):
        inner = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item != {}}
    return value
