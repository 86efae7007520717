"""Measures pictures by their own headers, so that no image library is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def measured(data: bytes, caption: str | None = None) -> Image | None:
    """Give the picture with MIME type, width and height from its header; None if the bytes are no picture.

    Reads PNG, JPEG, WebP and GIF. A header that is cut off gives the size 0 x 0.
    """
    mime = sniffed(data)
    if mime is None:
        return None
    try:
        width, height = _SIZES[mime](data)
    except (IndexError, ValueError):
        width, height = 0, 0
    return Image(data=data, mime=mime, width=width, height=height, caption=caption)


def sniffed(data: bytes) -> str | None:
    """Give the MIME type of a picture by its first bytes, or None."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if data[:6] in (b"GIF87a", b"GIF89a") else None


def _number(data: bytes, start: int, count: int, order: str = "big") -> int:
    piece = data[start : start + count]
    if len(piece) < count:
        raise ValueError("the header is cut off")
    return int.from_bytes(piece, "little" if order == "little" else "big")


def _png(data: bytes) -> tuple[int, int]:
    return _number(data, 16, 4), _number(data, 20, 4)


def _gif(data: bytes) -> tuple[int, int]:
    return _number(data, 6, 2, "little"), _number(data, 8, 2, "little")


# Start-of-frame markers of JPEG, without DHT (C4), JPG (C8) and DAC (CC), which share their range.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in _FRAMES:
            return _number(data, at + 5, 2), _number(data, at + 3, 2)
        if marker not in _WITHOUT_LENGTH:
            at += max(2, _number(data, at, 2))


def _webp(data: bytes) -> tuple[int, int]:
    form = data[12:16]
    if form == b"VP8X":
        return _number(data, 24, 3, "little") + 1, _number(data, 27, 3, "little") + 1
    if form == b"VP8L":
        bits = _number(data, 21, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _number(data, 26, 2, "little") & 0x3FFF, _number(data, 28, 2, "little") & 0x3FFF


_SIZES: Mapping[str, Callable[[bytes], tuple[int, int]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/gif": _gif,
}
