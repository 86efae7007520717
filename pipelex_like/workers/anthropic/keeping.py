"""Marks that ask the provider to keep a prompt: on blocks of messages, of the system prompt, and on tools.

The rules: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Body = dict[str, object]

# Blocks that the model made to think with; it takes them back unchanged, in their order, or not at all.
THOUGHTS = frozenset({"thinking", "redacted_thinking"})

_MARK = "cache_control"
_MOST = 4


def mark(blocks: Sequence[Body]) -> None:
    """Mark that everything up to the end of these blocks comes again; thoughts can carry no mark."""
    last = next((block for block in reversed(blocks) if block.get("type") not in THOUGHTS), None)
    if last is not None:
        last[_MARK] = {"type": "ephemeral"}


def is_marked(blocks: Sequence[Body]) -> bool:
    """Whether one of the blocks carries a mark."""
    return any(_MARK in block for block in blocks)


def keep(body: Body, wish: object) -> tuple[str, ...]:
    """Set the marks of a whole body right, and give a line for what was left out.

    `wish` is the spec's rule `prompt_cache`: true marks tools and system prompt too, "1h" all of them for an hour.
    """
    if wish:
        for key in ("tools", "system"):
            mark(list(_tables(body.get(key))))
    marked = [block for block in _blocks(body) if _MARK in block]
    for block in marked[:-_MOST]:
        del block[_MARK]
    if wish == "1h":
        for block in marked[-_MOST:]:
            block[_MARK] = {"type": "ephemeral", "ttl": "1h"}
    if len(marked) <= _MOST:
        return ()
    return (f"marks for the prompt cache: the first {len(marked) - _MOST} left out, Anthropic takes {_MOST}",)


def _blocks(body: Body) -> Iterator[Body]:
    """Give all that can carry a mark, in the order in which a prompt is read."""
    yield from _tables(body.get("tools"))
    yield from _tables(body.get("system"))
    for turn in _tables(body.get("messages")):
        yield from _tables(turn.get("content"))


def _tables(value: object) -> Iterator[Body]:
    yield from (item for item in value if is_table(item)) if is_list(value) else ()
