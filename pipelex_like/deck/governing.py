"""A policy out of plain values, as calls and inline tables give them, each checked."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, cast

from pipelex_like.deck.policy import ACTIONS, BALANCES, CALL_KEYS, NO_POLICY, RULES, Policy
from pipelex_like.errors import did_you_mean
from pipelex_like.types import FrozenDict, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.deck.policy import Rule

_WAYS = ("retry", "next", "stop")


def read_call_policy(given: Mapping[str, object]) -> Policy:
    """Give what those of the options that govern a call say; the others are left alone, and None says nothing.

    Raises TypeError for a value of a wrong type, ValueError for one that is out of range; the message begins with
    the option's name.
    """
    said = {name: _read(name, given[name]) for name in CALL_KEYS if given.get(name) is not None}
    return Policy(**said) if said else NO_POLICY  # pyright: ignore[reportArgumentType]


def _read(name: str, value: object) -> object:
    return _actions(value) if name == "actions" else _READERS[RULES[name].form](name, RULES[name], value)


def _seconds(name: str, rule: Rule, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected seconds as a number, got {type(value).__name__}")
    if not isfinite(value) or value < 0 or (value == 0 and rule.least is None):
        raise ValueError(
            f"{name}: expected a number of seconds {'above' if rule.least is None else 'from'} 0, got {value}"
        )
    return float(value)


def _integer(name: str, rule: Rule, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__}")
    if rule.least is not None and value < rule.least:
        raise ValueError(f"{name}: {value} is below {rule.least}")
    return value


def _dollars(name: str, _: Rule, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{name}: expected US dollars as a Decimal or a number, got {type(value).__name__}")
    amount = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{name}: expected US dollars above 0, got {value}")
    return amount


def _word(name: str, _: Rule, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(BALANCES)}, got {type(value).__name__}")
    if value not in BALANCES:
        hint = did_you_mean(value, BALANCES)
        raise ValueError(f'{name}: "{value}" is not one of {", ".join(BALANCES)}. {hint}'.rstrip())
    return value


def _weights(name: str, _: Rule, value: object) -> FrozenDict[str, float]:
    if not is_table(value):
        raise TypeError(f"{name}: expected a table of backend to number, got {type(value).__name__}")
    for key, weight in value.items():
        if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name}: expected backends by name, got {type(key).__name__}")
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise TypeError(f"{name}: {key}: expected a number, got {type(weight).__name__}")
        if not isfinite(weight) or weight < 0:
            raise ValueError(f"{name}: {key}: expected a number from 0, got {weight}")
    return FrozenDict(cast("dict[str, float]", value))


def _cache(name: str, rule: Rule, value: object) -> bool | float:
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float):
        raise TypeError(f"{name}: expected True, False or seconds as a number, got {type(value).__name__}")
    return _seconds(name, rule, value)


def _flag(name: str, _: Rule, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {type(value).__name__}")
    return value


def _actions(value: object) -> FrozenDict[str, str]:
    if not is_table(value):
        raise TypeError(f"actions: expected a table of error class to action, got {type(value).__name__}")
    for word, action in value.items():
        if word not in ACTIONS:
            hint = did_you_mean(str(word), ACTIONS)
            raise ValueError(f'actions: no error class is called "{word}". {hint}'.rstrip())
        if action not in _WAYS:
            raise ValueError(f'actions: {word} = "{action}": expected {", ".join(_WAYS[:-1])} or {_WAYS[-1]}')
    return FrozenDict(cast("dict[str, str]", value))


_READERS: Mapping[str, Callable[[str, Rule, object], object]] = {
    "seconds": _seconds,
    "integer": _integer,
    "dollars": _dollars,
    "word": _word,
    "weights": _weights,
    "cache": _cache,
    "flag": _flag,
}
