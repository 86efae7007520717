"""A picture's bytes, as an answer holds them. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from pipelex_like.workers.pixels import measured
from pipelex_like.workers.translate import TooLargeError, unfit

if TYPE_CHECKING:
    from pipelex_like.types import Image
    from pipelex_like.workers.translate import Called


def picture_of(data: bytes, called: Called) -> Image:
    """Measure a picture. Raises InvalidResponseError for what is none."""
    image = measured(data)
    if image is None:
        raise unfit(called, "the answer has a picture in a form that is none of PNG, JPEG, WebP and GIF")
    return image


def inside(url: str, most: int, called: Called) -> bytes:
    """Give the bytes that a data URI holds. Raises TooLargeError or InvalidResponseError."""
    head, _, text = url.partition(",")
    if len(text) > most * 4 // 3 + 4:
        raise TooLargeError(f"the answer is larger than {most} bytes")
    if not head.endswith(";base64"):
        return unquote_to_bytes(text)
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise unfit(called, "the answer has a picture in broken base64") from None
