"""Headers that a backend or a model adds to its requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.specs.faults import named

if TYPE_CHECKING:
    from pipelex_like.specs.page import Page, Path

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_SECRET = re.compile(r"authorization|api-?key|token|secret", re.IGNORECASE)


def read_header(name: str, value: object, *, page: Page, path: Path) -> str | Template:
    """Give the value of a header; report one that HTTP could not carry, and a secret written out."""
    if not isinstance(value, str):
        page.error(path, "wrong-type", f"the value of a header is a text, got {named(value)}.")
        return ""
    if not _TOKEN.match(name):
        page.error(path, "bad-name", "HTTP knows no header of such a name.")
    found = page.text(path, value)
    if isinstance(found, str) and found.strip() and _SECRET.search(name):
        warn_of_secret(page, path)
    return found


def warn_of_secret(page: Page, path: Path) -> None:
    """Report a credential that stands in the file itself."""
    page.warn(
        path,
        "secret-in-file",
        "this looks like a secret written into the file.",
        'Put it into .env and write "${NAME}" here.',
    )
