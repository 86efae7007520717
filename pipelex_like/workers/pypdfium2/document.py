"""Opening a PDF and choosing its pages, with messages for what people really send."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.pdfium import PDFIUM

if TYPE_CHECKING:
    from collections.abc import Generator

    from pipelex_like.types import Media

_HEADER_WITHIN = 1024


@contextmanager
def opened(document: Media, who: str) -> Generator[pypdfium2.PdfDocument]:
    """Open the PDF, with PDFium to oneself; `who` begins the messages.

    Raises CapabilityError for what is no PDF here, which another reader may take, and BadRequestError for a PDF that
    cannot be read, also where that shows only while working with it.
    """
    data = document.data
    name = document.name or "the document"
    if data is None:
        raise CapabilityError(
            f"{who}: {name} is only an address; this reads bytes, so give a path or the file's content"
        )
    if not is_pdf(data):
        kind = f" but {document.mime}" if document.mime and document.mime != "application/pdf" else ""
        raise CapabilityError(
            f"{who}: {name} is not a PDF{kind}; for a picture use an OCR handle such as tesseract-ocr"
        )
    with PDFIUM:
        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            code: object = vars(error).get("err_code")
            raise BadRequestError(f"{who}: {_refused(name, code)}") from error
        try:
            yield pdf
        except pypdfium2.PdfiumError as error:
            raise BadRequestError(f"{who}: {_refused(name, None)}") from error
        finally:
            pdf.close()


def is_pdf(data: bytes) -> bool:
    """Whether the bytes begin like a PDF; some writers put a few bytes before the header."""
    return b"%PDF-" in data[:_HEADER_WITHIN]


def chosen(pages: tuple[int, ...], count: int, who: str) -> tuple[int, ...]:
    """Give the page numbers to read, each once: those asked for, or all. Raises BadRequestError for one beyond."""
    beyond = [page for page in pages if not 1 <= page <= count]
    if beyond:
        asked = ", ".join(map(str, beyond))
        there = "1 page" if count == 1 else f"{count} pages, numbered from 1"
        raise BadRequestError(f"{who}: page {asked} was asked for, and the document has {there}")
    return tuple(dict.fromkeys(pages)) or tuple(range(1, count + 1))


def _refused(name: str, code: object) -> str:
    if code == pdfium.FPDF_ERR_PASSWORD:
        return f"{name} is protected with a password; save it without one and try again"
    if code == pdfium.FPDF_ERR_SECURITY:
        return f"{name} is protected in a way that cannot be read; save it without protection and try again"
    return f"{name} begins like a PDF but is damaged or cut off; open it in a viewer and save it anew"
