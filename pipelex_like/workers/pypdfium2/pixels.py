"""From PDFium's bitmaps to pictures."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import pypdfium2
import pypdfium2.raw as pdfium

from pipelex_like.types import Image
from pipelex_like.workers.pixels import measured
from pipelex_like.workers.pypdfium2.png import png

if TYPE_CHECKING:
    from pipelex_like.workers.pypdfium2.png import Colours

POINTS_PER_INCH = 72
MOST_PIXELS = 40_000_000
"""A page may be declared metres wide; above this its picture gets a lower resolution instead of all the memory."""


def page_picture(page: pypdfium2.PdfPage, *, dpi: int) -> Image:
    """Draw a page as PNG."""
    width, height = page.get_size()
    scale = min(dpi / POINTS_PER_INCH, sqrt(MOST_PIXELS / max(1.0, width * height)))
    untyped: Any = page
    bitmap = untyped.render(scale=scale, rev_byteorder=True)
    try:
        return _encoded(bitmap)
    finally:
        bitmap.close()


def embedded_picture(picture: pypdfium2.PdfImage) -> Image:
    """Take a picture out of a page: a JPEG as it is, anything else as PNG."""
    untyped: Any = picture
    if untyped.get_filters(skip_simple=True) == ["DCTDecode"]:
        found = measured(bytes(untyped.get_data(decode_simple=True)))
        if found is not None:
            return found
    return _encoded(untyped.get_bitmap())


def _encoded(bitmap: Any) -> Image:
    samples: int = bitmap.n_channels
    width, height, stride = int(bitmap.width), int(bitmap.height), int(bitmap.stride)
    data = bytes(bitmap.buffer)
    used = width * samples
    rows = data if stride == used else b"".join(data[y * stride : y * stride + used] for y in range(height))
    colours, rows = _colours(rows, bitmap, samples)
    return Image(data=png(rows, width, height, colours=colours), mime="image/png", width=width, height=height)


def _colours(rows: bytes, bitmap: Any, samples: int) -> tuple[Colours, bytes]:
    """PDFium writes blue first unless told otherwise, and may leave a fourth byte without meaning."""
    if samples == 1:
        return "grey", rows
    red, blue = (0, 2) if bitmap.rev_byteorder else (2, 0)
    out_samples = 4 if bitmap.format == pdfium.FPDFBitmap_BGRA else 3
    out = bytearray(len(rows) // samples * out_samples)
    for to, source in enumerate((red, 1, blue, 3)[:out_samples]):
        out[to::out_samples] = rows[source::samples]
    return ("rgba" if out_samples == 4 else "rgb"), bytes(out)
