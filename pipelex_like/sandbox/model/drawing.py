"""Pictures without a drawing library: a landscape out of the prompt's digest, as PNG."""

from __future__ import annotations

import colorsys
import hashlib
import struct
import zlib
from dataclasses import dataclass
from math import sqrt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class _Scene:
    """Fractions of width and height; colours as bytes of one pixel."""

    sky: tuple[tuple[int, int, int], tuple[int, int, int]]
    water: tuple[tuple[int, int, int], tuple[int, int, int]]
    horizon: float
    sun: tuple[float, float, float]
    sun_colour: tuple[int, int, int]
    hills: tuple[tuple[float, float, float, tuple[int, int, int]], ...]


def draw(prompt: str, size: tuple[int, int], *, index: int = 0, transparent: bool = False) -> bytes:
    """Draw a sun over hills and water, as PNG of `size` (width, height) pixels.

    The same prompt and index give the same bytes. A transparent picture has no sky. A text chunk says that the
    picture is simulated.
    """
    width, height = size
    scene = _scene(hashlib.sha256(f"{index}:{prompt}".encode()).digest())
    channels = 4 if transparent else 3
    packer = zlib.compressobj(1)
    parts: list[bytes] = []
    for y in range(height):
        parts.append(packer.compress(b"\0" + _row(scene, y, width, height, channels)))
    parts.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if transparent else 2, 0, 0, 0)
    note = b"Software\0pipelex_like sandbox (simulated picture)"
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"tEXt", note)
        + _chunk(b"IDAT", b"".join(parts))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _scene(digest: bytes) -> _Scene:
    part = [byte / 255 for byte in digest]
    hue = part[0]
    hills = tuple(
        (
            part[8 + 3 * at],
            0.12 + 0.3 * part[9 + 3 * at] * (1 - at / 6),
            0.5 + part[10 + 3 * at],
            _colour(hue + 0.3 + 0.1 * part[1], 0.35, 0.55 - 0.1 * at),
        )
        for at in range(4)
    )
    return _Scene(
        sky=(_colour(hue, 0.65, 0.75), _colour(hue + 0.08 + 0.1 * part[2], 0.35, 1)),
        water=(_colour(hue + 0.05, 0.5, 0.7), _colour(hue, 0.8, 0.3)),
        horizon=0.6 + 0.15 * part[3],
        sun=(0.15 + 0.7 * part[4], 0.15 + 0.25 * part[5], 0.06 + 0.06 * part[6]),
        sun_colour=_colour(0.08 + 0.08 * part[7], 0.45, 1),
        hills=hills,
    )


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _between(ends: tuple[tuple[int, int, int], tuple[int, int, int]], at: float) -> tuple[int, int, int]:
    (r0, g0, b0), (r1, g1, b1) = ends
    return round(r0 + (r1 - r0) * at), round(g0 + (g1 - g0) * at), round(b0 + (b1 - b0) * at)


def _row(scene: _Scene, y: int, width: int, height: int, channels: int) -> bytes:
    """One line of pixels: a background, and what covers parts of it, from far to near."""
    opaque = b"\xff" if channels == 4 else b""
    horizon = scene.horizon * height
    sun_x, sun_y, radius = scene.sun[0] * width, scene.sun[1] * height, scene.sun[2] * min(width, height)
    if y >= horizon:
        shade = (y - horizon) / (height - horizon)
        row = bytearray((bytes(_between(scene.water, shade)) + opaque) * width)
        if int(y - horizon) * 48 // height % 2:
            _cover(row, sun_x, radius * (0.4 + shade), bytes(scene.sun_colour) + opaque)
        return bytes(row)
    clear = bytes(4) if channels == 4 else bytes(_between(scene.sky, y / horizon))
    row = bytearray(clear * width)
    if (gap := radius * radius - (y - sun_y) ** 2) > 0:
        _cover(row, sun_x, sqrt(gap), bytes(scene.sun_colour) + opaque)
    for x, tall, slope, colour in scene.hills:
        below = y - (horizon - tall * height)
        if below > 0:
            _cover(row, x * width, below / slope, bytes(colour) + opaque)
    return bytes(row)


def _cover(row: bytearray, middle: float, reach: float, pixel: bytes) -> None:
    width = len(row) // len(pixel)
    left, right = max(0, round(middle - reach)), min(width, round(middle + reach))
    if right > left:
        row[left * len(pixel) : right * len(pixel)] = pixel * (right - left)
