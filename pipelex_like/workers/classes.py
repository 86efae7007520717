"""Which class of error a status and a body mean: by status first, refined by the words of the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.told import Told

_BY_STATUS: Mapping[int, type[CallError]] = {
    400: BadRequestError,
    401: CredentialsError,
    402: QuotaError,
    403: AccessDeniedError,
    404: NotFoundError,
    405: NotFoundError,
    408: CallTimeoutError,
    # A conflict is of the moment, not of the request: the same one may pass when it is sent again.
    409: ServerError,
    410: NotFoundError,
    413: ContextWindowError,
    422: BadRequestError,
    429: RateLimitError,
    451: AccessDeniedError,
    503: OverloadedError,
    529: OverloadedError,
}

# Status -> what the body may turn the class into; a 5xx stays one whatever it says.
_REFINED: Mapping[int, tuple[type[CallError], ...]] = {
    400: (
        QuotaError,
        CredentialsError,
        AccessDeniedError,
        ContextWindowError,
        ContentPolicyError,
        NotFoundError,
    ),
    401: (AccessDeniedError, QuotaError),
    403: (QuotaError, CredentialsError, ContentPolicyError),
    404: (AccessDeniedError,),
    422: (ContextWindowError, ContentPolicyError, NotFoundError),
    429: (QuotaError,),
}

_WORDS: Mapping[type[CallError], tuple[str, ...]] = {
    QuotaError: (
        "insufficient_quota",
        "exceeded your current quota",
        "credit balance is too low",
        "billing_hard_limit",
        "billing hard limit",
        "insufficient credits",
        "insufficient balance",
        "exhausted balance",
        "out of credits",
        "billing_not_active",
        "billing_error",
    ),
    CredentialsError: (
        "invalid_api_key",
        "api key not valid",
        "api_key_invalid",
        "incorrect api key",
        "invalid api key",
        "invalid authentication",
        "requires api key",
        "authentication_error",
    ),
    AccessDeniedError: (
        "unsupported_country",
        "not available in your region",
        "location is not supported",
        "region is not supported",
        "permission_denied",
        "permission_error",
        "insufficient permissions",
    ),
    ContextWindowError: (
        "context_length_exceeded",
        "context length",
        "context window",
        "maximum context",
        "prompt is too long",
        "input is too long",
        "too many input tokens",
        "exceeds the maximum number of tokens",
        "exceed the context",
        "exceeds the available context",
        "reduce the length of the messages",
        "exceed context limit",
        "request_too_large",
    ),
    ContentPolicyError: (
        "content_policy",
        "content policy",
        "content_filter",
        "content management policy",
        "content filtering policy",
        "responsibleaipolicy",
        "moderation_blocked",
        "bio_policy",
        "policy_violation",
        "safety system",
        "flagged as potentially",
    ),
    NotFoundError: (
        "model_not_found",
        "not_found_error",
        "no such model",
        "unknown model",
        "invalid model",
        "is not a valid model",
        "model does not exist",
        "model_not_supported",
        "not supported by provider",
        "not supported by any provider",
    ),
    RateLimitError: ("rate_limit", "rate limit", "too many requests"),
    OverloadedError: ("overloaded", "at capacity", "unavailable"),
    CallTimeoutError: ("timeout", "timed out"),
    BadRequestError: (
        "invalid_request",
        "bad_request",
        "invalid_argument",
        "invalid_prompt",
        "invalid_image",
        "invalid_base64_image",
        "image_too_",
        "image_file_",
        "image_parse_error",
        "image_media_type",
        "failed_to_download_image",
    ),
}


def class_of(status: int, said: Told) -> type[CallError]:
    """Give the class of error for a status that is no success, as far as the body refines it."""
    refined = _by_words(said, _REFINED.get(status, ()))
    if refined is not None:
        return refined
    return _BY_STATUS.get(status) or (BadRequestError if status < 500 else ServerError)


def _by_words(said: Told, kinds: tuple[type[CallError], ...]) -> type[CallError] | None:
    text = f"{said.code} {said.kind} {said.message}".lower()
    return next((kind for kind in kinds if any(word in text for word in _WORDS[kind])), None)


def class_by_words(said: Told) -> type[CallError]:
    """Give the class of error where there is no status to go by; a fault of the server if the words say nothing."""
    return _by_words(said, tuple(_WORDS)) or ServerError
