"""Narrowing of values that came from outside (TOML, JSON), for the type checker's sake and ours."""

from __future__ import annotations

from typing import TypeGuard


def is_table(value: object) -> TypeGuard[dict[str, object]]:
    """Whether it is a dict; TOML and JSON only know text keys."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    """Whether it is a list or a tuple."""
    return isinstance(value, list | tuple)
