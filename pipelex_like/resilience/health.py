"""Who is left alone for a while after failures of its own, shared by all calls of all loops and threads."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    InvalidResponseError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = tuple[str, str | None]
"""(backend, model id), or (backend, None) for all of the backend."""

FIRST = 5.0
"""Seconds of the first cooldown."""

MOST = 60.0
"""Seconds of the longest one."""

_KEPT = 4096

# Whom a failure speaks against. What is absent is the caller's fault, or nothing that waiting would mend.
_AGAINST: Mapping[type[CallError], Literal["model", "backend"]] = {
    ServerError: "model",
    OverloadedError: "model",
    RateLimitError: "model",
    QuotaError: "model",
    CallTimeoutError: "model",
    InvalidResponseError: "model",
    UnreachableError: "backend",
}


@dataclass(slots=True, eq=False)
class _Cooldown:
    """From `until` on it is half open: `probe` is when the one caller that was let through came, None if none is."""

    length: float
    since: float
    until: float
    after: str
    probe: float | None = None


@dataclass(slots=True, eq=False)
class _Known:
    """The cooldowns of one process, the one with the latest failure last."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    cooldowns: dict[Key, _Cooldown] = field(default_factory=dict[Key, _Cooldown])

    def of(self, backend: str, model_id: str) -> list[_Cooldown]:
        found = (self.cooldowns.get((backend, None)), self.cooldowns.get((backend, model_id)))
        return [cooldown for cooldown in found if cooldown is not None]


class Health:
    """Cooldowns per backend and per (backend, model), in seconds of `clock`.

    The first lasts `first` seconds, each further one twice as long as the last, `most` at most. Once it is over, one
    caller is let through as a probe; the others follow when it succeeded. A probe that tells nothing of its end within
    `most` seconds counts as lost. What succeeded is healthy at once; what nobody asked for long is forgotten. A forked
    child begins with everybody healthy.
    """

    def __init__(self, clock: Callable[[], float], *, first: float = FIRST, most: float = MOST) -> None:
        self._clock = clock
        self._first = first
        self._most = most
        self._state = _Known()

    def _known(self) -> _Known:
        known = self._state
        if known.pid != os.getpid():
            known = self._state = _Known()
        return known

    def admit(self, backend: str, model_id: str, *, alone: bool = False) -> str | None:
        """Give None if it may be asked now, else the reason as a part of a sentence.

        Who was admitted must tell how it ended: `succeeded`, `given_up` or `released`. `alone`: there is nobody else
        to ask, so that it is always admitted.
        """
        if not self._state.cooldowns:
            return None
        known = self._known()
        if not known.of(backend, model_id):
            return None
        with known.lock:
            now, found = self._clock(), known.of(backend, model_id)
            if not alone:
                reasons = (self._reason(cooldown, now) for cooldown in found)
                reason = next((reason for reason in reasons if reason is not None), None)
                if reason is not None:
                    return reason
            for cooldown in found:
                if cooldown.until <= now:
                    cooldown.probe = now
        return None

    def _reason(self, cooldown: _Cooldown, now: float) -> str | None:
        if now < cooldown.until:
            return f"cooling down for another {max(0.1, cooldown.until - now):.1f} s after {cooldown.after}"
        if cooldown.probe is not None and now < cooldown.probe + self._most:
            return f"being tried by another call after {cooldown.after}"
        return None

    def succeeded(self, backend: str, model_id: str, *, sent: float | None = None) -> None:
        """Take an answer as the sign that it is healthy.

        `sent` is the moment at which the request was sent: an answer to one that was under way before the latest
        failure says nothing.
        """
        if not self._state.cooldowns:
            return
        known = self._known()
        for key in ((backend, None), (backend, model_id)):
            with known.lock:
                cooldown = known.cooldowns.get(key)
                if cooldown is not None and (sent is None or sent >= cooldown.since):
                    del known.cooldowns[key]

    def given_up(self, backend: str, model_id: str, error: CallError, *, first: float | None = None) -> None:
        """Let it cool down if `error` is its own fault; a connection that failed cools all of the backend.

        `first` stands in for the first cooldown; 0 = none. What the provider asks to wait does too, up to the longest
        cooldown. A failure while it cools down already belongs to the same outage: it does not double.
        """
        first = self._first if first is None else first
        against = next((_AGAINST[cls] for cls in type(error).__mro__ if cls in _AGAINST), None)
        known = self._known()
        with known.lock:
            now = self._clock()
            self._release(known, backend, model_id)
            if error.status is not None:
                self._reached(known, backend, now)
            if against is not None and first > 0:
                key = (backend, model_id if against == "model" else None)
                known.cooldowns[key] = self._next(known.cooldowns.pop(key, None), error, first, now)
                self._forget(known, now)

    def _next(self, last: _Cooldown | None, error: CallError, first: float, now: float) -> _Cooldown:
        most = max(self._most, first)
        asked = min(most, first if error.retry_after is None else error.retry_after)
        after = type(error).__name__
        if last is not None and now < last.until:
            until = last.until if error.retry_after is None else max(last.until, now + asked)
            return _Cooldown(last.length, now, until, after)
        length = asked if last is None else min(most, max(asked, 2 * last.length or first))
        return _Cooldown(length, now, now + length, after)

    def _reached(self, known: _Known, backend: str, now: float) -> None:
        # Even a refusal came over a connection.
        whole = known.cooldowns.get((backend, None))
        if whole is not None and whole.until <= now:
            del known.cooldowns[backend, None]

    def _forget(self, known: _Known, now: float) -> None:
        while known.cooldowns:
            key, oldest = next(iter(known.cooldowns.items()))
            if len(known.cooldowns) <= _KEPT and now < oldest.until + 10 * self._most:
                return
            del known.cooldowns[key]

    def released(self, backend: str, model_id: str) -> None:
        """Let another caller probe: the one admitted ended without telling anything (cancelled, the caller's fault)."""
        if not self._state.cooldowns:
            return
        known = self._known()
        with known.lock:
            self._release(known, backend, model_id)

    def _release(self, known: _Known, backend: str, model_id: str) -> None:
        for cooldown in known.of(backend, model_id):
            cooldown.probe = None
