"""The sandbox's tokens: up to six letters or digits, one other sign, or a run of blanks.

A blank belongs to the piece behind it. The pieces of a text joined are the text, so what is streamed, counted and
cut off at a limit is always the same.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"\s?\w{1,6}|\s?[^\w\s]|\s+")


def pieces(text: str) -> list[str]:
    """Split a text into its tokens."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """Count the tokens of a text."""
    return len(_PIECE.findall(text))
