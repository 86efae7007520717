"""OpenAI's errors and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Dialect, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("api-key")


def _fields(refusal: Refusal) -> dict[str, object]:
    return {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}


def _error(refusal: Refusal) -> bytes:
    return orjson.dumps({"error": _fields(refusal)})


def _chat_event(refusal: Refusal) -> bytes:
    return b"data: " + _error(refusal) + b"\n\n"


def _responses_event(refusal: Refusal) -> bytes:
    told = {"message": refusal.message, "code": refusal.code or refusal.kind, "param": refusal.param}
    return b"event: error\ndata: " + orjson.dumps({"type": "error", **told, "sequence_number": 0}) + b"\n\n"


OPENAI = Dialect(credential=_credential, error=_error, stream_error=_chat_event)
OPENAI_RESPONSES = Dialect(credential=_credential, error=_error, stream_error=_responses_event)
