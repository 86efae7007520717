"""The text layer of PDFs, their pictures, and pictures of their pages, read in this process by PDFium."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import TYPE_CHECKING, Any

import pypdfium2
import pypdfium2.raw as pdfium

from pipelex_like.errors import BadRequestError, CallTimeoutError
from pipelex_like.types import ExtractReply, Page, Usage
from pipelex_like.workers.pypdfium2.document import chosen, opened
from pipelex_like.workers.pypdfium2.pixels import embedded_picture, page_picture

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, Image
    from pipelex_like.workers.base import Access, Limits

PAGE_DPI = 144


class PdfText:
    """Reads PDFs without a model: exact where there is a text layer, empty where a page is only a picture.

    Pictures inside pages are given if `max_nb_images` (most of them over the whole document) or `image_min_size`
    (pixels of the smaller side) is set; `page_images` draws each page as PNG at 144 dpi.
    """

    def __init__(self, access: Access) -> None:
        self._backend = access.backend

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages. Raises CapabilityError for what is no PDF, BadRequestError for one that cannot be read,
        CallTimeoutError past the limit."""
        stop = Event()
        who = f"{self._backend} ({candidate.model_id})"
        try:
            async with asyncio.timeout(limits.timeout):
                return await asyncio.to_thread(_read, job, who, stop)
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{who}: reading took longer than {limits.timeout:g} s; ask for fewer pages"
            ) from error
        finally:
            stop.set()

    async def aclose(self) -> None:
        """Nothing is held between calls."""


def _read(job: ExtractJob, who: str, stop: Event) -> ExtractReply:
    pictures = _Pictures(job)
    pages: list[Page] = []
    notes = [f"{name}: this reader has no word for it" for name in job.settings if name not in _KNOWN]
    with opened(job.document, who) as pdf:
        for number in chosen(job.pages, len(pdf), who):
            if stop.is_set():
                break
            page = _page(pdf, number, who, pictures=pictures, drawn=bool(job.settings.get("page_images")))
            if not page.text:
                notes.append(f"page {number} has no text layer; to read it, use an OCR handle such as tesseract-ocr")
            pages.append(page)
    notes += pictures.notes
    return ExtractReply(pages=tuple(pages), usage=Usage(pages=len(pages)), adapted=tuple(notes))


_KNOWN = frozenset({"max_nb_images", "image_min_size", "page_images"})


def _page(pdf: pypdfium2.PdfDocument, number: int, who: str, *, pictures: _Pictures, drawn: bool) -> Page:
    try:
        page = pdf[number - 1]
    except pypdfium2.PdfiumError as error:
        raise BadRequestError(
            f"{who}: page {number} is damaged; leave it out with `pages`, or save the document anew"
        ) from error
    try:
        return Page(
            number=number,
            text=_text(page),
            images=pictures.of(page, number),
            page_image=page_picture(page, dpi=PAGE_DPI) if drawn else None,
        )
    finally:
        page.close()


def _text(page: pypdfium2.PdfPage) -> str:
    layer = page.get_textpage()
    try:
        text = layer.get_text_range()
    finally:
        layer.close()
    # U+FFFE is PDFium's sign for a hyphen at the end of a line.
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-").strip()


class _Pictures:
    """Takes pictures out of pages until the document's share is used up."""

    def __init__(self, job: ExtractJob) -> None:
        most, least = job.settings.get("max_nb_images"), job.settings.get("image_min_size")
        self._left = most if isinstance(most, int) else None
        self._least = least if isinstance(least, int) else 1
        self._wanted = self._left is not None or isinstance(least, int)
        self.notes: list[str] = []

    def of(self, page: pypdfium2.PdfPage, number: int) -> tuple[Image, ...]:
        if not self._wanted:
            return ()
        found: list[Image] = []
        untyped: Any = page
        for item in untyped.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
            if self._left == 0:
                break
            if not isinstance(item, pypdfium2.PdfImage) or min(item.get_px_size()) < self._least:
                continue
            try:
                found.append(embedded_picture(item))
            except pypdfium2.PdfiumError:
                self.notes.append(f"page {number}: a picture in it is damaged and was left out")
                continue
            self._left = None if self._left is None else self._left - 1
        return tuple(found)
