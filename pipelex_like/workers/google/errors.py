"""What Google says in its errors beyond status and words: why a key is refused, which limit was met.

The forms: https://ai.google.dev/gemini-api/docs/troubleshooting and https://google.aip.dev/193
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.errors import (
    AccessDeniedError,
    CallError,
    CredentialsError,
    NotFoundError,
    QuotaError,
    RateLimitError,
)
from pipelex_like.types import is_list, is_table
from pipelex_like.workers.told import told
from pipelex_like.workers.translate import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.translate import Called, HttpRefusal

WAYS_OUT: Mapping[type[CallError], str] = {
    AccessDeniedError: "If it is the place: Google does not serve every country and region; call it from one that it "
    "serves, or through the backend vertexai with a `gcp_location` that has this model. Else let the key's project "
    "use the API and this model.",
    QuotaError: "The quota of the day is used up: wait for the next day, or turn billing on or raise it in the "
    "project of the key (https://aistudio.google.com/usage).",
}
"""What Google's users do about an error; the rest is the same everywhere."""


def refused(called: Called, error: HttpRefusal) -> CallError:
    """Give the error for a status that is no success."""
    table = _table(error.body)
    details = _details(table)
    plain = refusal(called, status=error.status, headers=error.headers, body=error.body)
    if isinstance(plain, CredentialsError) or _is_of_the_key(error.status, table, details):
        return _as(CredentialsError, called, error, wait=None)
    if error.status == 429:
        # "You exceeded your current quota" is what every limit says, that of a minute too.
        return _as(QuotaError if _of_the_day(details) else RateLimitError, called, error, wait=plain.retry_after)
    if isinstance(plain, NotFoundError):
        return _as(NotFoundError, called, error, wait=None)
    where = str(table.get("message", "")).lower()
    if table.get("status") == "FAILED_PRECONDITION" and ("location" in where or "country" in where):
        return _as(AccessDeniedError, called, error, wait=None)
    return plain


def _as(kind: type[CallError], called: Called, error: HttpRefusal, *, wait: float | None) -> CallError:
    message = called.says(told(error.body, error.status, secrets=called.secrets).message, _way_out(kind, called, wait))
    return kind(message, status=error.status, retry_after=wait)


def _way_out(kind: type[CallError], called: Called, wait: float | None) -> str:
    if kind in called.ways_out:
        return called.ways_out[kind]
    if kind is CredentialsError:
        source = f" (it comes from {called.key_shown})" if called.key_shown else ""
        return (
            f"Check `api_key` of [{called.backend}] in backends.toml{source}; "
            "keys are made at https://aistudio.google.com/apikey."
        )
    if kind is NotFoundError:
        return f"Check `model_id` in backends/{called.backend}.toml: Google may have shut the model down."
    return f"It asks to wait {wait:g} s." if wait is not None else "Try again later, or ask Google for a higher limit."


def _table(body: bytes) -> dict[str, object]:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    while is_list(value) and value:
        value = value[0]
    error = value.get("error") if is_table(value) else None
    return error if is_table(error) else {}


def _details(table: Mapping[str, object]) -> list[dict[str, object]]:
    details = table.get("details")
    return [detail for detail in details if is_table(detail)] if is_list(details) else []


def _is_of_the_key(status: int, table: Mapping[str, object], details: list[dict[str, object]]) -> bool:
    reasons = {str(detail.get("reason", "")) for detail in details}
    said = str(table.get("message", "")).lower()
    if status == 403:
        # A call without any key is "forbidden" to Google, as is a key that was found in public.
        return "unregistered callers" in said or "api key was reported as leaked" in said
    return status == 400 and any(reason.startswith("API_KEY_") for reason in reasons)


def _of_the_day(details: list[dict[str, object]]) -> bool:
    quotas = [detail.get("violations") for detail in details]
    named = [str(one.get("quotaId", "")) for many in quotas if is_list(many) for one in many if is_table(one)]
    named += [str(meta.get("quota_limit", "")) for detail in details if is_table(meta := detail.get("metadata"))]
    return any("perday" in name.lower() for name in named)
