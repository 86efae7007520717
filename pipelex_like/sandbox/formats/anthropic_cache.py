"""Counting what a request reads from and writes to the prompt cache.

The rules: https://platform.claude.com/docs/en/build-with-claude/prompt-caching. Other than the provider, the sandbox
keeps beginnings of any length, and for as long as it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.model.tokens import count
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.prompts import Prompts

_MARK = "cache_control"
_MOST = 4


@dataclass(frozen=True, slots=True)
class Cached:
    """Tokens of a prompt that were read, and written for five minutes and for an hour."""

    read: int = 0
    five: int = 0
    hour: int = 0


def cached(body: Mapping[str, object], total: int, prompts: Prompts) -> Cached:
    """Split a prompt of `total` tokens at its marks, and keep what they mark."""
    digest = blake2b(str(body.get("model")).encode(), digest_size=16)
    points: list[tuple[bytes, int, str]] = []
    size = 0
    for role, block, mark in _blocks(body):
        digest.update(orjson.dumps([role, block], option=orjson.OPT_SORT_KEYS))
        text = block.get("text")
        size += count(text) if isinstance(text, str) else 0
        if mark is not None:
            points.append((digest.digest(), min(total, max(1, size)), _lifetime(mark)))
    if len(points) > _MOST:
        raise Refusal(f"A maximum of {_MOST} blocks with cache_control may be provided. Found {len(points)}.")
    read = max((size for beginning, size, _ in points if beginning in prompts), default=0)
    wrote = {"5m": 0, "1h": 0}
    done = read
    for beginning, size, lifetime in points:
        prompts.keep(beginning)
        wrote[lifetime] += max(0, size - done)
        done = max(done, size)
    return Cached(read, wrote["5m"], wrote["1h"])


def _lifetime(mark: object) -> str:
    fields = checks.table(mark, _MARK)
    checks.one_of("ephemeral")(fields.get("type"), f"{_MARK}.type")
    lifetime = fields.get("ttl") or "5m"
    checks.one_of("5m", "1h")(lifetime, f"{_MARK}.ttl")
    return str(lifetime)


def _blocks(body: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object], object]]:
    """Give the role, the block without its mark, and the mark; a mark of the whole body stands on the last of them."""
    found = [
        *(("tools", tool) for tool in _tables(body.get("tools"))),
        *(("system", block) for block in _content(body.get("system"))),
    ]
    for turn in _tables(body.get("messages")):
        found += ((str(turn.get("role")), block) for block in _content(turn.get("content")))
    for place, (role, block) in enumerate(found):
        last = body.get(_MARK) if place == len(found) - 1 else None
        yield role, {key: value for key, value in block.items() if key != _MARK}, block.get(_MARK) or last


def _content(value: object) -> list[dict[str, object]]:
    return [{"type": "text", "text": value}] if isinstance(value, str) else _tables(value)


def _tables(value: object) -> list[dict[str, object]]:
    return [item for item in value if is_table(item)] if is_list(value) else []
