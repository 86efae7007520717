"""Values as TOML writes them."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from math import isfinite
from typing import TYPE_CHECKING

from pipelex_like.types import dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Sequence


def literal(value: object) -> str:
    """Write a text, number, flag, list or (inline) table. Raises ValueError for what a configuration cannot hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # Every escape of JSON is one of TOML; only DEL stands bare in the one and not in the other.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float) and isfinite(value):
        return repr(value)
    if is_list(value):
        return f"[{', '.join(literal(item) for item in value)}]"
    if is_table(value):
        inside = ", ".join(f"{dotted((key,))} = {literal(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise ValueError(f"{value!r} cannot stand in a configuration")


def list_in_lines(old: str, spans: Sequence[tuple[int, int]], new: Sequence[object], indent: str) -> str:
    """Write `new` in place of a list of several lines, with the comments of the old one where they were.

    `old` is the list's text, `spans` the start and end of each element in it. A comment of an element that
    is gone stays, on a line of its own.
    """
    comments = _comments(old, spans)
    inner = _inner_indent(old, spans, indent)
    before = [old[start:end] for start, end in spans]
    after = [literal(item) for item in new]
    lines: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        paired = kind == "equal" or j - i == m - k
        for at in range(i, j):
            own, tail = comments[at][1], comments[at + 1][0]
            lines += own
            if paired:
                lines.append(f"{after[k + at - i]},{' ' if tail else ''}{tail}")
            elif tail:
                lines.append(tail)
        if not paired:
            lines += [f"{item}," for item in after[k:m]]
    lines += comments[-1][1]
    opening = f"[ {comments[0][0]}" if comments[0][0] else "["
    body = "".join(f"{inner}{line}\n" if line else "\n" for line in lines)
    return f"{opening}\n{body}{indent}]"


def _comments(old: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, list[str]]]:
    """Give for each gap between elements the comment that ends the line, and the lines that stand by themselves."""
    edges = [1, *(place for span in spans for place in span), len(old) - 1]
    gaps = [old[edges[at] : edges[at + 1]] for at in range(0, len(edges), 2)]
    found: list[tuple[str, list[str]]] = []
    for gap in gaps:
        first, *rest = (line.strip(" \t\r").lstrip(", \t") for line in gap.split("\n"))
        found.append((first, rest[:-1]))
    return found


def _inner_indent(old: str, spans: Sequence[tuple[int, int]], indent: str) -> str:
    start = spans[0][0] if spans else 0
    lead = old[old.rfind("\n", 0, start) + 1 : start]
    return lead if lead and not lead.strip(" \t") else f"{indent}    "
