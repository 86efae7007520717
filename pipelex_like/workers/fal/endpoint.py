"""Where fal's queue is, and what may stand in its addresses. Pure."""

from __future__ import annotations

import re

QUEUE = "https://queue.fal.run"
_APPLICATION = re.compile(r"[A-Za-z0-9_-][\w.-]*(?:/[A-Za-z0-9_-][\w.-]*)+\Z")
_JOB = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")


def queue_url(endpoint: str | None) -> str:
    """Give the address of the queue without a slash at its end; fal.run, that of direct calls, stands for its queue."""
    url = (endpoint or "").strip().rstrip("/")
    return QUEUE if url in ("", "https://fal.run") else url


def is_application(model_id: str) -> bool:
    """Whether it can be an application's path, as `fal-ai/flux/dev` is."""
    return _APPLICATION.match(model_id) is not None


def is_job(text: object) -> bool:
    """Whether it can be the id of a job."""
    return isinstance(text, str) and _JOB.match(text) is not None
