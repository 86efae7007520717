"""Google's errors and keys, as https://google.aip.dev/193 and
https://ai.google.dev/gemini-api/docs/troubleshooting describe them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson
from typing_extensions import override

from pipelex_like.sandbox.formats.base import Dialect, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.wire import Reply

_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
# Google has no codes: it tells such things in words.
_SAID: Mapping[str, str] = {
    "insufficient_quota": _QUOTA,
    "rate_limit_exceeded": _QUOTA,
    "context_length_exceeded": "The input token count (9001) exceeds the maximum number of tokens allowed (8192).",
    "content_filter": "The request was blocked by the content policy.",
    "content_policy_violation": "The request was blocked by the content policy.",
    "model_not_found": "The model is not found for this API version, or is not supported for generateContent.",
}
_QUOTAS: Mapping[str, str] = {
    "insufficient_quota": "GenerateRequestsPerDayPerProjectPerModel",
    "rate_limit_exceeded": "GenerateRequestsPerMinutePerProjectPerModel",
}
_TYPE = "type.googleapis.com/google.rpc."
_STRANGER = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else headers.get("x-goog-api-key")
    if not key:
        raise Refusal(_STRANGER, status=403)
    return key


def _error(refusal: Refusal, wait: str | None = None) -> bytes:
    said = _SAID.get(refusal.code or "")
    # An error inside a success is Google's own.
    status = 500 if refusal.kind == "server_error" and refusal.status < 500 else refusal.status
    error: dict[str, object] = {
        "code": status,
        "message": refusal.message if said is None else f"{said} (simulated fault)",
        "status": _STATUSES.get(status, "UNKNOWN" if status >= 500 else "FAILED_PRECONDITION"),
    }
    details: list[dict[str, object]] = []
    if quota := _QUOTAS.get(refusal.code or ""):
        details.append({"@type": f"{_TYPE}QuotaFailure", "violations": [{"quotaId": quota}]})
    if refusal.code == "invalid_api_key":
        details.append({"@type": f"{_TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"})
    if wait is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{wait}s"})
    return orjson.dumps({"error": {**error, **({"details": details} if details else {})}})


def _event(refusal: Refusal) -> bytes:
    return b"data: " + _error(refusal) + b"\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Google(Dialect):
    """Tells in the body how long to wait, and calls a wrong key of the Gemini API a wrong argument."""

    @override
    def refuse(self, refusal: Refusal, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        if refusal.message == "The API key is not correct.":
            refusal = Refusal("API key not valid. Please pass a valid API key.", status=400, code=refusal.code)
        given = dict(headers)
        wait = given.pop("retry-after", None)
        reply = Dialect.refuse(self, refusal, tuple(given.items()))
        return replace(reply, body=_error(refusal, wait))


GOOGLE = _Google(credential=_credential, error=_error, stream_error=_event)


def unknown_name(name: str, where: str) -> Refusal:
    """Say that a field is not known, as Google does."""
    at = f" at '{where}'" if where else ""
    return Refusal(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.', param=name)
