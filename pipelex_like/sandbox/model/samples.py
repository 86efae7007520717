"""A short text that fits a regular expression, as well as can be done simply."""

from __future__ import annotations

import re

_CANDIDATES = "0aA1bB-_ ./:@#+2345678 9cdefZYX,;!?*()\t\n\u00e9"
_LONGEST = 10_000
_LOOK = ("(?=", "(?!", "(?<=", "(?<!")


def sample(pattern: str, low: int = 0, high: int | None = None) -> str | None:
    """Give a text of `low` to `high` characters in which the pattern is found; None if none was hit upon."""
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    for extra in range(min(max(low, 8), 64) + 1):
        try:
            text = _Writer(pattern, extra).whole()
        except (IndexError, ValueError, RecursionError):
            return None
        text = text if text.strip() or low == 0 else text.replace(" ", "a")
        if len(text) >= low and (high is None or len(text) <= high) and compiled.search(text):
            return text
    return None


class _Writer:
    """Walks a pattern and writes the first thing that fits: the first alternative, the fewest repeats and `extra`."""

    def __init__(self, pattern: str, extra: int) -> None:
        self._pattern = pattern
        self._extra = extra
        self._at = 0

    def whole(self) -> str:
        return self._alternatives()

    def _alternatives(self) -> str:
        first = self._sequence()
        while self._peek() == "|":
            self._at += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        out = ""
        while self._peek() not in ("", "|", ")"):
            atom, repeats = self._atom(), self._repeats()
            if len(out) + len(atom) * repeats > _LONGEST:
                raise ValueError("the pattern asks for a very long text")
            out += atom * repeats
        return out

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _atom(self) -> str:
        start, sign = self._at, self._peek()
        self._at += 1
        if sign in "^$":
            return ""
        if sign == "(":
            return self._group(start)
        if sign == "[":
            self._at += self._pattern[self._at] == "^"
            self._at += 1
            while self._peek() != "]":
                self._at += 2 if self._pattern[self._at] == "\\" else 1
            self._at += 1
        if sign == "\\":
            following = self._pattern[self._at]
            self._at += {"x": 3, "u": 5}.get(following, 1)
            if following in "bBAZ":
                return ""
        source = self._pattern[start : self._at]
        if len(source) == 1 and source != ".":
            return source
        if re.fullmatch(r"\\[^\w\s]", source):
            return source[1]
        return next((char for char in _CANDIDATES if re.fullmatch(source, char)), _first_of(source))

    def _group(self, start: int) -> str:
        rest = self._pattern[start:]
        looks = rest.startswith(_LOOK)
        opening = re.match(r"\((?:\?(?:P?<\w+>|[:=!]|<[=!]))?", rest)
        self._at = start + (opening.end() if opening else 1)
        inner = self._alternatives()
        self._at += 1
        return "" if looks else inner

    def _repeats(self) -> int:
        match = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?").match(self._pattern, self._at)
        if match is None or match[0].startswith("{}"):
            return 1
        self._at = match.end()
        if match[1]:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
        else:
            low = int(match[2] or 0)
            high = low if not match[3] else int(match[4]) if match[4] else None
        most = low + self._extra
        return min(low + self._extra, 1000) if high is None else min(most, high, 1000)


def _first_of(source: str) -> str:
    """The first printable sign that a class of other letters takes."""
    return next((chr(code) for code in range(0x20, 0x3000) if re.fullmatch(source, chr(code))), "")
