"""Reading Google's tables: field names in camelCase or snake_case, none that is not known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.google_dialect import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.checks import Check


def known_fields(value: object, where: str, names: frozenset[str]) -> dict[str, object]:
    """Give the table with its names in camelCase. Raises Refusal for a name that is not among `names`."""
    out: dict[str, object] = {}
    for name, item in checks.table(value, where or "request").items():
        camel = re.sub(r"(?<=[a-z0-9])_([a-z])", lambda sign: sign[1].upper(), name)
        if camel not in names:
            raise unknown_name(name, where)
        if item is not None:
            out[camel] = item
    return out


def checked_fields(value: object, where: str, fields: Mapping[str, Check | None]) -> dict[str, object]:
    """The same, with a check for the fields that have one."""
    out = known_fields(value, where, frozenset(fields))
    for name, item in out.items():
        check = fields[name]
        if check is not None:
            check(item, f"{where}.{name}" if where else name)
    return out
