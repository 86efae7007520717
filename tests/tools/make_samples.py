"""Makes pipelex_like/data/samples: python tests/tools/make_samples.py (needs reportlab and pillow, not in any extra).

Everything in the documents is made up. Run twice, the bytes are the same.
"""

from __future__ import annotations

import io
import random
from pathlib import Path

import pypdfium2
from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

SAMPLES = Path(__file__).parents[2] / "pipelex_like" / "data" / "samples"
INK, TEAL, SAND = HexColor("#22303c"), HexColor("#1f6f78"), HexColor("#f3eee4")
WIDTH, HEIGHT = A4
LEFT, RIGHT = 22 * mm, WIDTH - 22 * mm

FIELDS = (
    ("Invoice number", "HL-2026-0417"),
    ("Vendor", "Harbour Lantern Studio Ltd"),
    ("Customer", "Fernhill Community Museum"),
    ("Date", "2026-04-17"),
    ("Total due", "3,486.00"),
    ("Currency", "EUR"),
)
ITEMS = (
    ("Exhibition lighting plan", "1", "1,250.00"),
    ("Brass wall lanterns, restored", "6", "1,740.00"),
    ("Installation, two days", "2", "496.00"),
)


def main() -> None:
    invoice = draw_invoice()
    (SAMPLES / "invoice.pdf").write_bytes(invoice)
    (SAMPLES / "invoice_scan.pdf").write_bytes(scan_of(invoice))


def draw_invoice() -> bytes:
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1)
    page.setTitle("Invoice HL-2026-0417")
    page.setAuthor("Harbour Lantern Studio Ltd (made up)")
    draw_head(page)
    draw_fields(page, HEIGHT - 72 * mm)
    draw_items(page, HEIGHT - 140 * mm)
    draw_foot(page)
    page.showPage()
    page.save()
    return out.getvalue()


def draw_head(page: Canvas) -> None:
    page.setFillColor(TEAL)
    page.rect(0, HEIGHT - 48 * mm, WIDTH, 48 * mm, stroke=0, fill=1)
    page.drawImage(ImageReader(logo()), LEFT, HEIGHT - 39 * mm, 28 * mm, 28 * mm)
    page.setFillColor(white)
    page.setFont("Helvetica-Bold", 26)
    page.drawString(LEFT + 36 * mm, HEIGHT - 25 * mm, "INVOICE")
    page.setFont("Helvetica", 11)
    page.drawString(LEFT + 36 * mm, HEIGHT - 33 * mm, "Lamps and light for old rooms")


def logo() -> Image.Image:
    """A lantern over water, drawn large and made smaller for smooth edges."""
    big = Image.new("RGB", (960, 960), "#fbf7ee")
    pen = ImageDraw.Draw(big)
    pen.ellipse((300, 180, 660, 540), fill="#f8e3a3")
    pen.polygon([(400, 240), (560, 240), (600, 560), (360, 560)], fill="#e9a13b", outline="#22303c", width=18)
    pen.rectangle((330, 560, 630, 610), fill="#22303c")
    pen.polygon([(380, 240), (480, 130), (580, 240)], fill="#22303c")
    for row, shade in enumerate(("#1f6f78", "#2b8a94", "#5fb0b5")):
        for column in range(-1, 9):
            x, y = column * 130 + row * 60, 690 + row * 75
            pen.arc((x, y, x + 130, y + 80), 200, 340, fill=shade, width=26)
    return big.resize((240, 240), Image.Resampling.LANCZOS)


def draw_fields(page: Canvas, top: float) -> None:
    page.setFillColor(SAND)
    page.roundRect(LEFT, top - 48 * mm, RIGHT - LEFT, 56 * mm, 3 * mm, stroke=0, fill=1)
    for row, (label, value) in enumerate(FIELDS):
        line = page.beginText(LEFT + 8 * mm, top - row * 8 * mm)
        line.setFillColor(INK)
        line.setFont("Helvetica-Bold", 12)
        line.textOut(f"{label}: ")
        line.setFont("Helvetica", 12)
        line.textOut(value)
        page.drawText(line)


def draw_items(page: Canvas, top: float) -> None:
    page.setFont("Helvetica-Bold", 11)
    page.setFillColor(TEAL)
    draw_row(page, top, ("Description", "Quantity", "Amount"))
    page.setStrokeColor(TEAL)
    page.line(LEFT, top - 3 * mm, RIGHT, top - 3 * mm)
    page.setFont("Helvetica", 11)
    page.setFillColor(INK)
    for row, item in enumerate(ITEMS, start=1):
        draw_row(page, top - row * 9 * mm, item)
    page.setStrokeColor(Color(0.8, 0.78, 0.72))
    page.line(LEFT, top - 31 * mm, RIGHT, top - 31 * mm)


def draw_row(page: Canvas, y: float, cells: tuple[str, str, str]) -> None:
    page.drawString(LEFT, y, cells[0])
    page.drawRightString(RIGHT - 38 * mm, y, cells[1])
    page.drawRightString(RIGHT, y, cells[2])


def draw_foot(page: Canvas) -> None:
    page.setFillColor(INK)
    page.setFont("Helvetica-Oblique", 10)
    page.drawString(LEFT, 32 * mm, "Thank you for letting us light the old customs hall.")
    page.setFont("Helvetica", 8)
    page.drawString(LEFT, 24 * mm, "A made-up document: neither the studio nor the museum exists.")


def scan_of(pdf: bytes) -> bytes:
    """The same page as a scanner would give it: one grey picture, a little askew, with dust; no text layer."""
    document = pypdfium2.PdfDocument(pdf)
    sheet = document[0].render(scale=170 / 72).to_pil().convert("L")
    document.close()
    sheet = sheet.rotate(0.6, resample=Image.Resampling.BICUBIC, expand=False, fillcolor=250)
    sheet = speckled(sheet.filter(ImageFilter.GaussianBlur(0.4)))
    picture = io.BytesIO()
    sheet.save(picture, "JPEG", quality=38, optimize=True)
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1)
    page.setTitle("Scan")
    page.drawImage(ImageReader(picture), 0, 0, WIDTH, HEIGHT)
    page.showPage()
    page.save()
    return out.getvalue()


def speckled(sheet: Image.Image) -> Image.Image:
    dice = random.Random(417)
    shade = Image.linear_gradient("L").resize(sheet.size).point(lambda value: 238 + value // 15)
    sheet = Image.blend(sheet, shade, 0.06)
    pixels = sheet.load()
    for _ in range(2600):
        x, y = dice.randrange(sheet.width), dice.randrange(sheet.height)
        pixels[x, y] = max(0, min(255, pixels[x, y] + dice.randint(-90, 40)))
    return sheet


if __name__ == "__main__":
    main()
