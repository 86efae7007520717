"""Checks of a request's fields: each takes the value and where it stands, and raises Refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Check = Callable[[object, str], None]

_KINDS: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def wrong_type(value: object, where: str, wanted: str) -> Refusal:
    """Say that another type is wanted."""
    have = _KINDS.get(type(value), "something else")
    return Refusal(f"Wrong type for '{where}': {wanted} is wanted, this is {have}.", param=where, code="invalid_type")


def wrong_value(value: object, where: str, options: Sequence[str]) -> Refusal:
    """Say which values there are."""
    known = ", ".join(f"'{option}'" for option in options)
    return Refusal(f"Wrong value for '{where}': '{value}'. Known are {known}.", param=where, code="invalid_value")


def missing(where: str) -> Refusal:
    """Say that a field is missing."""
    return Refusal(f"'{where}' is missing.", param=where, code="missing_required_parameter")


def check(body: Mapping[str, object], checks: Mapping[str, Check], where: str = "") -> None:
    """Check every field that is given and not null; fields without a check are let pass."""
    for key, value in body.items():
        if value is not None and (one := checks.get(key)):
            one(value, f"{where}.{key}" if where else key)


def number(low: float, high: float) -> Check:
    """A number within bounds."""

    def checked(value: object, where: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type(value, where, "a number")
        if value < low:
            raise Refusal(
                f"'{where}' must be at least {low}, not {value}.", param=where, code="decimal_below_min_value"
            )
        if value > high:
            raise Refusal(
                f"'{where}' must be at most {high}, not {value}.", param=where, code="decimal_above_max_value"
            )

    return checked


def integer(low: int | None = None, high: int | None = None) -> Check:
    """A whole number within bounds."""

    def checked(value: object, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(value, where, "an integer")
        if low is not None and value < low:
            raise Refusal(
                f"'{where}' must be at least {low}, not {value}.", param=where, code="integer_below_min_value"
            )
        if high is not None and value > high:
            raise Refusal(
                f"'{where}' must be at most {high}, not {value}.", param=where, code="integer_above_max_value"
            )

    return checked


def boolean(value: object, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong_type(value, where, "a boolean")


def text(value: object, where: str) -> None:
    """A string."""
    if not isinstance(value, str):
        raise wrong_type(value, where, "a string")


def one_of(*options: str) -> Check:
    """One of these strings."""

    def checked(value: object, where: str) -> None:
        text(value, where)
        if value not in options:
            raise wrong_value(value, where, options)

    return checked


def texts(most: int) -> Check:
    """A string, or one to `most` strings."""

    def checked(value: object, where: str) -> None:
        if isinstance(value, str):
            return
        for at, item in enumerate(listed(value, where, most=most)):
            text(item, f"{where}[{at}]")

    return checked


def flat_table(value: object, where: str) -> None:
    """At most 16 pairs of short strings."""
    pairs = table(value, where)
    if len(pairs) > 16:
        raise Refusal(f"'{where}' takes at most 16 pairs.", param=where, code="object_above_max_properties")
    for key, item in pairs.items():
        text(item, f"{where}.{key}")


def numbers_by_token(value: object, where: str) -> None:
    """Token numbers, each with -100 to 100."""
    for key, item in table(value, where).items():
        number(-100, 100)(item, f"{where}.{key}")


def table(value: object, where: str) -> dict[str, object]:
    """Give the object that it must be."""
    if not is_table(value):
        raise wrong_type(value, where, "an object")
    return value


def listed(value: object, where: str, *, least: int = 1, most: int | None = None) -> Sequence[object]:
    """Give the list that it must be, with this many items."""
    if not is_list(value):
        raise wrong_type(value, where, "an array")
    if len(value) < least:
        raise Refusal(f"'{where}' must not be an empty array.", param=where, code="empty_array")
    if most is not None and len(value) > most:
        raise Refusal(f"'{where}' takes at most {most} items.", param=where, code="array_above_max_length")
    return value


def string(fields: Mapping[str, object], key: str, where: str) -> str:
    """Give a field that must be there and be a string; `where` is the place of the object that holds it."""
    place = f"{where}.{key}" if where else key
    value = fields.get(key)
    if value is None:
        raise missing(place)
    if not isinstance(value, str):
        raise wrong_type(value, place, "a string")
    return value
