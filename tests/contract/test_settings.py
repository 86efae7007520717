"""No setting of the vocabulary is lost on its way: it is on the wire, or the result or the error speaks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.rows import ROWS, Row, opened
from contract.test_llm import PROMPT, WEATHER

from pipelex_like import BadRequestError, CallError, CapabilityError
from pipelex_like.deck.vocabulary import LLM_SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox


# A value of each setting that is no model's own default.
VOCABULARY: dict[str, object] = {
    "temperature": 0.4,
    "top_p": 0.3,
    "top_k": 7,
    "max_tokens": 77,
    "stop": ["HALT"],
    "seed": 11,
    "frequency_penalty": 0.3,
    "presence_penalty": 0.3,
    "logit_bias": {"50256": -3},
    "logprobs": 3,
    "tool_choice": "none",
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "reasoning_budget": 2048,
    "user": "user-7",
    "metadata": {"team": "blue"},
    "service_tier": "flex",
    "extra": {"x_unknown_field": "kept"},
}


def test_the_vocabulary_is_whole() -> None:
    assert VOCABULARY.keys() == LLM_SETTINGS.keys()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_setting_is_sent_or_said_to_be_left_out(tmp_path: Path, sandbox: Sandbox, row: Row) -> None:
    async with opened(tmp_path, row, sandbox) as ai:
        for name, value in VOCABULARY.items():
            tools = {"tools": [WEATHER]} if name in ("tool_choice", "parallel_tool_calls") else {}
            asked = {"model": row.reference, **tools}
            sandbox.reset()
            await ai.generate_text(PROMPT, **asked)  # pyright: ignore
            await ai.generate_text(PROMPT, **asked)  # pyright: ignore
            try:
                told = (await ai.generate_text(PROMPT, **asked, **{name: value})).adapted  # pyright: ignore
            except CallError as error:
                # An unknown field is the provider's to judge: it went out as written.
                assert isinstance(error, BadRequestError if name == "extra" else CapabilityError), repr(error)
                told = (str(error),)
            bare, again, *sent = [request.body for request in sandbox.requests]
            assert bare == again
            assert any(name in line for line in told) or (sent and sent[0] != bare), (name, told, sent)
            if name == "extra" and sent:
                assert "kept" in str(sent[0])
