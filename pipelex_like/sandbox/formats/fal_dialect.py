"""fal's errors and keys, as https://fal.ai/docs/documentation/model-apis/errors and .../request-errors tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Refusal

SCHEME = "key "
"""How the credential begins, by which requests to fal are told from others."""
_INVALID = 422


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "key" else None


def _error(refusal: Refusal) -> bytes:
    if refusal.status == _INVALID:
        where = (refusal.param or "prompt").replace("[", ".").replace("]", "").split(".")
        kind = refusal.code or "value_error"
        fault = {
            "loc": ["body", *where],
            "msg": refusal.message,
            "type": kind,
            "url": f"https://docs.fal.ai/errors#{kind}",
        }
        return orjson.dumps({"detail": [fault]})
    if refusal.status == 401:
        said = f"Cannot access application. Authentication is required to access this application. {refusal.message}"
        return orjson.dumps({"detail": said})
    told = {"detail": refusal.message}
    return orjson.dumps({**told, "error_type": refusal.kind} if refusal.status >= 499 else told)


FAL = Dialect(credential=_credential, error=_error, stream_error=_error)
