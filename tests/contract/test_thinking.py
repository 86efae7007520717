"""A conversation with tools and a model that thinks: what the provider wants back goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from contract.rows import ROWS, configured
from contract.test_llm import WEATHER
from workers.given import chunk, completion
from workers.upstream import Upstream, json_answer, sse

from pipelex_like import Inference, Message, TextPart, ToolResultPart

if TYPE_CHECKING:
    from pathlib import Path

(ROW,) = (row for row in ROWS if row.backend == "deepseek")
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}}
TURN = {"role": "assistant", "content": "", "reasoning_content": "Ulm, then.", "tool_calls": [CALL]}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_deepseek_is_given_back_what_it_thought_when_it_called_a_tool(tmp_path: Path, stream: bool) -> None:
    async with Upstream() as upstream:
        first = (
            sse(chunk(TURN), chunk({}, "tool_calls"))
            if stream
            else json_answer(completion(choices=[{"index": 0, "message": TURN, "finish_reason": "tool_calls"}]))
        )
        upstream.answers = [first, json_answer(completion("Sun."))]
        directory = configured(tmp_path, ROW, ROW.address(upstream.url))
        async with Inference.load(directory, environ=ROW.environ("key")) as ai:
            asked = {"model": ROW.reference, "tools": [WEATHER]}
            if stream:
                async with ai.stream_text("Weather in Ulm?", **asked) as events:  # pyright: ignore
                    async for _ in events:
                        pass
                    called = events.result()
            else:
                called = await ai.generate_text("Weather in Ulm?", **asked)  # pyright: ignore
            result = Message("tool", (ToolResultPart(call_id=called.tool_calls[0].id, text="sun"),))
            await ai.generate_text([Message("user", (TextPart("Weather in Ulm?"),)), called.message, result], **asked)  # pyright: ignore
        sent = cast("dict[str, list[dict[str, object]]]", upstream.seen[1].body)["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "tool"]
    assert sent[1]["reasoning_content"] == "Ulm, then."
    assert sent[1]["tool_calls"]
