"""What can be told of a picture that came in: its format and size, read from its first bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_TILE = 512


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the prompt; `size` in pixels (width, height), None where only an address came."""

    kind: str
    size: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]} {self.kind}" if self.size else "by address, not fetched"

    @property
    def tokens(self) -> int:
        """85, and 170 for each started square of 512 pixels (one, where the size is unknown)."""
        width, height = self.size or (_TILE, _TILE)
        return 85 + 170 * (-(-width // _TILE)) * (-(-height // _TILE))


def picture_of(data: bytes) -> Picture | None:
    """Tell PNG, GIF, JPEG and WebP with their size; None for anything else."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Picture("PNG", struct.unpack_from(">II", data, 16))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return Picture("GIF", struct.unpack_from("<HH", data, 6))
        if data.startswith(b"\xff\xd8"):
            return Picture("JPEG", _jpeg_size(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return Picture("WebP", _webp_size(data))
    except (struct.error, IndexError):
        return None
    return None


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at] != 0xFF or data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if 0xD0 <= marker <= 0xD9 or marker == 0x01:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp_size(data: bytes) -> tuple[int, int]:
    form = data[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if form == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF
