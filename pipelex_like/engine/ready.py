"""Whether a candidate can take a job at all, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipelex_like.engine.replies import who
from pipelex_like.engine.resuming import check_has_jobs
from pipelex_like.errors import CapabilityError, ContextWindowError, CredentialsError
from pipelex_like.types import ExtractJob, ImageJob, LlmJob
from pipelex_like.usage.estimate import surely_too_long
from pipelex_like.workers.capability import OLLAMA, capability_gap

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.deck import Candidate
    from pipelex_like.engine.calls import Call
    from pipelex_like.workers.base import Access, Worker

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


def made_ready(call: Call[J], candidate: Candidate) -> tuple[J, tuple[str, ...], Callable[[Access], Worker]]:
    """Give the job as this candidate is sent it, what had to be left out, and what opens its worker.

    Raises CredentialsError, CapabilityError or ContextWindowError where asking it would be of no use.
    """
    if candidate.broken is not None:
        raise CredentialsError(_broken(call, candidate))
    transport = call.core.runtime.transport
    opener = transport.find(call.route.kind, candidate.sdk, backend=candidate.backend)
    job, adapted = call.job_for(candidate)
    check_has_jobs(job, candidate, call.state.loaded.deck.sdks.get(candidate.sdk))
    gap = capability_gap(job, candidate.spec)
    if gap is not None:
        raise CapabilityError(f"{who(candidate)}: {gap}")
    # Ollama's window may be a wish of the call's: its own check knows.
    too_long = None if candidate.spec.variant == OLLAMA else surely_too_long(job, candidate.spec)
    if too_long is not None:
        raise ContextWindowError(f"{who(candidate)}: {too_long}")
    return job, adapted, opener


def _broken(call: Call[J], candidate: Candidate) -> str:
    backend = call.rules.backends.get(candidate.backend)
    unsaid = [name for name in (backend.missing if backend else ()) if name not in (candidate.broken or "")]
    variables = f"; set {', '.join(unsaid)}" if unsaid else ""
    key_url = backend.spec.key_url if backend else None
    return f"{who(candidate)}: {candidate.broken}{variables}" + (f" (a key: {key_url})" if key_url else "")
