"""OCR by the tesseract program on this machine: pictures as they are, PDFs drawn page by page."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, CapabilityError
from pipelex_like.types import ExtractReply, Page, Usage
from pipelex_like.workers.pixels import measured, sniffed
from pipelex_like.workers.pypdfium2.document import chosen, is_pdf, opened
from pipelex_like.workers.pypdfium2.extract import PAGE_DPI
from pipelex_like.workers.pypdfium2.pixels import page_picture
from pipelex_like.workers.tesseract.program import Reading, program

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, Image
    from pipelex_like.workers.base import Access, Limits

OCR_DPI = 300
DEFAULT_LANGUAGES = "eng"
_LANGUAGES = re.compile(r"[A-Za-z0-9_]+(?:\+[A-Za-z0-9_]+)*")
_TIFF_OR_BITMAP = (b"II*\0", b"MM\0*", b"BM", b"P4", b"P5", b"P6")


class TesseractOcr:
    """Reads scans. `languages` of the backend are tesseract's codes, `eng` or `eng+deu`; `page_images` gives a
    picture of each page too."""

    def __init__(self, access: Access) -> None:
        self._backend = access.backend
        given = access.text("languages") or DEFAULT_LANGUAGES
        self._languages = "+".join(re.split(r"[+,;\s]+", given.strip()))

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages. Raises CapabilityError without the program or a language and for what is neither PDF nor
        picture, BadRequestError for one that is damaged, CallTimeoutError past the limit, with the program ended."""
        who = f"{self._backend} ({candidate.model_id})"
        if not _LANGUAGES.fullmatch(self._languages):
            raise CapabilityError(f'{who}: languages = "{self._languages}" is not of the form eng or eng+deu')
        command = (program(who), "stdin", "stdout", "-l", self._languages, "--dpi", str(OCR_DPI))
        reading = Reading(command, who)
        try:
            async with asyncio.timeout(limits.timeout):
                return await asyncio.to_thread(_read, job, who, reading)
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{who}: reading took longer than {limits.timeout:g} s; ask for fewer pages"
            ) from error
        finally:
            reading.stop()

    async def aclose(self) -> None:
        """Nothing is held between calls."""


def _read(job: ExtractJob, who: str, reading: Reading) -> ExtractReply:
    data = job.document.data
    if data is not None and not is_pdf(data):
        pages = _of_picture(job, data, who, reading)
    else:
        pages = _of_pdf(job, who, reading)
    return ExtractReply(pages=pages, usage=Usage(pages=len(pages)), adapted=_left_out(job))


def _of_pdf(job: ExtractJob, who: str, reading: Reading) -> tuple[Page, ...]:
    """PDFium is held only while a page is drawn, not while it is read."""
    with opened(job.document, who) as pdf:
        numbers = chosen(job.pages, len(pdf), who)
    pages: list[Page] = []
    for number in numbers:
        if reading.stopped:
            break
        with opened(job.document, who) as pdf:
            sheet = pdf[number - 1]
            drawn = page_picture(sheet, dpi=OCR_DPI)
            shown = page_picture(sheet, dpi=PAGE_DPI) if job.settings.get("page_images") else None
            sheet.close()
        pages += [Page(number=number, text=text, page_image=shown) for text in reading.pages(drawn.data)]
    return tuple(pages)


def _of_picture(job: ExtractJob, data: bytes, who: str, reading: Reading) -> tuple[Page, ...]:
    if sniffed(data) is None and not data.startswith(_TIFF_OR_BITMAP):
        name = job.document.name or "the document"
        raise CapabilityError(f"{who}: {name} is neither a PDF nor a picture that tesseract reads (PNG, JPEG, TIFF, …)")
    texts = reading.pages(data)
    shown: Image | None = measured(data) if job.settings.get("page_images") and len(texts) == 1 else None
    numbers = chosen(job.pages, len(texts), who)
    return tuple(Page(number=at, text=texts[at - 1], page_image=shown) for at in numbers)


def _left_out(job: ExtractJob) -> tuple[str, ...]:
    names = (name for name, value in job.settings.items() if value and name != "page_images")
    return tuple(f"{name}: left out, tesseract gives text only" for name in names)
