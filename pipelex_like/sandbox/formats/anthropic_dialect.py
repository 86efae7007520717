"""Anthropic's errors and keys, as https://platform.claude.com/docs/en/api/errors describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Refusal

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
# Anthropic has no codes: it tells such things in words.
_SAID: Mapping[str, str] = {
    "insufficient_quota": "Your credit balance is too low to use this API.",
    "context_length_exceeded": "prompt is too long: 9001 tokens > 8192 maximum",
    "content_filter": "Output blocked by content filtering policy",
    "content_policy_violation": "Output blocked by content filtering policy",
}


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")


def _type(refusal: Refusal) -> str:
    if refusal.kind == "server_error" or (refusal.status >= 500 and refusal.status not in _TYPES):
        return "api_error"
    return _TYPES.get(refusal.status, "invalid_request_error")


def _error(refusal: Refusal) -> bytes:
    said = _SAID.get(refusal.code or "")
    message = refusal.message if said is None else f"{said} (simulated fault)"
    return orjson.dumps({"type": "error", "error": {"type": _type(refusal), "message": message}, "request_id": None})


def _event(refusal: Refusal) -> bytes:
    return b"event: error\ndata: " + _error(refusal) + b"\n\n"


ANTHROPIC = Dialect(credential=_credential, error=_error, stream_error=_event)
