"""Keys as TOML writes them: bare, quoted, dotted."""

from __future__ import annotations

import re
import tomllib

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
DOTTED = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_EACH = re.compile(_PART)


def split_key(text: str) -> tuple[str, ...] | None:
    """Give the parts of a dotted key (`profiles.prod.routes."gpt-*"`), or None if TOML would not take it."""
    bare = text.strip(" \t")
    if not DOTTED.fullmatch(bare):
        return None
    try:
        return tuple(_plain(part) for part in _EACH.findall(bare))
    except tomllib.TOMLDecodeError:
        return None


def _plain(part: str) -> str:
    if part[0] == '"' and "\\" in part:
        return tomllib.loads(f"key = {part}")["key"]
    return part[1:-1] if part[0] in "\"'" else part
