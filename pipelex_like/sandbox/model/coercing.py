"""Reading typed values out of words: numbers, yes and no, dates. Each gives None where the words say no such thing."""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NUMBER = re.compile(r"(?<![\w.])(-|\()?\s*[$€£¥]?\s*(-?\d(?:[\d.,'\u00a0\u202f ]*\d)?)")
_TRUE = frozenset({"true", "yes", "y", "on", "1", "oui", "ja", "si", "✓", "x"})
_FALSE = frozenset({"false", "no", "n", "off", "0", "non", "nein", "none"})
_NULL = frozenset({"null", "none", "n/a", "na", "-", "--", "unknown", "nil"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SAFE = 2**53


def is_null(text: str) -> bool:
    """Whether the words say that there is no value."""
    return text.strip().lower() in _NULL


def number(text: str) -> float | None:
    """Read the first number: `1,234.50`, `1.234,50 EUR`, `$12`, `(5)` is -5; a lone group of three is thousands."""
    match = _NUMBER.search(text)
    if match is None:
        return None
    digits = re.sub(r"['\u00a0\u202f ]", "", match[2])
    value = float(_plain_digits(digits))
    return -abs(value) if match[1] and (match[1] == "-" or text[match.end() :].lstrip()[:1] == ")") else value


def _plain_digits(digits: str) -> str:
    comma, dot = digits.rfind(","), digits.rfind(".")
    decimal = "," if comma > dot else "."
    other = "." if decimal == "," else ","
    digits = digits.replace(other, "")
    if digits.count(decimal) > 1 or (decimal == "," and re.fullmatch(r"-?\d{1,3},\d{3}", digits)):
        return digits.replace(decimal, "")
    return digits.replace(decimal, ".")


def integer(text: str) -> int | None:
    """Read a whole number."""
    value = number(text)
    return int(value) if value is not None and value.is_integer() and abs(value) <= _SAFE else None


def boolean(text: str) -> bool | None:
    """Read yes or no."""
    word = text.strip(" .!").lower()
    first = word.split(maxsplit=1)[0].strip(",.;") if word else ""
    return True if first in _TRUE else False if first in _FALSE else None


def day(text: str) -> str | None:
    """Read a date as `2026-03-04`. Of `3/4/2026` the month comes first, of `3.4.2026` the day, if both can be."""
    for pattern, order in _DATES:
        if match := pattern.search(text):
            parts = dict(zip(order, match.groups(), strict=True))
            if found := _date(parts["y"], parts["m"], parts["d"]) or (
                order == "mdy" and _date(parts["y"], parts["d"], parts["m"])
            ):
                return found.isoformat()
    return None


_DATES = tuple(
    (re.compile(pattern, re.IGNORECASE), order)
    for pattern, order in (
        (r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", "ymd"),
        (r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)", "mdy"),
        (r"(?<!\d)(\d{1,2})[-.](\d{1,2})[-.](\d{4})(?!\d)", "dmy"),
        (r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?\.?[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{4})(?!\d)", "dmy"),
        (r"\b([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)", "mdy"),
    )
)


def _date(year: str, month: str, day_of_month: str) -> date | None:
    word = month.lower()
    try:
        in_year = _MONTHS.index(word) + 1 if word in _MONTHS else int(month)
        return date(int(year), in_year, int(day_of_month))
    except ValueError:
        return None


def hour(text: str) -> str | None:
    """Read a time of day as `13:05:00Z`."""
    match = re.search(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?(?!\d)", text, re.IGNORECASE)
    if match is None:
        return None
    hours = int(match[1]) % 12 + (12 if match[4].lower() == "pm" else 0) if match[4] else int(match[1])
    try:
        return f"{time(hours, int(match[2]), int(match[3] or 0)).isoformat()}Z"
    except ValueError:
        return None


def moment(text: str) -> str | None:
    """Read a date with its time, midnight where none is told, as `2026-03-04T13:05:00Z`."""
    found = day(text)
    return f"{found}T{hour(text) or '00:00:00Z'}" if found else None


def _matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern, re.IGNORECASE)

    def read(text: str) -> str | None:
        match = compiled.search(text)
        return match[0] if match else None

    return read


_URI = _matching(r"[a-z][a-z0-9+.-]*://[^\s<>\"']+[^\s<>\"'.,;)]")
FORMATS: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "date": (day, "2026-01-01"),
    "date-time": (moment, "2026-01-01T00:00:00Z"),
    "time": (hour, "00:00:00Z"),
    "duration": (_matching(r"P(?=[\dT])(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?"), "PT0S"),
    "email": (_matching(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "simulated@example.com"),
    "uri": (_URI, "https://example.com/simulated"),
    "url": (_URI, "https://example.com/simulated"),
    "uuid": (_matching(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-4000-8000-000000000000"),
    "ipv4": (_matching(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\s)|(?![\d.]))){4}"), "127.0.0.1"),
    "ipv6": (_matching(r"(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}"), "::1"),
    "hostname": (_matching(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+"), "example.com"),
}
"""By JSON Schema's format: how it is read out of words, and the placeholder."""
