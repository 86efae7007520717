from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from typing import TYPE_CHECKING

import pypdfium2
import pytest
from PIL import Image as Pillow
from workers.given import LIMITS
from workers.papers import INVOICE, SCAN, at_hand, bound, locked, pageless, pdf, reader, reading

from pipelex_like.errors import BadRequestError, CallTimeoutError, CapabilityError
from pipelex_like.types import ExtractReply, Media
from pipelex_like.workers.base import Limits
from pipelex_like.workers.tesseract.extract import TesseractOcr
from pipelex_like.workers.tesseract.program import Reading

if TYPE_CHECKING:
    from pathlib import Path

READER = reader("tesseract")
PATIENT = Limits(timeout=120)
needs_program = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


async def read(document: Media, *pages: int, limits: Limits = PATIENT, **settings: object) -> ExtractReply:
    return await TesseractOcr(at_hand()).extract(reading(document, *pages, **settings), READER, limits)


def picture(form: str, *more: Pillow.Image) -> Media:
    with pypdfium2.PdfDocument(INVOICE) as document:
        page = document[0].render(scale=150 / 72, crop=(0, 480, 0, 100)).to_pil()  # pyright: ignore
    out = io.BytesIO()
    page.save(out, form, **({"save_all": True, "append_images": list(more)} if more else {}))
    return Media(mime=f"image/{form.lower()}", data=out.getvalue(), name=f"page.{form.lower()}")


@needs_program
async def test_a_scan_is_read() -> None:
    reply = await read(pdf(SCAN))
    lines = reply.pages[0].text.splitlines()
    for line in (
        "Invoice number: HL-2026-0417",
        "Vendor: Harbour Lantern Studio Ltd",
        "Customer: Fernhill Community Museum",
        "Date: 2026-04-17",
        "Total due: 3,486.00",
        "Currency: EUR",
    ):
        assert line in lines
    assert reply.usage is not None
    assert reply.usage.pages == 1


@needs_program
async def test_only_the_pages_asked_for_are_read() -> None:
    reply = await read(bound(INVOICE, SCAN), 2, page_images=True, max_nb_images=5)
    assert [page.number for page in reply.pages] == [2]
    assert "HL-2026-0417" in reply.pages[0].text
    assert reply.pages[0].page_image is not None
    assert reply.pages[0].page_image.width == 1191
    assert reply.adapted == ("max_nb_images: left out, tesseract gives text only",)


@needs_program
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
async def test_pictures_are_read(form: str) -> None:
    reply = await read(picture(form))
    assert "HL-2026-0417" in reply.pages[0].text


@needs_program
async def test_a_tiff_of_several_pages_has_them_all() -> None:
    blank = Pillow.new("RGB", (300, 300), "white")
    document = picture("TIFF", blank, blank)
    assert [page.number for page in (await read(document)).pages] == [1, 2, 3]
    assert [page.number for page in (await read(document, 2)).pages] == [2]
    with pytest.raises(BadRequestError, match="page 4 was asked for, and the document has 3 pages"):
        await read(document, 4)


@needs_program
async def test_what_cannot_be_read_is_told() -> None:
    for document, kind, words in (
        (Media(mime="text/plain", data=b"hello", name="note.txt"), CapabilityError, "neither a PDF nor a picture"),
        (Media(mime="image/png", url="https://example.org/x.png"), CapabilityError, "give a path"),
        (Media(mime="image/png", data=b"\x89PNG\r\n\x1a\n cut off"), BadRequestError, "cannot read the picture"),
        (locked(), BadRequestError, "locked.pdf is protected with a password"),
        (pageless(), BadRequestError, "pageless.pdf .* damaged"),
    ):
        with pytest.raises(kind, match=words):
            await read(document)


async def test_a_program_that_cannot_be_run_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text("no program at all")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CapabilityError, match="tesseract cannot be started: Exec format error"):
        await read(pdf(SCAN))


@needs_program
async def test_a_missing_language_is_told() -> None:
    worker = TesseractOcr(at_hand(languages="eng, tlh"))
    with pytest.raises(CapabilityError, match="tlh"):
        await worker.extract(reading(picture("PNG")), READER, LIMITS)


@needs_program
async def test_languages_that_look_like_options_are_refused() -> None:
    worker = TesseractOcr(at_hand(languages="--psm"))
    with pytest.raises(CapabilityError, match="eng\\+deu"):
        await worker.extract(reading(pdf(SCAN)), READER, LIMITS)


@needs_program
async def test_the_limit_ends_the_reading() -> None:
    with pytest.raises(CallTimeoutError, match="fewer pages"):
        await read(bound(*[SCAN] * 6), limits=Limits(timeout=0.3))


async def test_without_the_program_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CapabilityError) as caught:
        await read(pdf(SCAN))
    for words in ("apt install tesseract-ocr", "brew install tesseract", "winget install"):
        assert words in str(caught.value)


def test_stopping_ends_the_process_at_work(tmp_path: Path) -> None:
    began = tmp_path / "began"
    code = (
        "import os, pathlib, sys, time\n"
        f"began = pathlib.Path({str(began)!r})\n"
        "began.with_suffix('.new').write_text(str(os.getpid()))\n"
        "began.with_suffix('.new').rename(began)\n"
        "sys.stdin.read()\n"
        "time.sleep(60)"
    )
    at_work = Reading((sys.executable, "-c", code), "internal (x)")
    texts: list[list[str]] = []
    thread = threading.Thread(target=lambda: texts.append(at_work.pages(b"picture")))
    thread.start()
    while not began.exists():
        thread.join(0.01)
    at_work.stop()
    thread.join(20)
    assert texts == [[]]
    assert at_work.pages(b"another") == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)
