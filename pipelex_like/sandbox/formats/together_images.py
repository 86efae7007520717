"""Together's body on POST /v1/images/generations: sides in pixels, steps, and words of its own.

https://docs.together.ai/reference/post-images-generations. Differences: only PNG is drawn, where Together's own default
is JPEG; pictures to go by are not fetched; without `response_format` an address is told, as there, which leads nowhere.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal, json_reply
from pipelex_like.sandbox.model.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.wire import Reply

_OWN = (
    "width",
    "height",
    "steps",
    "seed",
    "guidance_scale",
    "negative_prompt",
    "image_url",
    "reference_images",
    "disable_safety_checker",
)
_CHECKS: Mapping[str, Check] = {
    "model": checks.text,
    "prompt": checks.text,
    "n": checks.integer(1, 4),
    "width": checks.integer(64, 2048),
    "height": checks.integer(64, 2048),
    "steps": checks.integer(1, 100),
    "seed": checks.integer(),
    "guidance_scale": checks.number(0, 100),
    "negative_prompt": checks.text,
    "image_url": checks.text,
    "reference_images": checks.texts(8),
    "response_format": checks.one_of("base64", "b64_json", "url"),
    "output_format": checks.one_of("png"),
    "disable_safety_checker": checks.boolean,
}
_OPENAIS = ("gpt-image", "chatgpt-image", "dall-e")
_GRID = 8


def is_together(body: Mapping[str, object]) -> bool:
    """Whether a body has words that only Together knows."""
    if str(body.get("model", "")).startswith(_OPENAIS):
        return False
    return body.get("response_format") == "base64" or any(key in body for key in _OWN)


def answer_together(call: Call) -> Reply:
    """Draw `n` pictures, always the same ones for the same prompt, sides and seed."""
    body = call.body
    unknown = next((key for key in body if key not in _CHECKS), None)
    if unknown is not None:
        raise Refusal(f"Unrecognized request argument supplied: {unknown}", param=unknown)
    model, prompt = checks.string(body, "model", ""), checks.string(body, "prompt", "")
    checks.check(body, _CHECKS)
    width, height = _side(body, "width"), _side(body, "height")
    number = body.get("n")
    number = number if isinstance(number, int) else 1
    after = f"{body.get('image_url', '')}{body.get('reference_images', '')}{body.get('seed', '')}"
    scene = f"{prompt}{sha256(after.encode()).hexdigest()}" if after else prompt
    pictures = [draw(scene, (width, height), index=at) for at in range(number)]
    if body.get("response_format", "url") == "url":
        data = [{"index": at, "url": f"{call.origin}/none/{at}.png"} for at in range(number)]
    else:
        data = [{"index": at, "b64_json": base64.b64encode(one).decode()} for at, one in enumerate(pictures)]
    return json_reply({"id": f"img-{call.number}", "model": model, "object": "list", "data": data})


def _side(body: Mapping[str, object], key: str) -> int:
    side = body.get(key)
    if side is None:
        return 1024
    if not isinstance(side, int) or side % _GRID:
        raise Refusal(f"'{key}' must be a multiple of {_GRID}.", param=key)
    return side
