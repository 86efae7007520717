"""`${VAR}`, `${env:VAR}`, `${secret:VAR}`, `${A|B}`, `${VAR:-default}`; `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.deck import Name, Slot, Template
from pipelex_like.errors import did_you_mean

if TYPE_CHECKING:
    from pipelex_like.deck import Origin, Scalar

_OPENING = re.compile(r"\$?\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def parse_template(text: str, origin: Origin, scalar: Scalar = "str") -> Template | str:
    """Read the variables of a text; one without any comes back as a text, its `$${` as `${`.

    Raises ValueError(what is malformed) or ValueError(that, hint); neither shows the text, which may hold a secret.
    """
    parts: list[str | Slot] = []
    literal, position = "", 0
    while opening := _OPENING.search(text, position):
        literal += text[position : opening.start()]
        position = opening.end()
        if opening.group() == "$${":
            literal += "${"
            continue
        closing = text.find("}", position)
        if closing < 0:
            raise ValueError("a `${` is never closed by a `}`; write `$${` where you mean the two characters")
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_slot(text[position:closing]))
        position = closing + 1
    literal += text[position:]
    if not parts:
        return literal
    return Template(text, (*parts, literal) if literal else tuple(parts), origin, scalar)


def _slot(body: str) -> Slot:
    names, separator, default = body.partition(":-")
    if "${" in default:
        raise ValueError("a `${...}` cannot stand inside another; give the names as `${A|B}`")
    return Slot(tuple(_name(part.strip()) for part in names.split("|")), default if separator else None)


def _name(part: str) -> Name:
    source, colon, name = part.rpartition(":")
    if not part:
        raise ValueError("a `${}` lacks the name of a variable")
    if colon and source not in ("env", "secret"):
        hint = did_you_mean(source, ("env", "secret")) or "A default is written ${NAME:-default}."
        raise ValueError("the word before the colon in a `${...}` is `env` or `secret`", hint)
    if not _NAME.match(name):
        raise ValueError("the name of a variable consists of letters, digits and _, and begins with no digit")
    return Name("secret" if source == "secret" else "env", name)
