"""Jobs that a provider goes on with after the call that ordered them ended: taken up again, paid once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pipelex_like.errors import CapabilityError
from pipelex_like.types import ExtractJob, ImageJob, LlmJob
from pipelex_like.workers.base import Unfinished

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate, Route, SdkSettings
    from pipelex_like.errors import CallError

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)


def job_left_by(late: BaseException) -> str | None:
    """Give the id of the job that a worker had under way when the call's time was over."""
    stop = late.__cause__
    told = stop.args if stop is not None else ()
    return next((item.job_id for item in told if isinstance(item, Unfinished)), None)


def taken_up(job: J, error: CallError) -> J | None:
    """Give the job as a repeat has to send it, so that nothing is ordered twice; None where nothing was left."""
    if error.job_id is None or not isinstance(job, ImageJob):
        return None
    return replace(job, resume=error.job_id)


def primary_only(route: Route) -> Route:
    """Leave only the first candidate: nobody else knows the job."""
    return replace(route, candidates=route.candidates[:1])


def check_has_jobs(job: object, candidate: Candidate, settings: SdkSettings | None) -> None:
    """Raise CapabilityError where a job shall be taken up whose provider keeps none."""
    if isinstance(job, ImageJob) and job.resume is not None and not (settings is not None and settings.has_jobs):
        who = f"{candidate.backend} ({candidate.model_id})"
        text = f'it keeps no jobs that could be taken up again, so that resume="{job.resume}" means nothing there.'
        raise CapabilityError(f"{who}: {text} Name the model that the job was ordered from.")
