"""Without any key a call fails and says how to go on; nothing answers that was not asked for."""

from __future__ import annotations

import pytest

from pipelex_like import Inference, PipelexLikeError

CALLS = {
    "text": lambda ai: ai.sync.generate_text("Hello"),
    "preset": lambda ai: ai.sync.generate_text("Hello", model="preset:llm_for_creative_writing"),
    "object": lambda ai: ai.sync.generate_object(
        "Ada, 36", {"type": "object", "properties": {"name": {"type": "string"}}}
    ),
    "images": lambda ai: ai.sync.generate_images("a lighthouse"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_under_the_default_profile_names_variables_and_profiles(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Inference.load(environ={"HOME": str(tmp_path)}) as ai, pytest.raises(PipelexLikeError) as raised:
        CALLS[name](ai)
    message = str(raised.value)
    assert "OPENAI_API_KEY" in message
    if name != "images":
        assert "ANTHROPIC_API_KEY" in message
    assert '"local"' in message or "--profile local" in message or "profile local" in message
    assert "sandbox" in message


def test_extraction_of_a_pdf_needs_no_key(tmp_path, monkeypatch) -> None:
    from pipelex_like.data import SAMPLES

    monkeypatch.chdir(tmp_path)
    with Inference.load(environ={"HOME": str(tmp_path)}) as ai:
        result = ai.sync.extract(SAMPLES / "invoice.pdf", model="extract_text_from_pdf")
    assert result.served_by.backend == "internal"
    assert "Invoice number" in result.text
