"""What was used and what it cost, added up in memory."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from operator import add
from threading import Lock
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.types import UsageRecord

Grouping = Literal["day", "model", "backend", "preset", "profile", "kind", "tag"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
NONE = "none"
OTHER = "other"
_RECENT = 100
_BATCH = 128
_MOST = 2000
_EPOCH = date(1970, 1, 1).toordinal()

Counts = tuple["int | float | Decimal", ...]
"""The numbers of some records, in the order of the fields of Totals."""

Names = tuple[str, str, str, str, str, str, tuple[str, ...]]
"""What a record is filed under, in the order of GROUPINGS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What some records add up to.

    `requests` counts all of them: `failed` those that ended in an error, `from_cache` those that nobody was asked for.
    `input_tokens` includes the cached ones, `output_tokens` the reasoning. `cost` is in US dollars and leaves out the
    `unpriced` requests, whose cost is not known. `estimated` counts those whose numbers are ours and not the
    provider's. `seconds` is the time they took together.
    """

    requests: int = 0
    failed: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    pages: int = 0
    images: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    estimated: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, counts: Counts) -> Totals:
        """Give the numbers their names."""
        return cls(**dict(zip(_FIELDS, counts, strict=True)))  # pyright: ignore[reportArgumentType]


_FIELDS = tuple(field.name for field in fields(Totals))
NOTHING: Counts = (0,) * 10 + (Decimal(0), 0, 0, 0.0)


def _plus(some: Counts, more: Counts) -> Counts:
    # Place by place they are of one type.
    return tuple(map(add, some, more))  # pyright: ignore[reportArgumentType, reportUnknownVariableType]


def day_of(at: float) -> str:
    """Give the UTC day of a unix time, as 2026-11-01."""
    try:
        return date.fromordinal(_EPOCH + int(at // 86400)).isoformat()
    except (OverflowError, ValueError):
        return NONE


def names_of(record: UsageRecord) -> Names:
    """Tell what a record is filed under."""
    return (
        day_of(record.at),
        record.handle,
        record.backend,
        record.preset or NONE,
        record.profile or NONE,
        record.kind,
        record.tags,
    )


def counts_of(record: UsageRecord) -> Counts:
    """Give a record's numbers."""
    usage, cost = record.usage, record.cost
    return (
        1,
        record.outcome == "failed",
        record.cached,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens + usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.pages,
        usage.images,
        Decimal(0) if cost is None else cost,
        cost is None,
        not record.measured or usage.estimated,
        record.latency,
    )


class Tally:
    """Sums per group. At most `most` names are kept for each grouping, what comes later is filed under `other`."""

    def __init__(self, groupings: Iterable[Grouping] = GROUPINGS, *, most: int | None = None) -> None:
        self.total: Counts = NOTHING
        self.groups: dict[Grouping, dict[str, Counts]] = {grouping: {} for grouping in groupings}
        self._most = most

    def add(self, entries: Iterable[tuple[Names, Counts]]) -> None:
        """Add records; quick where many of them share all their names."""
        alike: dict[Names, Counts] = {}
        for names, counts in entries:
            alike[names] = _plus(alike.get(names, NOTHING), counts)
        for names, counts in alike.items():
            self.total = _plus(self.total, counts)
            for grouping, name in zip(GROUPINGS, names, strict=True):
                sums = self.groups.get(grouping)
                if sums is not None:
                    for each in (name,) if isinstance(name, str) else dict.fromkeys(name or (NONE,)):
                        self._file(sums, each, counts)

    def _file(self, sums: dict[str, Counts], name: str, counts: Counts) -> None:
        if name not in sums and self._most is not None and len(sums) >= self._most:
            name = OTHER
        sums[name] = _plus(sums.get(name, NOTHING), counts)


class Summary:
    """A sink that adds up in memory, which stays bounded: `ai.usage`.

    A record with several tags counts for each of them; one without is filed under `none`, as is one without a preset.
    """

    def __init__(self) -> None:
        # Appending to it needs no lock: a call must not wait here, not even in a destructor while somebody reads.
        self._fresh: deque[UsageRecord] = deque()
        self._recent: deque[UsageRecord] = deque(maxlen=_RECENT)
        self._tally = Tally(most=_MOST)
        self._lock = Lock()
        self._pid = os.getpid()

    def write(self, record: UsageRecord) -> None:
        """Take a record; most of the adding is done for many at once."""
        self._fresh.append(record)
        if len(self._fresh) >= _BATCH and self._own().acquire(blocking=False):
            try:
                self._add()
            finally:
                self._lock.release()

    def flush(self) -> None:
        """Nothing is left to be stored."""

    def close(self) -> None:
        """Nothing is to be given back; the sums can still be read."""

    @property
    def total(self) -> Totals:
        """Everything since the start, or since `reset`."""
        with self._own():
            self._add()
            return Totals.of(self._tally.total)

    def by(self, grouping: Grouping) -> Mapping[str, Totals]:
        """Give the sums per day (UTC), model (its handle), backend, preset, profile, kind or tag, in order of arrival.

        Raises ValueError for anything else.
        """
        if grouping not in GROUPINGS:
            raise ValueError(f"usage is grouped by {', '.join(GROUPINGS)}, not by {grouping!r}")
        with self._own():
            self._add()
            return {name: Totals.of(counts) for name, counts in self._tally.groups[grouping].items()}

    @property
    def recent(self) -> tuple[UsageRecord, ...]:
        """The last 100 records, the newest at the end."""
        with self._own():
            self._add()
            return tuple(self._recent)

    def reset(self) -> None:
        """Begin anew at zero."""
        with self._own():
            self._fresh.clear()
            self._recent.clear()
            self._tally = Tally(most=_MOST)

    def _add(self) -> None:
        batch = [self._fresh.popleft() for _ in range(len(self._fresh))]
        self._recent.extend(batch)
        self._tally.add((names_of(record), counts_of(record)) for record in batch)

    def _own(self) -> Lock:
        """The lock, a new one after a fork: the old one may have been held by a thread that is not here."""
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), Lock()
        return self._lock
