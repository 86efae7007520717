"""The numbers and dates that a text may mean: every reading of it, since documents of all countries come along."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE_PARTS = re.compile(r"\d+|[^\W\d_]+")
_COMPACT = re.compile(r"\d{8}")


def numbers(text: str) -> tuple[int | float, ...]:
    """Give the number that a text writes, in every reading: `1.234` is 1234, and 1.234 where a point may be a decimal.

    Empty if the text holds no digit, or more than one number.
    """
    runs = re.findall(r"[-−]?\d(?:[\d.,'’  ]*\d)?", text)  # noqa: RUF001  the minus sign and quotes of documents
    return _readings(runs[0]) if len(runs) == 1 else ()


def _readings(run: str) -> tuple[int | float, ...]:
    sign = -1 if run[0] in "-−" else 1  # noqa: RUF001
    digits = re.sub(r"[^\d.,]", "", run)
    point = max(digits.rfind("."), digits.rfind(","))
    whole = int(re.sub(r"\D", "", digits))
    if point < 0:
        return (sign * whole,)
    mark, after = digits[point], len(digits) - point - 1
    other = {".": ",", ",": "."}[mark]
    decimal = float(re.sub(r"\D", "", digits[:point]) + "." + digits[point + 1 :])
    if digits.count(mark) > 1:
        return (sign * whole,)
    if after != 3 or other in digits[:point]:
        return (sign * decimal,)
    return (sign * whole, sign * decimal)


def dates(text: str) -> tuple[str, ...]:
    """Give the date that a text writes as YYYY-MM-DD, in every reading: `05/12/2025` is in December, or in May.

    Months may be English words. Empty if the text is no date.
    """
    parts = [part for part in _DATE_PARTS.findall(text) if part.lower() not in ("st", "nd", "rd", "th", "of")]
    if len(parts) == 1 and _COMPACT.fullmatch(parts[0]):
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    if len(parts) != 3:
        return ()
    found = (_date(parts, order) for order in _orders(parts, text))
    return tuple(dict.fromkeys(item for item in found if item is not None))


def _orders(parts: list[str], text: str) -> tuple[str, ...]:
    if len(parts[0]) == 4:
        return ("ymd",)
    return ("dmy",) if "." in text else ("dmy", "mdy")


def _date(parts: list[str], order: str) -> str | None:
    numbers = {letter: _part(part, letter) for letter, part in zip(order, parts, strict=True)}
    year, month, day = numbers["y"], numbers["m"], numbers["d"]
    try:
        return date(year + 2000 if len(parts[order.index("y")]) == 2 else year, month, day).isoformat()
    except ValueError:
        return None


def _part(part: str, letter: str) -> int:
    """A number, or the month of a word; 0, which no date has, for anything else."""
    if part.isdecimal():
        return int(part)
    word = part.lower()[:3]
    return _MONTHS.index(word) + 1 if letter == "m" and word in _MONTHS else 0
