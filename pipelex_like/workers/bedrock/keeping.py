"""Marks that ask Bedrock to keep a prompt: blocks of their own, behind what is to be kept.

The rules: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator

Body = dict[str, object]

_POINT = "cachePoint"
_MOST = 4


def point() -> Body:
    """Give a mark: everything up to here comes again."""
    return {_POINT: {"type": "default"}}


def keep(body: Body, wish: object, maker: str) -> tuple[str, ...]:
    """Set the marks of a whole body right, and give a line for what was left out.

    `wish` is the spec's rule `prompt_cache`: true marks tools and system prompt too, "1h" all of them for an hour.
    """
    if maker not in ("anthropic", "amazon"):
        dropped = sum(_drop(blocks, len(_marks(blocks))) for blocks in _lists(body))
        return ("marks for the prompt cache: left out, Bedrock keeps none for this model",) if dropped else ()
    if wish:
        # Nova takes no mark among the tools.
        for blocks in _before_turns(body)[maker == "amazon" :]:
            if blocks and _POINT not in blocks[-1]:
                blocks.append(point())
    over = max(0, sum(len(_marks(blocks)) for blocks in _lists(body)) - _MOST)
    left = over
    for blocks in _lists(body):
        left -= _drop(blocks, left)
    if wish == "1h":
        for blocks in _lists(body):
            for mark in _marks(blocks):
                mark[_POINT] = {"type": "default", "ttl": "1h"}
    return (f"marks for the prompt cache: the first {over} left out, Bedrock takes {_MOST}",) if over else ()


def _lists(body: Body) -> Iterator[list[Body]]:
    """Give all lists that can hold a mark, in the order in which a prompt is read."""
    yield from _before_turns(body)
    turns = body.get("messages")
    yield from (_blocks(turn, "content") for turn in turns if is_table(turn)) if is_list(turns) else ()


def _before_turns(body: Body) -> list[list[Body]]:
    config = body.get("toolConfig")
    return [_blocks(config if is_table(config) else {}, "tools"), _blocks(body, "system")]


def _blocks(node: Body, key: str) -> list[Body]:
    found = node.get(key)
    return cast("list[Body]", found) if isinstance(found, list) else []


def _marks(blocks: list[Body]) -> list[Body]:
    return [block for block in blocks if _POINT in block]


def _drop(blocks: list[Body], most: int) -> int:
    """Take out the first marks of a list, at most that many; gives how many."""
    gone = _marks(blocks)[:most]
    blocks[:] = [block for block in blocks if not any(block is one for one in gone)]
    return len(gone)
