"""POST /v1/images/generations, as GPT image models answer it: base64, usage in tokens."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import CREATED, Refusal, json_reply
from pipelex_like.sandbox.formats.together_images import answer_together, is_together
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.model.tokens import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.wire import Reply

_TOKENS = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 8320, "max": 16640, "standard": 1056, "hd": 4160}
"""Output tokens of one picture of 1024x1024; other sizes in proportion to their area. `auto` is medium."""
_TOKENS_OF_INPUT = 323
"""Input tokens of one picture to go by."""
_AUTO_SIZE = (1024, 1024)
_CHECKS: Mapping[str, Check] = {
    "n": checks.integer(1, 10),
    "size": checks.text,
    "quality": checks.one_of("auto", *_TOKENS),
    "background": checks.one_of("auto", "opaque", "transparent"),
    "moderation": checks.one_of("auto", "low"),
    "output_format": checks.one_of("png", "jpeg", "webp"),
    "output_compression": checks.integer(0, 100),
    "user": checks.text,
}


def answer_images(call: Call) -> Reply:
    """Draw `n` pictures of the prompt, always the same ones for the same prompt, size and background."""
    return answer_together(call) if is_together(call.body) else draw_pictures(call, call.body)


def draw_pictures(call: Call, body: Mapping[str, object], after: Sequence[bytes] = ()) -> Reply:
    """Draw what a checked form of the request asks for; pictures to go by change the drawing."""
    checks.string(body, "model", "")
    prompt = checks.string(body, "prompt", "")
    if not prompt or len(prompt) > 32_000:
        raise Refusal("'prompt' takes 1 to 32000 characters.", param="prompt", code="invalid_value")
    checks.check(body, _CHECKS)
    _refuse_unsupported(body)
    width, height = _size(body.get("size"))
    quality = str(body.get("quality") or "auto")
    quality = "medium" if quality == "auto" else quality
    number = body.get("n")
    number = number if isinstance(number, int) else 1
    transparent = body.get("background") == "transparent"
    scene = prompt + "".join(sha256(picture).hexdigest() for picture in after)
    pictures = [draw(scene, (width, height), index=at, transparent=transparent) for at in range(number)]
    said = number * round(_TOKENS[quality] * width * height / (1024 * 1024))
    usage = call.usage(_usage(count(prompt), len(after) * _TOKENS_OF_INPUT, said))
    answer = {
        "created": CREATED,
        "background": "transparent" if transparent else "opaque",
        "data": [{"b64_json": base64.b64encode(picture).decode()} for picture in pictures],
        "output_format": "png",
        "quality": quality,
        "size": f"{width}x{height}",
    }
    return json_reply({**answer, **({} if usage is None else {"usage": usage})})


def _usage(text: int, pictures: int, said: int) -> dict[str, object]:
    return {
        "input_tokens": text + pictures,
        "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
        "output_tokens": said,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": said},
        "total_tokens": text + pictures + said,
    }


def _refuse_unsupported(body: Mapping[str, object]) -> None:
    # Of OpenAI's models only the older ones take the word, and look-alikes need it; all of them send base64 here.
    older = not str(body.get("model", "")).startswith(("gpt-image", "chatgpt-image"))
    for key in ("response_format", "style"):
        if body.get(key) is not None and not (older and body[key] == "b64_json"):
            raise Refusal(f"'{key}' is not known to this model.", param=key, code="unknown_parameter")
    wanted = body.get("output_format")
    if wanted not in (None, "png"):
        raise Refusal(
            f"The simulated provider draws only 'png', not '{wanted}'.", param="output_format", code="invalid_value"
        )
    if body.get("output_compression") not in (None, 100):
        raise Refusal(
            "'output_compression' is only for 'jpeg' and 'webp'.", param="output_compression", code="invalid_value"
        )
    if body.get("stream") or body.get("partial_images"):
        raise Refusal("The simulated provider does not stream pictures.", param="stream", code="invalid_value")


def _size(value: object) -> tuple[int, int]:
    """Read the size in pixels: both sides in steps of 16, up to 3840 by 2160 pixels in all, 1:3 to 3:1."""
    if value in (None, "auto"):
        return _AUTO_SIZE
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(value))
    if match:
        width, height = int(match[1]), int(match[2])
        if (
            width > 0 < height
            and width % 16 == height % 16 == 0
            and max(width, height) <= 3840
            and width * height <= 3840 * 2160
            and max(width, height) <= 3 * min(width, height)
        ):
            return width, height
    raise Refusal(
        f"Wrong value for 'size': '{value}'. Known are 'auto' and 'WIDTHxHEIGHT' in steps of 16 pixels, "
        "up to 3840x2160, no side more than three times the other.",
        param="size",
        code="invalid_value",
    )
