from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image as Pillow
from workers.given import LIMITS
from workers.papers import INVOICE, SCAN, at_hand, bound, locked, pageless, pdf, reader, reading

from pipelex_like.errors import BadRequestError, CallTimeoutError, CapabilityError
from pipelex_like.types import ExtractReply, Image, Media
from pipelex_like.workers.base import Limits
from pipelex_like.workers.pypdfium2.extract import PdfText

READER = reader("pypdfium2")


async def read(document: Media, *pages: int, limits: Limits = LIMITS, **settings: object) -> ExtractReply:
    return await PdfText(at_hand()).extract(reading(document, *pages, **settings), READER, limits)


def opened(image: Image) -> Pillow.Image:
    """The picture as another program reads it, whole."""
    picture = Pillow.open(io.BytesIO(image.data))
    picture.load()
    assert picture.size == (image.width, image.height)
    return picture


async def test_the_text_layer_line_by_line() -> None:
    reply = await read(pdf(INVOICE))
    lines = reply.pages[0].text.split("\n")
    for line in (
        "Invoice number: HL-2026-0417",
        "Vendor: Harbour Lantern Studio Ltd",
        "Customer: Fernhill Community Museum",
        "Date: 2026-04-17",
        "Total due: 3,486.00",
        "Currency: EUR",
        "Installation, two days 2 496.00",
    ):
        assert line in lines
    assert reply.pages[0].images == ()
    assert reply.pages[0].page_image is None
    assert reply.usage is not None
    assert reply.usage.pages == 1
    assert reply.adapted == ()


async def test_a_page_without_text_says_what_reads_it() -> None:
    reply = await read(bound(INVOICE, SCAN))
    assert [page.number for page in reply.pages] == [1, 2]
    assert reply.pages[1].text == ""
    assert len(reply.adapted) == 1
    assert "page 2" in reply.adapted[0]
    assert "tesseract-ocr" in reply.adapted[0]


async def test_pages_are_given_as_asked_for_each_once() -> None:
    reply = await read(bound(INVOICE, SCAN, INVOICE), 3, 1, 3)
    assert [page.number for page in reply.pages] == [3, 1]
    assert reply.usage is not None
    assert reply.usage.pages == 2


@pytest.mark.parametrize("page", [0, 2, -1])
async def test_a_page_that_is_not_there_is_told(page: int) -> None:
    with pytest.raises(BadRequestError, match=rf"page {page} was asked for, and the document has 1 page"):
        await read(pdf(INVOICE), page)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({}, [0, 0, 0]),
        ({"max_nb_images": None}, [0, 0, 0]),
        ({"max_nb_images": 0, "image_min_size": 10}, [0, 0, 0]),
        ({"max_nb_images": 9}, [1, 1, 1]),
        ({"max_nb_images": 2}, [1, 1, 0]),
        ({"max_nb_images": 9, "image_min_size": 240}, [1, 1, 1]),
        ({"max_nb_images": 1, "image_min_size": 241}, [0, 1, 0]),
        ({"image_min_size": 5000}, [0, 0, 0]),
    ],
)
async def test_pictures_within_number_and_size(settings: dict[str, object], counts: list[int]) -> None:
    reply = await read(bound(INVOICE, SCAN, INVOICE), **settings)
    assert [len(page.images) for page in reply.pages] == counts


async def test_a_picture_is_the_one_in_the_page() -> None:
    reply = await read(bound(INVOICE, SCAN), max_nb_images=2)
    logo, sheet = (page.images[0] for page in reply.pages)
    assert (logo.mime, logo.width, logo.height) == ("image/png", 240, 240)
    red, _, blue = opened(logo).convert("RGB").getpixel((120, 100))  # pyright: ignore
    assert red > blue + 80  # the lantern is orange, so the colours are in their order
    assert sheet.mime == "image/jpeg"
    assert opened(sheet).mode == "L"


async def test_a_page_is_drawn_at_144_dpi() -> None:
    reply = await read(pdf(INVOICE), page_images=True)
    image = reply.pages[0].page_image
    assert image is not None
    assert (image.mime, image.width, image.height) == ("image/png", 1191, 1684)
    assert opened(image).convert("RGB").getpixel((20, 20)) == (0x1F, 0x6F, 0x78)


async def test_what_is_no_readable_pdf_is_told_with_a_way_out() -> None:
    data = INVOICE.read_bytes()
    for document, kind, words in (
        (Media(mime="application/pdf", data=data[:300], name="half.pdf"), BadRequestError, "half.pdf .* cut off"),
        (Media(mime="application/pdf", data=b"%PDF-1.7 noise"), BadRequestError, "damaged or cut off"),
        (locked(), BadRequestError, "locked.pdf is protected with a password"),
        (pageless(), BadRequestError, "page 1 is damaged"),
        # These another reader may take, so that a chain goes on to it.
        (Media(mime="image/png", data=b"\x89PNG", name="x.png"), CapabilityError, "x.png is not a PDF but image/png"),
        (Media(mime="application/pdf", data=b""), CapabilityError, "is not a PDF"),
        (Media(mime="application/pdf", url="https://example.org/x.pdf"), CapabilityError, "give a path"),
    ):
        with pytest.raises(kind, match=words) as caught:
            await read(document)
        assert str(caught.value).startswith("internal (pypdfium2): ")


async def test_settings_it_has_no_word_for_are_told() -> None:
    reply = await read(pdf(INVOICE), extra={"a": 1})
    assert reply.adapted == ("extra: this reader has no word for it",)


async def test_reading_ends_at_the_limit() -> None:
    document = bound(*[SCAN] * 12)
    with pytest.raises(CallTimeoutError, match="fewer pages"):
        await read(document, page_images=True, limits=Limits(timeout=0.05))
    assert (await read(pdf(INVOICE))).pages[0].text


async def test_many_at_once_do_not_disturb_each_other() -> None:
    replies = await asyncio.gather(*(read(bound(INVOICE, SCAN), max_nb_images=2) for _ in range(8)))
    assert len({reply.pages[0].text for reply in replies}) == 1
    assert all(len(page.images) == 1 for reply in replies for page in reply.pages)
