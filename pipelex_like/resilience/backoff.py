"""How long to wait before the same candidate is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.errors import CallError

RETRY_AFTER_CAP = 60.0
"""Seconds that are waited at most because a provider asks for it."""

_FIRST = 0.5
_MOST = 8.0
_DOUBLINGS = 4


def pause(failures: int, error: CallError, *, cap: float, chance: Callable[[], float]) -> float | None:
    """Give the seconds to wait before the same candidate is asked again; None if it asks for more than `cap` seconds.

    What the provider asks for counts. Where it asks for nothing, the wait is drawn evenly from 0 up to half a second
    after the first of the `failures`, twice that after each further one, 8 s at most. `chance` gives a number in
    [0, 1).
    """
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= cap else None
    return chance() * min(_MOST, _FIRST * 2 ** min(failures - 1, _DOUBLINGS))
