"""Jobs that the simulated provider keeps between requests, for formats that have a queue."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.faults import Fault

KEPT = 1000


@dataclass(slots=True, kw_only=True)
class Job:
    """An order: `looks` counts how often its status was asked for, on which its progress depends."""

    id: str
    application: str
    body: Mapping[str, object]
    fault: Fault
    looks: int = 0
    cancelled: bool = False


class Jobs:
    """The last thousand jobs."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Job] = OrderedDict()
        self._number = 0

    def add(self, application: str, body: Mapping[str, object], fault: Fault) -> Job:
        """Take an order and give it an id; the first is always the same."""
        self._number += 1
        job = Job(id=f"5a4db0c5-0000-4000-8000-{self._number:012x}", application=application, body=body, fault=fault)
        self._kept[job.id] = job
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return job

    def find(self, job_id: str) -> Job | None:
        """Give the job with that id, or None."""
        return self._kept.get(job_id)
