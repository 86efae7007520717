"""Documents for the tests of readers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pypdfium2

from pipelex_like.data import SAMPLES
from pipelex_like.deck import Candidate, ModelSpec
from pipelex_like.types import ExtractJob, FrozenDict, Media
from pipelex_like.workers.base import Access

if TYPE_CHECKING:
    from pathlib import Path

INVOICE, SCAN = SAMPLES / "invoice.pdf", SAMPLES / "invoice_scan.pdf"


def pdf(path: Path) -> Media:
    return Media(mime="application/pdf", data=path.read_bytes(), name=path.name)


def bound(*paths: Path) -> Media:
    """The first pages of these files as one document."""
    whole = pypdfium2.PdfDocument.new()
    for path in paths:
        with pypdfium2.PdfDocument(path) as one:
            whole.import_pages(one, [0])
    out = io.BytesIO()
    whole.save(out)
    whole.close()
    return Media(mime="application/pdf", data=out.getvalue(), name="bound.pdf")


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def locked() -> Media:
    """A document that asks for a password which nobody knows."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>"
    lock = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"11" * 32, b"22" * 32)
    return written("locked.pdf", _CATALOG, _PAGES, page, lock, trailer=b"/Encrypt 4 0 R /ID [<33> <33>]")


def pageless() -> Media:
    """A document that counts one page, which is none."""
    return written("pageless.pdf", _CATALOG, _PAGES, b"null")


def written(name: str, *objects: bytes, trailer: bytes = b"") -> Media:
    """These objects as a file, the first of them its root."""
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    size = len(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size + table
    data += b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (size, trailer, start)
    return Media(mime="application/pdf", data=data, name=name)


def reading(document: Media, *pages: int, **settings: object) -> ExtractJob:
    return ExtractJob(document=document, pages=pages, settings=FrozenDict(settings))


def reader(sdk: str) -> Candidate:
    spec = ModelSpec(backend="internal", handle=sdk, sdk=sdk, model_id=sdk, kind="extract")
    return Candidate(handle=sdk, backend="internal", model_id=sdk, sdk=sdk, spec=spec)


def at_hand(**keys: str) -> Access:
    return Access(backend="internal", sdk="x", keys=FrozenDict(keys))
