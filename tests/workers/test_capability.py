from __future__ import annotations

import pytest
from workers.given import INVOICE, PNG, WEATHER, candidate, job

from pipelex_like.deck import Constraints
from pipelex_like.types import DocumentPart, ExtractJob, ImageJob, ImagePart, Job, LlmJob, Media, TextPart
from pipelex_like.workers.capability import capability_gap

PICTURE = ImagePart(Media(mime="image/png", data=PNG))
PDF = DocumentPart(Media(mime="application/pdf", data=b"%PDF"))
NOTE = DocumentPart(Media(mime="text/plain", data=b"note"))
OBJECT = LlmJob(messages=(), schema=INVOICE)
TOOLS = LlmJob(messages=(), tools=(WEATHER,))
SCAN = ExtractJob(document=Media(mime="image/jpeg", data=b"x"))
BILL = ExtractJob(document=Media(mime="application/pdf", data=b"x"))
SKETCH = ImageJob(prompt="x", images=(Media(mime="image/png", data=PNG),))

REFUSED: list[tuple[Job, dict[str, object], str]] = [
    (job(PICTURE), {"inputs": ("text",)}, "takes no images"),
    (job(PICTURE, PICTURE), {"inputs": ("images",), "max_prompt_images": 1}, "1 images at most, not 2"),
    (job(PDF), {"inputs": ("text", "images")}, "no pdf documents"),
    (OBJECT, {"outputs": ("text",)}, "no structured objects"),
    (TOOLS, {"constraints": Constraints(unsupported=frozenset({"tools"}))}, "no tools"),
    (SCAN, {"kind": "extract", "inputs": ("pdf",)}, "no images"),
    (BILL, {"kind": "extract", "inputs": ("image",)}, "no pdf documents"),
    (SKETCH, {"kind": "img_gen", "inputs": ("text",)}, "no reference pictures"),
    (
        job(TextPart("x" * 1000)),
        {"context_window": 99, "variant": "ollama"},
        "at least 100 tokens, and its context window 99",
    ),
]


@pytest.mark.parametrize(("asked", "spec", "part"), REFUSED)
def test_what_the_spec_excludes_is_refused(asked: Job, spec: dict[str, object], part: str) -> None:
    gap = capability_gap(asked, candidate(**spec).spec)
    assert gap is not None
    assert part in gap


@pytest.mark.parametrize(("asked", "spec", "part"), REFUSED)
def test_a_model_that_no_file_lists_refuses_nothing(asked: Job, spec: dict[str, object], part: str) -> None:
    assert capability_gap(asked, candidate(**{**spec, "listed": False}).spec) is None


@pytest.mark.parametrize(
    ("asked", "spec"),
    [
        (job(PICTURE, PDF), {}),
        (job(PICTURE), {"inputs": ("text", "images"), "max_prompt_images": 1}),
        (job(PICTURE), {"inputs": ("image",)}),
        (job(PDF), {"inputs": ("text", "pdf")}),
        (job(NOTE), {"inputs": ("text",)}),
        (OBJECT, {}),
        (OBJECT, {"outputs": ("text", "structured")}),
        (TOOLS, {"inputs": ("text",), "outputs": ("text",)}),
        (SCAN, {"kind": "extract", "inputs": ("pdf", "image")}),
        (ExtractJob(document=Media(mime="", url="https://example.org/x")), {"kind": "extract", "inputs": ("pdf",)}),
        (SKETCH, {"kind": "img_gen"}),
        (SKETCH, {"kind": "img_gen", "inputs": ("text", "images")}),
        (job(TextPart("x" * 1000)), {"context_window": 100}),
    ],
)
def test_what_the_spec_allows_or_does_not_tell_is_not_refused(asked: Job, spec: dict[str, object]) -> None:
    assert capability_gap(asked, candidate(**spec).spec) is None
