"""A mapping that cannot be changed, and still survives pickle, deepcopy and JSON."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from pipelex_like.types.shapes import is_list, is_table

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dict whose every way of changing it raises TypeError.

    Unlike `types.MappingProxyType` it can be pickled, copied, hashed and written by orjson.
    """

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this mapping is read-only; build a new one with {**old, ...}")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse  # pyright: ignore[reportAssignmentType]
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse  # pyright: ignore[reportAssignmentType]
    update = _refuse  # pyright: ignore[reportAssignmentType]

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[object, ...]:
        return FrozenDict, (dict(self),)

    def __deepcopy__(self, _: dict[int, object]) -> FrozenDict[K, V]:
        return self


EMPTY: FrozenDict[str, object] = FrozenDict()


def freeze(value: object) -> object:
    """Give the same value with dicts as FrozenDict and lists as tuples, all the way down."""
    if is_table(value):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if is_list(value):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: object) -> object:
    """Give plain dicts and lists again, for JSON and for SDKs that insist on them."""
    if is_table(value):
        return {key: thaw(item) for key, item in value.items()}
    if is_list(value):
        return [thaw(item) for item in value]
    return value
