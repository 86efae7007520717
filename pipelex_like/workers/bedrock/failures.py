"""Bedrock's errors, by their names, and what its users do about them.

The names: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContentPolicyError,
    CredentialsError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from pipelex_like.types import is_table
from pipelex_like.workers.bedrock.credentials import ways_in
from pipelex_like.workers.bedrock.endpoint import region_of
from pipelex_like.workers.classes import class_of
from pipelex_like.workers.told import Told, told
from pipelex_like.workers.translate import error_of, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.base import Access
    from pipelex_like.workers.translate import Called, HttpRefusal

# Name -> class, and the status where none came with it.
_NAMED: Mapping[str, tuple[type[CallError], int]] = {
    "accessdenied": (AccessDeniedError, 403),
    "expiredtoken": (CredentialsError, 403),
    "incompletesignature": (CredentialsError, 400),
    "internalserver": (ServerError, 500),
    "invalidclienttokenid": (CredentialsError, 403),
    "invalidsignature": (CredentialsError, 403),
    "missingauthenticationtoken": (CredentialsError, 403),
    "modelerror": (ServerError, 424),
    "modelnotready": (OverloadedError, 429),
    "modelstreamerror": (ServerError, 424),
    "modeltimeout": (CallTimeoutError, 408),
    "notauthorized": (AccessDeniedError, 403),
    "optinrequired": (AccessDeniedError, 403),
    "requestexpired": (CredentialsError, 400),
    "resourcenotfound": (NotFoundError, 404),
    "servicequotaexceeded": (QuotaError, 400),
    "serviceunavailable": (OverloadedError, 503),
    "signaturedoesnotmatch": (CredentialsError, 403),
    "throttling": (RateLimitError, 429),
    "unrecognizedclient": (CredentialsError, 403),
}
_BAD_TOKEN = ("bearer token", "authentication failed", "api key", "security token")
_ON_DEMAND = "on-demand throughput"
_WORDS: Mapping[type[CallError], tuple[str, ...]] = {
    NotFoundError: ("model identifier is invalid", "model id is invalid", "could not resolve the foundation model"),
    ContentPolicyError: ("content filter",),
    BadRequestError: (_ON_DEMAND,),
}
"""What a 400 says in AWS's own words."""


def ways_out(access: Access) -> dict[type[CallError], str]:
    """Say what to do about each kind of error of this backend."""
    region = region_of(access)
    asked = "https://console.aws.amazon.com/bedrock/home#/modelaccess"
    return {
        CredentialsError: ways_in(access),
        AccessDeniedError: f"Enable the model for your account in {region} ({asked}), allow bedrock:InvokeModel and "
        "bedrock:InvokeModelWithResponseStream, or choose another region by AWS_REGION.",
        NotFoundError: f"Check the model's id, and whether {region} has it (AWS_REGION chooses another region).",
        QuotaError: f"Ask for a higher quota in {region} at https://console.aws.amazon.com/servicequotas.",
        RateLimitError: "Try again later, use an inference profile over several regions, or ask for a higher quota.",
    }


def refused(called: Called, error: HttpRefusal) -> CallError:
    """Give the error for a status that is no success: by the name that AWS gives it, else by the status."""
    if 300 <= error.status < 400:
        return refusal(called, status=error.status, headers=error.headers, body=error.body)
    said = told(error.body, error.status, secrets=called.secrets)
    name = _name(error.headers, error.body)
    kind = _class(name, Told(message=said.message, code=name), error.status)
    message = _with_profile(called, said.message)
    return error_of(called, kind, message, status=error.status, headers=error.headers, body=error.body)


def failed_midway(called: Called, name: str, event: Mapping[str, object]) -> CallError:
    """Give the error that a stream tells of in its middle, under its name."""
    said = told(event, secrets=called.secrets)
    short = _plain(name)
    _, status = _NAMED.get(short, (None, 400 if short == "validation" else 500))
    kind = _class(short, said, status)
    return error_of(called, kind, said.message, status=status, headers={})


def _class(name: str, said: Told, status: int) -> type[CallError]:
    text = said.message.lower()
    if name in _NAMED:
        kind, _ = _NAMED[name]
        return CredentialsError if kind is AccessDeniedError and any(word in text for word in _BAD_TOKEN) else kind
    told_so = (kind for kind, words in _WORDS.items() if status == 400 and any(word in text for word in words))
    return next(told_so, None) or class_of(status, said)


def _with_profile(called: Called, message: str) -> str:
    if _ON_DEMAND not in message.lower():
        return message
    pin = f"{called.backend}/us.{called.model_id}"
    return (
        f"{message.rstrip('.')}. Ask for it by an inference profile: `{pin}` (or eu., apac., global. in front, as your "
        "region has it), or `arn:aws:bedrock:...:inference-profile/...` as the Bedrock console shows it under "
        "Cross-region inference"
    )


def _name(headers: Mapping[str, str], body: bytes) -> str:
    """The error's name in small letters, without what AWS puts around it."""
    found: object = next((value for name, value in headers.items() if name.lower() == "x-amzn-errortype"), None)
    if found is None:
        try:
            value: object = orjson.loads(body)
        except orjson.JSONDecodeError:
            return ""
        found = (value.get("__type") or value.get("code")) if is_table(value) else None
    return _plain(found) if isinstance(found, str) else ""


def _plain(name: str) -> str:
    return name.partition(":")[0].rpartition("#")[2].strip().lower().removesuffix("exception")
