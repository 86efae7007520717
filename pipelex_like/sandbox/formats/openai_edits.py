"""POST /v1/images/edits: pictures drawn after others, which come as a form or by address.

https://platform.openai.com/docs/api-reference/images/createEdit; the form of JSON with `images` is the newer of the
two. Differences: pictures by address are not fetched, and every picture counts as one tile of 1024 x 1024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.openai_images import draw_pictures
from pipelex_like.sandbox.model.pictures import picture_of
from pipelex_like.sandbox.multipart import Upload
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.wire import Reply

_NUMBERS = ("n", "output_compression", "partial_images")
_BOTH = {
    "prompt",
    "model",
    "n",
    "size",
    "quality",
    "background",
    "input_fidelity",
    "output_format",
    "output_compression",
    "response_format",
    "partial_images",
    "stream",
    "user",
}
_IN_FORM = {*_BOTH, "image", "image[]", "mask", "markup"}
_IN_JSON = {*_BOTH, "images", "mask", "moderation"}
_CHECKS: Mapping[str, Check] = {"input_fidelity": checks.one_of("high", "low")}
_FORMS = ("image/png", "image/jpeg", "image/webp")
_MOST = 16
_BYTES = 50 * 1024 * 1024


def answer_edits(call: Call) -> Reply:
    """Draw after the pictures that came along; the same ones give the same pictures."""
    body = dict(call.body)
    form = any(isinstance(value, Upload) or is_list(value) for key, value in body.items() if key.startswith("image"))
    by_form = form and "images" not in body
    for key in body:
        if key not in (_IN_FORM if by_form else _IN_JSON):
            raise Refusal(f"Unknown parameter: '{key}'.", param=key, code="unknown_parameter")
    if by_form:
        body |= {key: _number(key, body[key]) for key in _NUMBERS if key in body}
    pictures = _uploaded(body) if by_form else _addressed(body)
    checks.check(body, _CHECKS)
    model = str(body.get("model", ""))
    if body.get("input_fidelity") is not None and model.startswith("gpt-image-2"):
        raise Refusal(
            "'input_fidelity' is always high for this model; leave it out.",
            param="input_fidelity",
            code="invalid_value",
        )
    return draw_pictures(call, body, pictures)


def _number(key: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    raise Refusal(f"Wrong type for '{key}': an integer is wanted.", param=key, code="invalid_type")


def _uploaded(body: Mapping[str, object]) -> list[bytes]:
    single, several = body.get("image"), body.get("image[]")
    held = [*(several if is_list(several) else ()), *(single if is_list(single) else [single])]
    uploads = [item for item in held if item is not None]
    _count(uploads)
    return [_checked(item) for item in uploads]


def _checked(item: object) -> bytes:
    if not isinstance(item, Upload):
        raise Refusal("'image' must be a file.", param="image", code="invalid_type")
    if item.mime not in _FORMS:
        raise Refusal(
            f"Unsupported mimetype ('{item.mime}'). Known are {', '.join(_FORMS)}.",
            param="image",
            code="unsupported_file_mimetype",
        )
    if len(item.data) > _BYTES or picture_of(item.data) is None:
        raise Refusal("The file is no picture, or larger than 50 MB.", param="image", code="invalid_image_file")
    return item.data


def _addressed(body: Mapping[str, object]) -> list[bytes]:
    listed: Sequence[object] = checks.listed(body["images"], "images") if "images" in body else []
    _count(listed)
    out: list[bytes] = []
    for at, item in enumerate(listed):
        url = item.get("image_url") if is_table(item) else None
        if not isinstance(url, str) or not url.startswith(("https://", "http://", "data:image/")):
            raise Refusal(
                f"'images[{at}].image_url' must be an address or a data URI.", param="images", code="invalid_value"
            )
        out.append(url.encode())
    return out


def _count(pictures: Sequence[object]) -> None:
    if not 1 <= len(pictures) <= _MOST:
        raise Refusal(f"'image' takes 1 to {_MOST} pictures, not {len(pictures)}.", param="image", code="invalid_value")
