"""JSON on its way out and in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import BadRequestError
from pipelex_like.types import is_table
from pipelex_like.workers.translate import error_in_answer, unfit, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.translate import Called


def written(body: Mapping[str, object], called: Called) -> bytes:
    """Write a body as JSON. Raises BadRequestError for what JSON cannot hold."""
    try:
        return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise BadRequestError(called.says(f"the request cannot be written as JSON: {error}")) from error


def parsed(body: bytes, called: Called) -> dict[str, object]:
    """Read the JSON object of an answer. Raises InvalidResponseError, or the error that the object tells of."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise unreadable(called, body) from None
    if not is_table(value):
        raise unfit(called, "the answer is JSON, but no object")
    error = value.get("error") or (value if value.get("object") == "error" else None)
    if error:
        raise error_in_answer(called, error)
    return value
