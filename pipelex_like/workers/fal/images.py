"""Pictures through fal's queue: ordered, waited for, fetched."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.errors import BadRequestError, CallError, CallTimeoutError, NotFoundError, ServerError
from pipelex_like.workers.base import Unfinished, way_back
from pipelex_like.workers.downloads import Downloads
from pipelex_like.workers.fal.client import Client
from pipelex_like.workers.fal.endpoint import is_application, is_job
from pipelex_like.workers.fal.request import order_of
from pipelex_like.workers.fal.response import found_in, reply_of
from pipelex_like.workers.fal.waiting import Work, cancelled, finished
from pipelex_like.workers.pictured import inside, picture_of
from pipelex_like.workers.translate import Called, HttpRefusal, translating
from pipelex_like.workers.transport import moment

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import Image, ImageJob, ImageReply
    from pipelex_like.workers.base import Access, Limits

# Timers of a loop fire up to its clock's resolution too early.
_EARLY = 0.001
# Statuses of a result that say nothing of the job itself.
_PASSING = frozenset({401, 403, 408, 425, 429})


class FalImages:
    """Draws through the applications on fal."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(access)
        self._downloads = Downloads(access, self._client.base)

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the pictures. Raises CallError subclasses only, with `job_id` where the job can be taken up again.

        A job whose time is over goes on at the provider; one whose caller cancels is cancelled there too, as is one
        that has waited in the queue for too long.
        """
        called = Called.of(self._access, candidate)
        _check(job, candidate, called)
        order = None if job.resume else order_of(job, candidate)
        work = Work(self._client.ticket(called, candidate.spec.headers, limits), order)
        now = asyncio.get_running_loop().time
        try:
            with translating(called):
                async with asyncio.timeout_at(moment(now(), limits.timeout, limits.until)):
                    return await self._drawn(job, work, called=called, application=candidate.model_id, limits=limits)
        except CallError as error:
            raise _named(error, work) from error.__cause__
        except asyncio.CancelledError as stop:
            if work.job_id is not None:
                if limits.until is not None and now() >= limits.until - _EARLY:
                    stop.args = (*stop.args, Unfinished(work.job_id))
                else:
                    await cancelled(work.ticket, called)
            raise

    async def _drawn(
        self, job: ImageJob, work: Work, *, called: Called, application: str, limits: Limits
    ) -> ImageReply:
        if work.order is None:
            await work.ticket.take_up(application, job.resume or "")
        else:
            await work.ticket.submit(application, work.order.body)
        failure = await finished(work, limits, called)
        answer = await _result(work)
        work.over = True
        if failure:
            raise ServerError(called.says(f"the job failed: {failure}"), status=200)
        found = found_in(answer, called)
        work.over = False
        images: list[Image] = []
        for url in found.urls:
            if url.startswith("data:"):
                data = inside(url, limits.max_response_bytes, called)
            else:
                data = await self._downloads.fetch(url, limits, called)
            images.append(picture_of(data, called))
        return reply_of(tuple(images), found, work.order, work.ticket.job_id)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._downloads.aclose()


def _check(job: ImageJob, candidate: Candidate, called: Called) -> None:
    if not is_application(candidate.model_id):
        way_out = f'Write it with its owner, as `model_id = "fal-ai/flux/dev"`, in backends/{called.backend}.toml.'
        raise NotFoundError(called.says(f'"{candidate.model_id}" is no path of an application on fal', way_out))
    if job.resume is not None and not is_job(job.resume):
        raise BadRequestError(called.says(f"resume: {job.resume!r} is no id of a job on fal"))


async def _result(work: Work) -> dict[str, object]:
    try:
        return await work.ticket.result()
    except HttpRefusal as refusal:
        by_application = "x-fal-error-type" in refusal.headers or b'"error_type"' in refusal.body
        work.over = by_application or (refusal.status < 500 and refusal.status not in _PASSING)
        raise


def _named(error: CallError, work: Work) -> CallError:
    """Give the error with what fal says of trying again, and the way back to a job that is not lost."""
    cause = error.__cause__
    said = cause.headers.get("x-fal-retryable") if isinstance(cause, HttpRefusal) else None
    retryable = error.retryable if said not in ("true", "false") else said == "true"
    job_id = work.job_id
    text = str(error)
    if job_id is not None:
        text = " ".join(filter(None, (text, work.place, way_back(job_id))))
    named = type(error)(
        text,
        status=error.status,
        retryable=retryable,
        retry_after=error.retry_after,
        job_id=job_id,
    )
    if isinstance(named, CallTimeoutError):
        named.uncharged = isinstance(error, CallTimeoutError) and error.uncharged
    return named
