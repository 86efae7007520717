"""What a fault makes of a reply: another status, a broken body, a stream that ends wrongly. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from pipelex_like.sandbox.faults import Fault
    from pipelex_like.sandbox.formats.base import Dialect

MIB = 1024 * 1024
_HTML = b"<!doctype html><html><head><title>Sandbox</title></head><body><h1>Not what you asked for</h1></body></html>"
_ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is wrong."),
    401: ("invalid_request_error", "invalid_api_key", "The API key is not correct."),
    402: ("insufficient_quota", "insufficient_quota", "The account has no credit left."),
    403: ("permission_error", "permission_denied", "The key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    408: ("timeout_error", "request_timeout", "The request took too long."),
    409: ("invalid_request_error", "conflict", "Something else is being done with it."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    422: ("invalid_request_error", "unprocessable", "The request cannot be worked with."),
    429: ("requests", "rate_limit_exceeded", "Too many requests."),
    503: ("service_unavailable", "service_unavailable", "The service is not available."),
    529: ("overloaded_error", "overloaded", "The service is overloaded."),
}
_CODES: dict[str, tuple[str, str]] = {
    "insufficient_quota": ("insufficient_quota", "The account's quota is used up; look at its plan and billing."),
    "context_length_exceeded": (
        "invalid_request_error",
        "The maximum context length of this model is 8192 tokens, and the messages are longer.",
    ),
    "content_filter": ("invalid_request_error", "The prompt was stopped by the content filter."),
    "content_policy_violation": ("image_generation_user_error", "The prompt goes against the content policy."),
    "model_not_found": ("invalid_request_error", "The model does not exist."),
    "invalid_api_key": ("invalid_request_error", "The API key is not correct."),
    "rate_limit_exceeded": ("requests", "Too many requests."),
}


def failure(fault: Fault, status: int) -> Refusal:
    """Say what the fault says: by its code, else by the status."""
    kind, code, message = _ERRORS.get(status, ("server_error", None, "Something went wrong in the server."))
    if fault.code is not None:
        code = fault.code
        kind, message = _CODES.get(code, (kind, message))
    return Refusal(f"{message} (simulated fault)", status=status, code=code, kind=kind)


def instead(fault: Fault, dialect: Dialect) -> Reply | None:
    """Give the reply that needs no look at the request: a redirect or a status; None where the fault asks for none."""
    if fault.redirect is not None:
        return Reply(status=307, headers=(("location", fault.redirect),))
    if fault.status is not None:
        headers = () if fault.after is None else (("retry-after", fault.after),)
        return dialect.refuse(failure(fault, fault.status), headers)
    return None


def spoilt(reply: Reply, fault: Fault, dialect: Dialect) -> Reply:
    """Give the reply with everything changed that the fault changes in its bytes."""
    if fault.html:
        return Reply(status=reply.status, headers=reply.headers, content_type="text/html; charset=utf-8", body=_HTML)
    if fault.empty:
        return Reply(status=reply.status, headers=reply.headers, content_type=reply.content_type)
    if fault.error is not None:
        reply = _with_error(reply, fault.error, dialect.stream_error(failure(fault, 500)), dialect)
    if fault.badjson:
        reply = _with_bad_json(reply)
    if fault.cutjson is not None:
        reply = _cut_in_json(reply, fault.cutjson)
    if fault.noend and reply.events is not None:
        reply = replace(reply, events=reply.events[: len(reply.events) - reply.tail], close_framed=True)
    if fault.huge is not None:
        reply = replace(reply, padding=fault.huge * MIB)
    return reply


def _with_error(reply: Reply, after: int, event: bytes, dialect: Dialect) -> Reply:
    if reply.events is None:
        return replace(
            reply, body=dialect.error(Refusal("Something went wrong. (simulated fault)", kind="server_error"))
        )
    return replace(reply, events=(*reply.events[:after], event), tail=0)


def _with_bad_json(reply: Reply) -> Reply:
    if reply.events is None:
        return replace(reply, body=_half(reply.body) + b"}]")
    at = min(1, len(reply.events) - 1)
    broken = _half(reply.events[at]).rstrip() + b"}]\n\n"
    return replace(reply, events=(*reply.events[:at], broken, *reply.events[at + 1 :]))


def _cut_in_json(reply: Reply, after: int) -> Reply:
    if reply.events is None:
        return replace(reply, body=_half(reply.body))
    after = min(after, len(reply.events) - 1)
    return replace(reply, events=(*reply.events[:after], _half(reply.events[after])), tail=0)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]
