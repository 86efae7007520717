"""What an answer with pictures says, as a reply of ours. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING

from pipelex_like.errors import ContentPolicyError
from pipelex_like.types import ImageReply, Usage, is_list, is_table
from pipelex_like.workers.google.response import REFUSED, refuse_blocked
from pipelex_like.workers.google.usage import read_usage
from pipelex_like.workers.picture_words import mismatch
from pipelex_like.workers.pixels import measured
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import Image
    from pipelex_like.workers.google.image_request import Drawing
    from pipelex_like.workers.translate import Called


def read_drawing(
    answer: Mapping[str, object], called: Called, drawing: Drawing, *, request_id: str | None = None
) -> ImageReply:
    """Give the pictures, measured; what is not as it was asked for is told in `adapted`.

    Raises ContentPolicyError where Google refused to draw, InvalidResponseError for an answer without a picture.
    """
    refuse_blocked(answer, called)
    parts = _parts(answer)
    # While it thinks, a model may draw drafts.
    images = tuple(_picture(part, called) for part in parts if "inlineData" in part and not part.get("thought"))
    if not images:
        _refuse_empty(answer, parts, called)
    identity = answer.get("responseId")
    return ImageReply(
        images=images,
        usage=read_usage(answer.get("usageMetadata"), images=len(images)) or Usage(images=len(images)),
        provider_request_id=request_id or (identity if isinstance(identity, str) and identity else None),
        adapted=(*drawing.adapted, *mismatch(images, drawing.asked)),
    )


def _first(answer: Mapping[str, object]) -> Mapping[str, object]:
    candidates = answer.get("candidates")
    first = candidates[0] if is_list(candidates) and candidates else None
    return first if is_table(first) else {}


def _parts(answer: Mapping[str, object]) -> list[dict[str, object]]:
    content = _first(answer).get("content")
    parts = content.get("parts") if is_table(content) else None
    return [part for part in parts if is_table(part)] if is_list(parts) else []


def _refuse_empty(answer: Mapping[str, object], parts: list[dict[str, object]], called: Called) -> None:
    first = _first(answer)
    reason = str(first.get("finishReason") or "")
    said = str(first.get("finishMessage") or "") or "".join(str(part.get("text") or "") for part in parts)
    told = ": ".join(filter(None, (f"no picture was drawn{f' ({reason})' if reason else ''}", said)))
    if reason in REFUSED:
        raise ContentPolicyError(called.says(told, "Change the prompt or choose another model."), status=200)
    raise unfit(
        called, told if first else "the answer has no candidate", "Ask again, and say that a picture is wanted."
    )


def _picture(part: Mapping[str, object], called: Called) -> Image:
    data = part["inlineData"]
    encoded = data.get("data") if is_table(data) else None
    try:
        raw = b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except binascii.Error:
        raise unfit(called, "the answer has a picture in broken base64") from None
    image = measured(raw)
    if image is None:
        raise unfit(called, "the answer has a picture in a form that is none of PNG, JPEG, WebP and GIF")
    return image
