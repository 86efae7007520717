"""Requests and answers that the tests of this worker share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.given import PNG, candidate

from pipelex_like.types import ExtractJob, FrozenDict, Media

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate

PDF = Media(mime="application/pdf", data=b"%PDF-1.4", name="bill.pdf")
PICTURE = Media(mime="image/png", data=PNG, name="bill.png")
LINKED = Media(mime="application/pdf", url="https://example.org/bill.pdf", name="bill.pdf")


def ocr(model_id: str = "mistral-ocr-latest", **spec: object) -> Candidate:
    return candidate(model_id, kind="extract", **spec)


def reading(document: Media, *pages: int, **settings: object) -> ExtractJob:
    return ExtractJob(document=document, pages=pages, settings=FrozenDict(settings))


def page(index: int, text: str = "# Bill", *images: dict[str, object]) -> dict[str, object]:
    return {"index": index, "markdown": text, "images": list(images), "dimensions": None}


def image(base64: str | None, **more: object) -> dict[str, object]:
    return {"id": "img-0.png", "image_base64": base64, "top_left_x": 0, "top_left_y": 0} | more


def read(*pages: dict[str, object], **more: object) -> dict[str, object]:
    return {"pages": list(pages), "model": "mistral-ocr-latest", "usage_info": {"pages_processed": len(pages)}} | more
