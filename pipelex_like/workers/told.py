"""Reads what a provider says in an error: its own words and code, short and without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 400
_SHORTEST_SECRET = 4
_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|gsk|xai|hf|r8)[-_][A-Za-z0-9*._-]{8,}"
    r"|\b(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,}"
    r"|\bya29\.[A-Za-z0-9._-]{8,}"
    r"|(?<=Bearer )\S+"
    r"|\S*\*{3,}\S*"
)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an error body says. `status` is an HTTP status that the body itself names."""

    message: str
    code: str = ""
    kind: str = ""
    status: int | None = None


def told(body: bytes | object, status: int | None = None, *, secrets: Iterable[str] = ()) -> Told:
    """Read the body of an error, whatever its form: JSON of any vendor, HTML or plain text.

    `secrets` are taken out before a long message is cut, since half a secret could not be found any more.
    """
    value = _parsed(body) if isinstance(body, bytes) else body
    if isinstance(value, bytes):
        return Told(message=_plain(value, secrets) or f"status {status} without a reason")
    error = _error_table(value)
    message = _message(error)
    code = error.get("code")
    kind = error.get("type") or error.get("status") or error.get("error_type") or _kind_of(error.get("detail"))
    inner = code if isinstance(code, int) and not isinstance(code, bool) else _number(code)
    return Told(
        message=_short(without(message, secrets))
        if message
        else f"status {status or code or 'unknown'} without a reason",
        code=str(code or ""),
        kind=str(kind or ""),
        status=inner if inner is not None and 400 <= inner <= 599 else None,
    )


def _parsed(body: bytes) -> object:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return value if is_table(value) or is_list(value) else body


def _error_table(value: object) -> dict[str, object]:
    while is_list(value) and value:
        value = value[0]
    if not is_table(value):
        return {"message": value} if isinstance(value, str) else {}
    inner = value.get("error")
    if is_table(inner):
        return {"code": value.get("code"), **inner}
    if isinstance(inner, str):
        return {**value, "message": value.get("message", inner), "type": inner}
    errors = value.get("errors")
    return _error_table(errors) if is_list(errors) and errors else value


def _message(error: Mapping[str, object]) -> str:
    for key in ("message", "detail", "msg", "error", "reason", "title"):
        value = error.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if is_list(value):
            parts = [_located(part) for part in value if is_table(part)]
            if any(parts):
                return "; ".join(part for part in parts if part)
        if is_table(value):
            return _message(value)
    return ""


def _kind_of(detail: object) -> object:
    """Give the `type` of the first fault of a list, as servers built on pydantic tell it."""
    first = detail[0] if is_list(detail) and detail else None
    return first.get("type") if is_table(first) else None


def _located(error: Mapping[str, object]) -> str:
    """Give the message with the field that it is about, as servers built on pydantic tell it (`loc`)."""
    message, where = _message(error), error.get("loc")
    return f"{'.'.join(map(str, where))}: {message}" if message and is_list(where) and where else message


def _plain(body: bytes, secrets: Iterable[str]) -> str:
    title = _TITLE.search(body)
    if title is None and body.lstrip()[:1] == b"<":
        return "a page of HTML"
    shown = body if title is None else title.group(1)
    return _short(without(shown.decode("utf-8", "replace"), secrets))


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else one_line[: _LONGEST - 1].rstrip() + "…"


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) == 3 else None


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Take out every secret, and whatever looks like a key, whole or masked by the provider."""
    return _LIKE_A_KEY.sub("***", without(text, secrets))


def without(text: str, secrets: Iterable[str]) -> str:
    """Take out every secret, also as an address writes it; quick for a text of any length."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return text
