"""What is sent to one model: settings made to fit its constraints, and a line for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelSpec

# The least thinking that every model with levels of it knows.
LEAST_EFFORT = "low"


def fit(given: Mapping[str, object], spec: ModelSpec) -> tuple[FrozenDict[str, object], tuple[str, ...]]:
    """Give the settings to send and what was changed or left out, a line each.

    A setting of None is not sent. The spec's `extra` goes under the caller's, key by key.
    """
    settings = {name: value for name, value in given.items() if value is not None}
    notes: list[str] = []
    _drop_unsupported(settings, spec, notes)
    if "temperature" in settings:
        _fit_temperature(settings, spec, notes)
    if "max_tokens" in settings:
        _fit_max_tokens(settings, spec, notes)
    if "reasoning_budget" in settings:
        _fit_budget(settings, spec, notes)
    if settings.get("reasoning_effort") == "none" and spec.constraints.thinking_cannot_be_disabled:
        settings["reasoning_effort"] = LEAST_EFFORT
        notes.append(f'reasoning_effort: none became {LEAST_EFFORT}, since "{spec.handle}" always thinks')
    if spec.extra and not ("extra" in given and given["extra"] is None):
        own = settings.get("extra")
        settings["extra"] = FrozenDict({**spec.extra, **(own if is_table(own) else {})})
    return FrozenDict(settings), tuple(notes)


def _drop_unsupported(settings: dict[str, object], spec: ModelSpec, notes: list[str]) -> None:
    for name in [name for name in settings if name in spec.constraints.unsupported]:
        value = settings.pop(name)
        shown = f" {value}" if isinstance(value, bool | int | float) else ""
        notes.append(f'{name}:{shown} left out, since "{spec.handle}" does not take it')


def _fit_temperature(settings: dict[str, object], spec: ModelSpec, notes: list[str]) -> None:
    constraints, value = spec.constraints, settings["temperature"]
    if constraints.temperature_unsupported:
        del settings["temperature"]
        notes.append(f'temperature: {value} left out, since "{spec.handle}" does not take it')
        return
    fixed = constraints.fixed_temperature
    if fixed is not None and value != fixed:
        settings["temperature"] = fixed
        notes.append(f'temperature: {value} became {fixed:g}, the only value that "{spec.handle}" takes')


def _fit_max_tokens(settings: dict[str, object], spec: ModelSpec, notes: list[str]) -> None:
    value, ceiling = settings["max_tokens"], spec.max_tokens
    if value == "auto":
        del settings["max_tokens"]
    elif isinstance(value, int) and isinstance(ceiling, int) and value > ceiling:
        settings["max_tokens"] = ceiling
        notes.append(f'max_tokens: {value} lowered to {ceiling}, the most that "{spec.handle}" gives')


def _fit_budget(settings: dict[str, object], spec: ModelSpec, notes: list[str]) -> None:
    value, constraints = settings["reasoning_budget"], spec.constraints
    least, most = constraints.min_thinking_budget, constraints.max_thinking_budget
    if not isinstance(value, int):
        return
    if value == 0:
        if not constraints.thinking_cannot_be_disabled:
            return
        if least is None:
            del settings["reasoning_budget"]
            notes.append(f'reasoning_budget: 0 left out, since "{spec.handle}" always thinks')
            return
    if least is not None and value < least:
        settings["reasoning_budget"] = least
        notes.append(f'reasoning_budget: {value} raised to {least}, the least that "{spec.handle}" takes')
    elif most is not None and value > most:
        settings["reasoning_budget"] = most
        notes.append(f'reasoning_budget: {value} lowered to {most}, the most that "{spec.handle}" takes')
