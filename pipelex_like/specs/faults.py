"""What pydantic found wrong, told as problems with a way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import ValidationError

from pipelex_like.errors import did_you_mean
from pipelex_like.specs.fields import Table
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from pipelex_like.specs.page import Page, Path

T = TypeVar("T", bound=Table)

_WANTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "date_type": "a date",
    "string_pattern_mismatch": "a ${VARIABLE}",
}
_VALUES = frozenset(_WANTED[kind] for kind in ("int_type", "float_type", "bool_type"))
_GOT: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "the number must be {} or more."),
    "greater_than": ("gt", "the number must be more than {}."),
    "less_than_equal": ("le", "the number must be {} or less."),
    "finite_number": ("", "the number must be finite."),
}
_NUMERAL = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?\Z")


def checked(table: type[T], raw: dict[str, object], *, page: Page, path: Path, known: Iterable[str] = ()) -> T:
    """Read a table; report what is wrong with it, and give it without the keys that are at fault.

    `known` are further keys that a misspelt one may have meant.
    """
    try:
        return table.model_validate(raw)
    except ValidationError as error:
        bad = tell(error.errors(include_url=False, include_input=False), table, raw, page=page, path=path, known=known)
        return table.model_validate({key: value for key, value in raw.items() if key not in bad})


def tell(
    details: Sequence[ErrorDetails],
    table: type[Table],
    raw: dict[str, object],
    *,
    page: Page,
    path: Path,
    known: Iterable[str] = (),
) -> set[str]:
    """Report each place that is at fault once, and give the table's own keys that hold one."""
    places: dict[Path, list[ErrorDetails]] = {}
    for detail in details:
        places.setdefault(_place(detail["loc"], raw), []).append(detail)
    for place, found in places.items():
        if _is_outdone(place, found, places):
            continue
        _report(found, _value(raw, place), table=table, page=page, path=path, place=place, known=known)
    return {str(place[0]) for place in places if place}


def _place(loc: Path, raw: object) -> Path:
    """Give those parts of pydantic's location that are in the document; the others name members of a union."""
    place: list[str | int] = []
    for part in loc:
        if is_table(raw) and part in raw:
            raw = raw[str(part)]
        elif is_list(raw) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            continue
        place.append(part)
    return tuple(place)


def _is_outdone(place: Path, found: list[ErrorDetails], places: Iterable[Path]) -> bool:
    """Whether the same union has a member that fits but for something further inside, which tells more."""
    if any(detail["type"] == "missing" for detail in found):
        return False
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _value(raw: object, place: Path) -> object:
    for part in place:
        if is_table(raw):
            raw = raw[str(part)]
        elif is_list(raw) and isinstance(part, int):
            raw = raw[part]
    return raw


def _report(
    found: list[ErrorDetails],
    value: object,
    *,
    table: type[Table],
    page: Page,
    path: Path,
    place: Path,
    known: Iterable[str],
) -> None:
    where = (*path, *place)
    kinds = {detail["type"]: detail for detail in found}
    if "extra_forbidden" in kinds:
        holder = _holder(table, place[:-1])
        entry = len(place) == 1
        keys = (*(holder.model_fields if holder else ()), *(known if entry else ()))
        page.unknown_key(where, value, keys, entry=entry)
    elif "missing" in kinds:
        lacking = str(kinds["missing"]["loc"][-1])
        page.error(where, "missing-key", f'it lacks the key "{lacking}".')
    elif "value_error" in kinds:
        message, *hint = kinds["value_error"].get("ctx", {})["error"].args
        page.error(where, "bad-value", f"{message}.", *hint)
    elif bound := next((kind for kind in kinds if kind in _BOUNDS), None):
        key, message = _BOUNDS[bound]
        limit = kinds[bound].get("ctx", {}).get(key, "")
        page.error(where, "out-of-range", message.format(limit))
    elif "string_too_short" in kinds:
        page.error(where, "empty-text", "an empty text says nothing here.", "Give it a value or leave the key out.")
    else:
        _misfit(kinds, value, page, where)


def _misfit(kinds: dict[str, ErrorDetails], value: object, page: Page, where: Path) -> None:
    words = [word for kind in kinds if kind == "literal_error" for word in _words(kinds[kind])]
    wanted = [_WANTED[kind] for kind in kinds if kind in _WANTED]
    if isinstance(value, str) and "${" in value:
        page.error(where, "no-variable-here", "no variable can stand here, since its value decides how it is read.")
    elif isinstance(value, str) and words and not wanted:
        page.error(where, "unknown-word", f"it is not one of {', '.join(words)}.", did_you_mean(value, words))
    elif isinstance(value, str) and _unquotable(value, wanted):
        page.error(where, "wrong-type", f"{value} in quotes is a text.", f"Write it without quotes: {value}.")
    else:
        if not _VALUES.isdisjoint(wanted):
            # Beside a number or a flag, the only text that will do is a variable that holds one.
            wanted = [_WANTED["string_pattern_mismatch"] if word == _WANTED["string_type"] else word for word in wanted]
        options = " or ".join(dict.fromkeys([*wanted, *(f'"{word}"' for word in words)])) or "another value"
        hint = did_you_mean(value, words) if isinstance(value, str) else ""
        page.error(where, "wrong-type", f"expected {options}, got {named(value)}.", hint)


def named(value: object) -> str:
    """Say of what type a TOML value is."""
    return next((said for kind, said in _GOT.items() if isinstance(value, kind)), "a date or time")


def _words(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))


def _unquotable(text: str, wanted: list[str]) -> bool:
    if "a whole number" in wanted or "a number" in wanted:
        return bool(_NUMERAL.match(text))
    return "true or false" in wanted and text in ("true", "false")


def _holder(table: type[Table], place: Path) -> type[Table] | None:
    """Give the table type that stands at that place within another."""
    holder: type[Table] | None = table
    for part in place:
        if holder is not None and isinstance(part, str):
            declared = holder.model_fields.get(part)
            holder = None if declared is None else next(_tables(declared.annotation), None)
    return holder


def _tables(annotation: object) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)
