"""What is changed or refused on the way to the wire."""

from __future__ import annotations

import re

import pytest
from workers.given import WEATHER, candidate, job
from workers.mistral.asked import PDF, PICTURE, ocr, reading
from workers.openai.test_recorded_requests import EVERY_SETTING

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.types import FrozenDict, LlmJob, Media
from pipelex_like.workers.mistral.endpoint import server_url
from pipelex_like.workers.mistral.ocr_request import ocr_body
from pipelex_like.workers.mistral.request import call_id, chat_body


def test_what_the_wire_has_no_word_for_is_listed() -> None:
    _, adapted = chat_body(job(**EVERY_SETTING), candidate("mistral-large-4", thinking_mode="adaptive"))
    assert [line.partition(":")[0] for line in adapted] == ["logit_bias", "user", "reasoning_budget", "service_tier"]


@pytest.mark.parametrize(
    ("model", "mode", "effort", "sent", "told"),
    [
        ("mistral-large-4", "adaptive", "medium", {"reasoning_effort": "medium"}, False),
        ("mistral-small-latest", "adaptive", "high", {"reasoning_effort": "high"}, False),
        ("mistral-small-latest", "adaptive", "none", {"reasoning_effort": "none"}, False),
        ("mistral-medium-3-5", "adaptive", "minimal", {"reasoning_effort": "none"}, True),
        ("mistral-medium-3-5", "adaptive", "max", {"reasoning_effort": "high"}, True),
        ("magistral-medium-2509", "adaptive", "low", {"prompt_mode": "reasoning"}, True),
        ("magistral-medium-2509", "adaptive", "none", {}, True),
        ("codestral-2508", None, "high", {}, True),
    ],
)
def test_effort_is_said_as_the_model_knows_it(
    model: str, mode: str | None, effort: str, sent: dict[str, str], told: bool
) -> None:
    body, adapted = chat_body(job(reasoning_effort=effort), candidate(model, thinking_mode=mode))
    assert {key: body[key] for key in ("reasoning_effort", "prompt_mode") if key in body} == sent
    assert bool(adapted) is told


def test_a_model_that_no_file_lists_gets_the_effort_as_it_was_asked() -> None:
    body, adapted = chat_body(job(reasoning_effort="low"), candidate("mistral-new", listed=False))
    assert (body["reasoning_effort"], adapted) == ("low", ())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("any", "any"),
        ("required", "any"),
        ("weather", {"type": "function", "function": {"name": "weather"}}),
    ],
)
def test_the_choice_of_tools_is_said_in_mistrals_words(given: str, sent: object) -> None:
    asked = LlmJob(messages=job().messages, tools=(WEATHER,), settings=FrozenDict(tool_choice=given))
    assert chat_body(asked, candidate("m"))[0]["tool_choice"] == sent


def test_ids_of_calls_have_the_only_form_that_is_taken() -> None:
    assert call_id("D681PevKs") == "D681PevKs"
    foreign = call_id("call_PTLP8xhu3uwZk4l3nlnrrJha")
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", foreign)
    assert foreign == call_id("call_PTLP8xhu3uwZk4l3nlnrrJha") != call_id("call_1")


def test_a_text_needs_no_reading() -> None:
    with pytest.raises(CapabilityError, match=r"note\.md is text"):
        ocr_body(reading(Media(mime="text/markdown", data=b"# Note", name="note.md")), ocr())


def test_a_word_file_has_no_pages_to_choose() -> None:
    word = Media(
        mime="application/vnd.openxmlformats-officedocument.wordprocessingml.document", data=b"PK", name="a.docx"
    )
    with pytest.raises(CapabilityError, match=r"a\.docx is a Word file.*leave `pages` out"):
        ocr_body(reading(word, 2), candidate("m"))
    assert "pages" not in ocr_body(reading(word), candidate("m"))[0]


@pytest.mark.parametrize(
    ("wish", "sent"),
    [
        ({}, {"include_image_base64": False, "image_limit": 0}),
        ({"max_nb_images": 0}, {"include_image_base64": False, "image_limit": 0}),
        ({"max_nb_images": 2}, {"include_image_base64": True, "image_limit": 2}),
    ],
)
def test_pictures_of_an_office_file_come_whole_or_not_at_all(wish: dict[str, object], sent: dict[str, object]) -> None:
    slides = Media(mime="application/vnd.openxmlformats-officedocument.presentationml.presentation", data=b"PK")
    body = ocr_body(reading(slides, **wish), candidate("m"))[0]
    assert {name: body.get(name) for name in sent} == sent


def test_a_picture_has_one_page() -> None:
    with pytest.raises(BadRequestError, match="page 2 was asked for"):
        ocr_body(reading(PICTURE, 1, 2), ocr())


def test_pictures_of_pages_are_left_out_and_listed() -> None:
    assert ocr_body(reading(PDF, page_images=True), ocr())[1] == (
        "page_images: left out, Mistral gives no pictures of pages",
    )
    assert ocr_body(reading(PDF), ocr())[1] == ()


def test_without_an_endpoint_it_is_mistrals_own() -> None:
    assert server_url(None) == server_url("  ") == "https://api.mistral.ai"
    assert server_url("https://proxy.example/mistral/v1/") == "https://proxy.example/mistral"
