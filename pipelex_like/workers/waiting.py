"""How long a provider asks to wait before it is asked again, in whichever spelling. Pure: no clock is read.

Moments are measured against the answer's own `Date`. A wish that cannot be meant (less than nothing, no number, a
moment that is over, thousands of years) is none.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING

import orjson

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RATE_LIMITED = 429
_LOADING = 503
# The headers that name milliseconds; the second is AWS's.
_THOUSANDTHS = ("retry-after-ms", "x-amz-retry-after")
# A number from here on is a moment, in seconds since 1970 or, further on, in milliseconds: some gateways write these.
_A_MOMENT = 10**9
_IN_MILLISECONDS = 10**11
_DURATION = re.compile(
    r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?\Z"
)
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_IN_WORDS = re.compile(
    r"(?:try again|retry) (?:in|after) (?:((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)\b|(\d+(?:\.\d+)?) (second|minute)s?\b)",
    re.IGNORECASE,
)


def wait_of(headers: Mapping[str, str], body: object = b"", status: int | None = None) -> float | None:
    """Give the seconds that the provider asks to wait, None if it does not say.

    The names of the headers are in small letters; `body` is the error's body, or the value parsed from it.
    """
    now = _date(headers.get("date"))
    for name in _THOUSANDTHS:
        thousandths = _number(headers.get(name))
        seconds = None if thousandths is None else _sane(thousandths / 1000, now)
        if seconds is not None:
            return seconds
    seconds = _seconds(headers.get("retry-after"), now)
    if seconds is not None:
        return seconds
    value = _parsed(body)
    seconds = next((found for told in _told(value, status) if (found := _seconds(told, now)) is not None), None)
    if seconds is None and status == _RATE_LIMITED:
        seconds = _reset(headers, now)
    return _in_words(value) if seconds is None else seconds


def _parsed(body: object) -> object:
    if not isinstance(body, bytes):
        return body
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value


def _tables(value: object) -> Iterator[dict[str, object]]:
    """The body and the error in it, of a list the first."""
    while is_list(value) and value:
        value = value[0]
    if is_table(value):
        yield value
        error = value.get("error")
        if is_table(error):
            yield error


def _told(value: object, status: int | None) -> Iterator[object]:
    for table in _tables(value):
        if status == _LOADING:  # Hugging Face, of a model that it loads
            yield table.get("estimated_time")
        yield table.get("retry_after")
        details = table.get("details")
        for detail in details if is_list(details) else ():
            if is_table(detail):  # https://google.aip.dev/193, of the type google.rpc.RetryInfo
                yield detail.get("retryDelay")


def _seconds(value: object, now: float | None) -> float | None:
    """Read a number of seconds, a duration (`6m0s`) or a moment (of HTTP or ISO 8601)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    number = _number(value)
    if number is not None:
        return _sane(number, now)
    text = str(value).strip()
    match = _DURATION.match(text) if len(text) <= 64 else None
    if match:
        parts = zip(match.groups(), _UNITS, strict=True)
        return _sane(sum(float(part) * unit for part, unit in parts if part), None)
    moment = _date(text)
    return None if moment is None or now is None or moment <= now else _sane(moment - now, None)


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def _sane(number: float | None, now: float | None) -> float | None:
    if number is None or not isfinite(number) or number < 0:
        return None
    if number < _A_MOMENT:
        return number
    moment = number / 1000 if number >= _IN_MILLISECONDS else number
    return moment - now if now is not None and now < moment < now + _A_MOMENT else None


def _date(text: str | None) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text or "")
            return found.timestamp() if found.tzinfo is not None else None
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def _reset(headers: Mapping[str, str], now: float | None) -> float | None:
    """Read when limits are met no more: the last of those that are used up, else the first of all that there are."""
    used_up: list[float] = []
    others: list[float] = []
    for name, text in headers.items():
        if "ratelimit" in name and "reset" in name and (seconds := _seconds(text, now)):
            spent = _number(headers.get(name.replace("reset", "remaining"))) == 0
            (used_up if spent else others).append(seconds)
    return max(used_up) if used_up else min(others, default=None)


def _in_words(value: object) -> float | None:
    for table in _tables(value):
        message = table.get("message")
        match = _IN_WORDS.search(message[:2000]) if isinstance(message, str) else None
        if match and match[1]:
            return _seconds(match[1].lower(), None)
        if match:
            return _sane(float(match[2]) * (60 if match[3].lower() == "minute" else 1), None)
    return None
