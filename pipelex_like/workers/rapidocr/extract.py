"""OCR by RapidOCR in this process: no program to install, models come with the package, nothing leaves the machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, CapabilityError
from pipelex_like.workers.pixels import measured
from pipelex_like.workers.rapidocr.engine import MOST_PIXELS, Engine, Reading
from pipelex_like.workers.scans import read_scan

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, ExtractReply
    from pipelex_like.workers.base import Access, Limits


class RapidOcr:
    """Reads scans and pictures; `page_images` gives a picture of each page too."""

    def __init__(self, access: Access) -> None:
        self._backend = access.backend
        self._engine = Engine()

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages. Raises CapabilityError for what is neither PDF nor picture, BadRequestError for one that is
        damaged, CallTimeoutError past the limit: the page under way is then finished in the background, and no other
        is begun."""
        who = f"{self._backend} ({candidate.model_id})"
        picture = measured(job.document.data) if job.document.data is not None else None
        if picture is not None and picture.width * picture.height > MOST_PIXELS:
            size = f"{picture.width} x {picture.height}"
            raise CapabilityError(f"{who}: a picture of {size} pixels is too large; make it smaller")
        reading = Reading(self._engine, who)
        try:
            async with asyncio.timeout(limits.timeout):
                return await asyncio.to_thread(
                    read_scan, job, who, engine="RapidOCR", texts=reading.pages, stopped=lambda: reading.stopped
                )
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{who}: reading took longer than {limits.timeout:g} s; ask for fewer pages"
            ) from error
        finally:
            reading.stopped = True

    async def aclose(self) -> None:
        """Nothing is open."""
