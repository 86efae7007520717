"""Reading scans on this machine, whichever engine does it: pictures as they are, PDFs drawn page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError
from pipelex_like.types import ExtractReply, Page, Usage
from pipelex_like.workers.pixels import measured, sniffed
from pipelex_like.workers.pypdfium2.document import chosen, is_pdf, opened
from pipelex_like.workers.pypdfium2.extract import PAGE_DPI
from pipelex_like.workers.pypdfium2.pixels import page_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.types import ExtractJob, Image

OCR_DPI = 300
_TIFF_OR_BITMAP = (b"II*\0", b"MM\0*", b"BM", b"P4", b"P5", b"P6")


def read_scan(
    job: ExtractJob, who: str, *, engine: str, texts: Callable[[bytes], list[str]], stopped: Callable[[], bool]
) -> ExtractReply:
    """Give the pages that were asked for; `texts` reads one picture file (a TIFF may hold several pages).

    Raises CapabilityError for what is neither PDF nor picture, BadRequestError for one that is damaged. Between pages
    it looks whether it was `stopped`.
    """
    data = job.document.data
    pages = (
        _of_picture(job, data, who, engine, texts)
        if data is not None and not is_pdf(data)
        else _of_pdf(job, who, texts, stopped)
    )
    left_out = (name for name, value in job.settings.items() if value and name != "page_images")
    adapted = tuple(f"{name}: left out, {engine} gives text only" for name in left_out)
    return ExtractReply(pages=pages, usage=Usage(pages=len(pages)), adapted=adapted)


def _of_pdf(
    job: ExtractJob, who: str, texts: Callable[[bytes], list[str]], stopped: Callable[[], bool]
) -> tuple[Page, ...]:
    """PDFium is held only while a page is drawn, not while it is read."""
    with opened(job.document, who) as pdf:
        numbers = chosen(job.pages, len(pdf), who)
    pages: list[Page] = []
    for number in numbers:
        if stopped():
            break
        with opened(job.document, who) as pdf:
            sheet = pdf[number - 1]
            drawn = page_picture(sheet, dpi=OCR_DPI)
            shown = page_picture(sheet, dpi=PAGE_DPI) if job.settings.get("page_images") else None
            sheet.close()
        pages += [Page(number=number, text=text, page_image=shown) for text in texts(drawn.data)]
    return tuple(pages)


def _of_picture(
    job: ExtractJob, data: bytes, who: str, engine: str, texts: Callable[[bytes], list[str]]
) -> tuple[Page, ...]:
    if sniffed(data) is None and not data.startswith(_TIFF_OR_BITMAP):
        name = job.document.name or "the document"
        raise CapabilityError(f"{who}: {name} is neither a PDF nor a picture that {engine} reads (PNG, JPEG, TIFF, …)")
    read = texts(data)
    shown: Image | None = measured(data) if job.settings.get("page_images") and len(read) == 1 else None
    numbers = chosen(job.pages, len(read), who)
    return tuple(Page(number=at, text=read[at - 1], page_image=shown) for at in numbers)
