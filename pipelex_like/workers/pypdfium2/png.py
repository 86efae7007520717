"""Writes PNG files, so that a picture can leave a PDF without an image library: https://www.w3.org/TR/png-3/"""

from __future__ import annotations

import struct
import zlib
from typing import Literal

Colours = Literal["grey", "rgb", "rgba"]

_TYPES: dict[Colours, tuple[int, int]] = {"grey": (0, 1), "rgb": (2, 3), "rgba": (6, 4)}


def png(rows: bytes, width: int, height: int, *, colours: Colours) -> bytes:
    """Give the PNG of 8-bit samples, the rows one after another without padding."""
    number, samples = _TYPES[colours]
    stride = width * samples
    if len(rows) != stride * height:
        raise ValueError(f"{width} x {height} {colours} takes {stride * height} bytes, not {len(rows)}")
    filtered = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, number, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(filtered, 6)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
