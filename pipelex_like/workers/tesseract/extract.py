"""OCR by the tesseract program on this machine: pictures as they are, PDFs drawn page by page."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, CapabilityError
from pipelex_like.workers.scans import OCR_DPI, read_scan
from pipelex_like.workers.tesseract.program import Reading, program

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, ExtractReply
    from pipelex_like.workers.base import Access, Limits

DEFAULT_LANGUAGES = "eng"
_LANGUAGES = re.compile(r"[A-Za-z0-9_]+(?:\+[A-Za-z0-9_]+)*")


class TesseractOcr:
    """Reads scans. `languages` of the backend are tesseract's codes, `eng` or `eng+deu`; `page_images` gives a
    picture of each page too."""

    def __init__(self, access: Access) -> None:
        self._backend = access.backend
        given = access.text("languages") or DEFAULT_LANGUAGES
        self._languages = "+".join(re.split(r"[+,;\s]+", given.strip()))

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages. Raises CapabilityError without the program or a language and for what is neither PDF nor
        picture, BadRequestError for one that is damaged, CallTimeoutError past the limit, with the program ended."""
        who = f"{self._backend} ({candidate.model_id})"
        if not _LANGUAGES.fullmatch(self._languages):
            raise CapabilityError(f'{who}: languages = "{self._languages}" is not of the form eng or eng+deu')
        command = (program(who), "stdin", "stdout", "-l", self._languages, "--dpi", str(OCR_DPI))
        reading = Reading(command, who)
        try:
            async with asyncio.timeout(limits.timeout):
                return await asyncio.to_thread(
                    read_scan, job, who, engine="tesseract", texts=reading.pages, stopped=lambda: reading.stopped
                )
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{who}: reading took longer than {limits.timeout:g} s; ask for fewer pages"
            ) from error
        finally:
            reading.stop()

    async def aclose(self) -> None:
        """Nothing is held between calls."""
