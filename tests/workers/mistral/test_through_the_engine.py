"""The packaged models of Mistral, called as a user calls them, down to the real SDK and the simulated provider."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel
from workers.papers import INVOICE, SCAN

from pipelex_like import CapabilityError, Inference
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import Message, TextPart, ToolResultPart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKENDS = 'extends = "pipelex_like"\n[mistral]\nendpoint = "${MISTRAL_URL}"\n'


class Bill(BaseModel):
    currency: str


def weather(city: str) -> str:
    """Tell the weather of a city."""
    raise AssertionError


@pytest.fixture
def ai(tmp_path: Path) -> Iterator[Inference]:
    (tmp_path / "backends.toml").write_text(BACKENDS)
    with Sandbox() as sandbox:
        environ = {"MISTRAL_API_KEY": sandbox.api_key, "MISTRAL_URL": f"{sandbox.url}/v1", "HOME": str(tmp_path)}
        with Inference.load(tmp_path, environ=environ) as loaded:
            yield loaded


def test_text_streamed_and_not_costs_the_same(ai: Inference) -> None:
    whole = ai.sync.generate_text("Hello", model="mistral-large", seed=1)
    with ai.sync.stream_text("Hello", model="mistral-large", seed=1) as stream:
        for _ in stream:
            pass
    streamed = stream.result()
    assert (streamed.text, streamed.usage, streamed.cost) == (whole.text, whole.usage, whole.cost)
    assert whole.cost
    assert (whole.served_by.backend, whole.served_by.sdk) == ("mistral", "mistral")


def test_a_tool_is_asked_for_after_reasoning_and_its_result_is_taken(ai: Inference) -> None:
    asked = Message("user", (TextPart("Use weather for city: Ulm"),))
    options = {"model": "mistral-small", "tools": [weather], "reasoning_effort": "high"}
    first = ai.sync.generate_text([asked], **options)  # pyright: ignore
    assert first.reasoning
    (call,) = first.tool_calls
    assert call.arguments == {"city": "Ulm"}
    answer = Message("tool", (ToolResultPart(call_id=call.id, text="sunny"),))
    second = ai.sync.generate_text([asked, first.message, answer], **options)  # pyright: ignore
    assert "sunny" in second.text
    assert second.adapted == ()


def test_an_object_out_of_a_pdf(ai: Inference) -> None:
    result = ai.sync.generate_object("Read it.", Bill, model="mistral-medium", documents=[INVOICE])
    assert result.object == Bill(currency="EUR")


def test_a_model_without_eyes_refuses_before_sending(ai: Inference) -> None:
    with pytest.raises(CapabilityError):
        ai.sync.generate_text("Read it.", model="codestral", documents=[INVOICE])


def test_a_document_is_read_page_by_page_and_paid_by_the_page(ai: Inference) -> None:
    result = ai.sync.extract(INVOICE, model="mistral-ocr", pages=[1])
    assert "HL-2026-0417" in result.text
    assert (result.usage.pages, result.cost) == (1, Decimal("0.004"))
    pictured = ai.sync.extract(SCAN, model="mistral-ocr-3", max_nb_images=1)
    assert pictured.cost == Decimal("0.002")
    assert pictured.pages[0].images[0].width == 1406
