"""What an image generation says, as a reply of ours. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.types import ImageReply, is_list, is_table
from pipelex_like.workers.openai.counts import read_image_usage
from pipelex_like.workers.picture_words import mismatch
from pipelex_like.workers.pictured import picture_of
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Image
    from pipelex_like.workers.picture_words import Asked
    from pipelex_like.workers.translate import Called


def read_pictures(
    answer: Mapping[str, object],
    called: Called,
    *,
    asked: Asked | None = None,
    request_id: str | None = None,
    adapted: tuple[str, ...] = (),
) -> ImageReply:
    """Give the pictures, measured; where they are not what was asked for, `adapted` says so."""
    data = answer.get("data")
    if not is_list(data) or not data:
        raise unfit(called, "the answer has no pictures")
    images = tuple(_picture(item, called) for item in data)
    return ImageReply(
        images=images,
        usage=read_image_usage(answer.get("usage"), len(images)),
        provider_request_id=request_id,
        adapted=adapted if asked is None else (*adapted, *mismatch(images, asked)),
    )


def _picture(item: object, called: Called) -> Image:
    table = item if is_table(item) else {}
    encoded = table.get("b64_json")
    if not isinstance(encoded, str):
        url = table.get("url")
        encoded = url.partition(",")[2] if isinstance(url, str) and url.startswith("data:") else None
    if not encoded:
        way_out = 'Make it send base64, by `extra = { response_format = "b64_json" }` in the spec.'
        raise unfit(called, "the answer has a picture without its bytes", way_out)
    try:
        raw = b64decode(encoded, validate=True)
    except binascii.Error:
        raise unfit(called, "the answer has a picture in broken base64") from None
    caption = table.get("revised_prompt")
    image = picture_of(raw, called)
    return replace(image, caption=caption) if isinstance(caption, str) else image
