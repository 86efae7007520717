"""What can be told of a PDF that came in: the text layer of its pages, and where pictures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelex_like.pdfium import PDFIUM


@dataclass(frozen=True, slots=True)
class Inset:
    """A picture in a page: its size in pixels, and where it is, as fractions of the page from its top left corner."""

    size: tuple[int, int]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Paper:
    """A page: its text, its size in points (width, height), its pictures."""

    text: str
    size: tuple[float, float]
    insets: tuple[Inset, ...]


def papers_of(data: bytes) -> tuple[Paper, ...] | None:
    """Read every page; None for what is no PDF that can be opened."""
    # Late, since the library is loaded for this alone.
    import pypdfium2

    with PDFIUM:
        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError:
            return None
        try:
            return tuple(_paper(pdf[at]) for at in range(len(pdf)))
        finally:
            pdf.close()


def _paper(page: Any) -> Paper:
    import pypdfium2.raw as pdfium

    layer = page.get_textpage()
    text = str(layer.get_text_range()).replace("\r\n", "\n").strip()
    layer.close()
    width, height = page.get_size()
    insets = tuple(
        _inset(item.get_px_size(), item.get_bounds(), width, height)
        for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])
    )
    page.close()
    return Paper(text, (width, height), insets)


def _inset(size: tuple[int, int], bounds: tuple[float, float, float, float], width: float, height: float) -> Inset:
    """PDF counts from the bottom left corner."""
    left, bottom, right, top = bounds
    return Inset(size, (left / width, 1 - top / height, right / width, 1 - bottom / height))
