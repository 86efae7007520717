"""Bedrock's errors, keys and event stream.

Errors: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
Event stream: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
Signatures are not verified: whose access key id is the sandbox's key is let in, as is the key as a bearer token. AWS
answers a wrong one with 403, here it is 401 as with the other formats.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

import orjson
from typing_extensions import override

from pipelex_like.sandbox.formats.base import Dialect
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Refusal

_NAMES: Mapping[int, str] = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    413: "RequestEntityTooLargeException",
    422: "ValidationException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    529: "ServiceUnavailableException",
}
# AWS tells such things by names or words of its own.
_BY_CODE: Mapping[str, tuple[str | None, str]] = {
    "insufficient_quota": ("ServiceQuotaExceededException", "Your account's quota for this model is used up."),
    "context_length_exceeded": (None, "Input is too long for requested model."),
    "content_filter": (None, "This request has been blocked by our content filters."),
    "content_policy_violation": (None, "This request has been blocked by our content filters."),
    "on_demand": (
        None,
        "Invocation of this model ID with on-demand throughput isn\u2019t supported. Retry your request with the ID or "
        "ARN of an inference profile that contains this model.",
    ),
    "invalid_model": (None, "The provided model identifier is invalid."),
    "expired_token": ("ExpiredTokenException", "The security token included in the request is expired"),
}
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/[a-z0-9-]+/bedrock/aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=[0-9a-f]{64}\Z"
)


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write one event with its checksums; headers are texts."""
    written = b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + written + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind: str, fields: Mapping[str, object]) -> bytes:
    """Write an event of the answer."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, orjson.dumps(fields))


class _Bedrock(Dialect):
    """Errors have their name in a header."""

    @override
    def refuse(self, refusal: Refusal, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        told = (("x-amzn-errortype", _name(refusal)), ("x-amzn-requestid", "sandbox-refused"))
        return Reply(status=refusal.status, body=self.error(refusal), headers=(*headers, *told))


def _credential(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization", "")
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    found = _SIGNED.match(authorization)
    if found is None or "x-amz-date" not in headers:
        return None
    return found["key"] if {"host", "x-amz-date"} <= set(found["headers"].split(";")) else None


def _name(refusal: Refusal) -> str:
    named, _ = _BY_CODE.get(refusal.code or "", (None, ""))
    other = "InternalServerException" if refusal.status >= 500 else "ValidationException"
    return named or _NAMES.get(refusal.status, other)


def _message(refusal: Refusal) -> str:
    said = _BY_CODE.get(refusal.code or "")
    return refusal.message if said is None else f"{said[1]} (simulated fault)"


def _error(refusal: Refusal) -> bytes:
    return orjson.dumps({"message": _message(refusal)})


def _stream_error(refusal: Refusal) -> bytes:
    name = _name(refusal)
    headers = {":exception-type": name[0].lower() + name[1:], ":content-type": "application/json"}
    return frame({**headers, ":message-type": "exception"}, _error(refusal))


BEDROCK = _Bedrock(credential=_credential, error=_error, stream_error=_stream_error)
