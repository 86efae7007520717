"""Marks for kept prompts in messages as OpenAI's chat API writes them."""

from __future__ import annotations

import pytest

from pipelex_like.engine.inputs import conversation
from pipelex_like.types import DocumentPart, ImagePart, TextPart

MARK = {"type": "ephemeral"}
PARTS = [
    {"type": "text", "text": "a story"},
    {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0xLjQK", "filename": "x.pdf"}},
]


def read(role: str, parts: list[dict[str, object]]) -> list[object]:
    (message,) = conversation([{"role": role, "content": parts}], system=None, images=None, documents=None)
    return list(message.parts)


def test_a_part_carries_its_mark() -> None:
    marked = read("user", [{**part, "cache_control": MARK} for part in PARTS])
    assert [type(part) for part in marked] == [TextPart, ImagePart, DocumentPart]
    assert [part.cache for part in marked] == [True, True, True]
    assert [part.cache for part in read("user", PARTS)] == [False, False, False]
    assert [part.cache for part in read("user", [{**part, "cache_control": None} for part in PARTS])] == [False] * 3
    assert read("system", [{**PARTS[0], "cache_control": {**MARK, "ttl": "5m"}}]) == [TextPart("a story", cache=True)]


@pytest.mark.parametrize(
    ("mark", "said"),
    [("ephemeral", "ephemeral"), ({"type": "forever"}, "ephemeral"), ({**MARK, "ttl": "1h"}, 'prompt_cache = "1h"')],
)
def test_a_mark_that_says_something_else_is_refused(mark: object, said: str) -> None:
    with pytest.raises(ValueError, match=r"prompt\[0\]\.content\[0\]\.cache_control") as raised:
        read("user", [{**PARTS[0], "cache_control": mark}])
    assert said in str(raised.value)
