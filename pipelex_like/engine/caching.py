"""Replies that were given before, kept for the same request, in memory or in a file."""

from __future__ import annotations

import math
import os
from dataclasses import fields, replace
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pipelex_like.engine.cache_text import written
from pipelex_like.types import FrozenDict, ImageJob, LlmReply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelex_like.deck import Candidate
    from pipelex_like.engine.replies import Reply
    from pipelex_like.types import Job, Kind

_FORM = 1
# What a spec tells about a model without a bearing on the request.
_NOT_SENT = frozenset({"costs", "price_checked", "origin"})
_WHOLE = frozenset({"stop", "tool_calls"})


def request_key(*, kind: Kind, candidate: Candidate, fingerprint: str, job: Job) -> str | None:
    """Give the digest of exactly this request to this candidate; None where a reply to it must not be shared.

    `fingerprint` is that of the Reach: other credentials, another key. The spec counts too, as it shapes the request.
    The order of settings does not matter, that of everything else does. A file counts by its bytes, or else its URL.
    """
    if isinstance(job, ImageJob) and job.resume is not None:
        return None
    job = replace(job, settings=FrozenDict(sorted(job.settings.items())))
    spec = candidate.spec
    shape = tuple((field.name, getattr(spec, field.name)) for field in fields(spec) if field.name not in _NOT_SENT)
    place = (kind, candidate.backend, candidate.sdk, candidate.model_id, candidate.via, fingerprint)
    try:
        return _digest(written((_FORM, *place, shape, job), binary=_digest))
    except (TypeError, ValueError, RecursionError):
        return None


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=32).hexdigest()


class Shelf(Protocol):
    """Where replies are kept. Safe to use from many threads; raises nothing."""

    def get(self, key: str, most_age: float) -> Reply | None:
        """Give the reply under the key if it is younger than `most_age` seconds."""
        ...

    def put(self, key: str, reply: Reply) -> None:
        """Keep the reply in the place of an earlier one."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class MemoryShelf:
    """Keeps the replies themselves; the one that was not asked for the longest makes room."""

    def __init__(self, *, max_entries: int, ttl: float, now: Callable[[], float]) -> None:
        from cachetools import TTLCache

        self._entries: TTLCache[str, tuple[float, Reply]] = TTLCache(max_entries, ttl, timer=now)
        self._now = now
        self._lock = Lock()

    def get(self, key: str, most_age: float) -> Reply | None:
        """Give the reply under the key if it is younger than `most_age` seconds."""
        with self._lock:
            at, reply = self._entries.get(key) or (0.0, None)
        return reply if 0 <= self._now() - at < most_age else None

    def put(self, key: str, reply: Reply) -> None:
        """Keep the reply in the place of an earlier one."""
        with self._lock:
            self._entries[key] = self._now(), reply

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


class ResponseCache:
    """Keeps at most `max_entries` (from 1) replies for `ttl` seconds at most (None = no end), in the SQLite file at
    `path`, or in memory without one.

    Safe to use from many threads and loops at once; a forked child starts with a memory of its own. `now` gives the
    unix time. No fault of the file ever reaches a call: nothing is found or kept then, and the log says why, once.
    """

    def __init__(self, *, path: Path | None, max_entries: int, ttl: float | None, now: Callable[[], float]) -> None:
        if max_entries < 1:
            raise ValueError("max_entries is at least 1")
        self._path = path
        self._max_entries = max_entries
        self._ttl = math.inf if ttl is None else ttl
        self._now = now
        # By process: a lock or an open SQLite file must not be taken over by a forked child.
        self._shelves: dict[int, Shelf] = {}
        self._closed = False

    async def get(self, key: str, *, most_age: float) -> Reply | None:
        """Give the reply that is kept under the key, if it is younger than `most_age` seconds (math.inf = any age)."""
        shelf = self._shelf()
        if shelf is None:
            return None
        if self._path is None:
            return shelf.get(key, most_age)
        import asyncio

        return await asyncio.to_thread(shelf.get, key, most_age)

    async def put(self, key: str, reply: Reply) -> None:
        """Keep the reply in the place of an earlier one. An answer that was cut off, refused or left open is not
        kept."""
        shelf = self._shelf()
        if shelf is None or (isinstance(reply, LlmReply) and reply.finish_reason not in _WHOLE):
            return
        if self._path is None:
            shelf.put(key, reply)
            return
        import asyncio

        await asyncio.to_thread(shelf.put, key, reply)

    def close(self) -> None:
        """Close the file or forget the replies; nothing is found or kept from then on. Closing twice is fine."""
        self._closed = True
        shelf = self._shelves.pop(os.getpid(), None)
        if shelf is not None:
            shelf.close()

    def _shelf(self) -> Shelf | None:
        if self._closed:
            return None
        process = os.getpid()
        return self._shelves.get(process) or self._shelves.setdefault(process, self._new())

    def _new(self) -> Shelf:
        if self._path is None:
            return MemoryShelf(max_entries=self._max_entries, ttl=self._ttl, now=self._now)
        from pipelex_like.engine.cache_file import FileShelf

        return FileShelf(self._path, max_entries=self._max_entries, ttl=self._ttl, now=self._now)
