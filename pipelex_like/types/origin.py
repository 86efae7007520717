"""Where a value of the configuration was written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
# What TOML takes in a quoted key only when escaped; a line of a problem must stay one line.
_ODD = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, as it is shown to people, and the path of keys in it. Lines are found later, only when needed."""

    file: str
    path: tuple[str | int, ...] = ()

    def at(self, *keys: str | int) -> Origin:
        """Give the origin of a value further inside."""
        return Origin(self.file, self.path + keys)

    @property
    def key(self) -> str:
        """The dotted TOML key, quoted where TOML wants it: `profiles.prod.routes."gpt-*"`."""
        return dotted(self.path)


NOWHERE = Origin("")


def dotted(path: tuple[str | int, ...]) -> str:
    """Write a path of keys as TOML writes a dotted key; list positions stand in brackets."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
            continue
        quoted = part if _BARE.match(part) else f'"{_ODD.sub(_escaped, part)}"'
        out += f".{quoted}" if out else quoted
    return out


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}" if sign[0] in '\\"' else f"\\u{ord(sign[0]):04x}"
