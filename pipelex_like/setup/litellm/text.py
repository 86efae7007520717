"""Tables of TOML for people to read on: long lists with one element a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.setup.editing.literals import literal
from pipelex_like.types import dotted, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH = 110


def pair(key: str, value: object) -> str:
    """Give `key = value` with its line end; a list that is too long for a line takes several."""
    line = f"{dotted((key,))} = {literal(value)}\n"
    if len(line) <= _WIDTH or not is_list(value):
        return line
    elements = "".join(f"    {literal(item)},\n" for item in value)
    return f"{dotted((key,))} = [\n{elements}]\n"


def table(path: tuple[str, ...], values: Mapping[str, object]) -> str:
    """Give a table under its header."""
    return f"\n[{dotted(path)}]\n" + "".join(pair(key, value) for key, value in values.items())
