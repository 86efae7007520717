from __future__ import annotations

import io
import subprocess
import sys

import pypdfium2
import pytest
from PIL import Image as Pillow
from workers.papers import INVOICE, SCAN, at_hand, bound, locked, pageless, reader, reading

from pipelex_like.errors import BadRequestError, CallTimeoutError, CapabilityError
from pipelex_like.types import ExtractReply, Media
from pipelex_like.workers.base import Limits
from pipelex_like.workers.rapidocr.engine import Word, lines
from pipelex_like.workers.rapidocr.extract import RapidOcr

READER = reader("rapidocr")
PATIENT = Limits(timeout=120)


@pytest.fixture(scope="module")
def worker() -> RapidOcr:
    return RapidOcr(at_hand())


async def read(
    worker: RapidOcr, document: Media, *pages: int, limits: Limits = PATIENT, **settings: object
) -> ExtractReply:
    return await worker.extract(reading(document, *pages, **settings), READER, limits)


def picture(form: str, *more: Pillow.Image) -> Media:
    with pypdfium2.PdfDocument(INVOICE) as document:
        page = document[0].render(scale=150 / 72, crop=(0, 480, 0, 100)).to_pil()  # pyright: ignore
    out = io.BytesIO()
    page.save(out, form, **({"save_all": True, "append_images": list(more)} if more else {}))
    return Media(mime=f"image/{form.lower()}", data=out.getvalue(), name=f"page.{form.lower()}")


async def test_a_scan_is_read(worker: RapidOcr) -> None:
    reply = await read(worker, bound(INVOICE, SCAN), 2, page_images=True, max_nb_images=5)
    (page,) = reply.pages
    assert page.number == 2
    said = page.text.replace(" ", "").splitlines()
    for line in ("Invoicenumber:HL-2026-0417", "Date:2026-04-17", "Totaldue:3,486.00", "Currency:EUR"):
        assert line in said
    assert page.page_image is not None
    assert reply.usage is not None
    assert reply.usage.pages == 1
    assert reply.adapted == ("max_nb_images: left out, RapidOCR gives text only",)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
async def test_pictures_are_read(worker: RapidOcr, form: str) -> None:
    assert "HL-2026-0417" in (await read(worker, picture(form))).pages[0].text


async def test_a_tiff_of_several_pages_has_them_all(worker: RapidOcr) -> None:
    document = picture("TIFF", Pillow.new("RGB", (300, 300), "white"))
    pages = (await read(worker, document)).pages
    assert [page.number for page in pages] == [1, 2]
    assert "HL-2026-0417" in pages[0].text
    assert pages[1].text == ""


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
async def test_what_cannot_be_read_is_told(worker: RapidOcr) -> None:
    for document, kind, words in (
        (Media(mime="text/plain", data=b"hello", name="note.txt"), CapabilityError, "neither a PDF nor a picture"),
        (Media(mime="image/png", url="https://example.org/x.png"), CapabilityError, "give a path"),
        (Media(mime="image/png", data=b"\x89PNG\r\n\x1a\n cut off"), BadRequestError, "damaged or cut off"),
        (Media(mime="image/tiff", data=b"II*\0 cut off"), BadRequestError, "damaged or cut off"),
        (locked(), BadRequestError, "locked.pdf is protected with a password"),
        (pageless(), BadRequestError, "pageless.pdf .* damaged"),
    ):
        with pytest.raises(kind, match=words):
            await read(worker, document)


async def test_a_picture_too_large_for_memory_is_refused(worker: RapidOcr) -> None:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    with pytest.raises(CapabilityError, match="60000 x 60000"):
        await read(worker, Media(mime="image/png", data=head))


async def test_the_limit_ends_the_waiting(worker: RapidOcr) -> None:
    with pytest.raises(CallTimeoutError, match="fewer pages"):
        await read(worker, bound(*[SCAN] * 6), limits=Limits(timeout=0.05))


def test_pieces_side_by_side_are_one_line() -> None:
    words = [Word("7.00", 11, 90, 10), Word("Total", 10, 0, 10), Word("below", 30, 0, 10), Word("EUR", 9, 150, 9)]
    assert lines(words) == "Total 7.00 EUR\nbelow"


def test_its_models_are_in_the_wheel_and_nothing_is_fetched() -> None:
    program = (
        "import socket\n"
        "def refuse(*_): raise OSError('no network in this test')\n"
        "socket.socket.connect = refuse\n"
        "from PIL import Image\nimport io\n"
        "from pipelex_like.workers.rapidocr.engine import Engine\n"
        "out = io.BytesIO(); Image.new('RGB', (64, 64), 'white').save(out, 'PNG')\n"
        "assert Engine().text(out.getvalue()) == ''\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
