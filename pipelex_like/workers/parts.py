"""Parts of messages in the forms that several wire formats share."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import orjson

from pipelex_like.types import EMPTY, FrozenDict, ToolCall, freeze, is_table

if TYPE_CHECKING:
    from pipelex_like.types import Media


def base64_of(media: Media) -> str:
    """Give the bytes of a file in base64."""
    return b64encode(media.data or b"").decode()


def framed(name: str, text: str, target: str | None) -> str:
    """Frame a text document for the prompt as the model likes it: XML tags for Anthropic's, Markdown for others."""
    if target == "anthropic":
        return f'<document name="{escape(name)}">\n{text}\n</document>'
    fence = "```"
    while fence in text:
        fence += "`"
    return f"### {' '.join(name.split())}\n\n{fence}\n{text}\n{fence}"


def tool_call(name: str, arguments: object, *, call_id: object, position: int) -> ToolCall:
    """Make a tool call; arguments that are no JSON object stay in `raw` alone."""
    raw = arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()
    try:
        value: object = orjson.loads(raw or "{}")
    except orjson.JSONDecodeError:
        value = None
    return ToolCall(
        id=call_id if isinstance(call_id, str) and call_id else f"call_{position}",
        name=name,
        arguments=FrozenDict({key: freeze(item) for key, item in value.items()}) if is_table(value) else EMPTY,
        raw=raw or "{}",
    )
