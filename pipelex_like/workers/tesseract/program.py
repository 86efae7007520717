"""Running the tesseract program, and ending it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pipelex_like.errors import BadRequestError, CapabilityError

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL = (
    "install it: `apt install tesseract-ocr` (Debian, Ubuntu), `brew install tesseract` (macOS), "
    "`winget install UB-Mannheim.TesseractOCR` (Windows)"
)
# Its installer for Windows does not put it on the PATH.
_WINDOWS = Path("C:/Program Files/Tesseract-OCR/tesseract.exe")
_PAGE = re.compile(r"^Page \d+", re.MULTILINE)
# It goes on with the other languages; text read as if it were English is worse than none.
_NO_LANGUAGE = "Failed loading language"


def program(who: str) -> str:
    """Give the path of the program. Raises CapabilityError that says how to install it."""
    found = shutil.which("tesseract")
    if found is None and _WINDOWS.is_file():
        found = str(_WINDOWS)
    if found is None:
        raise CapabilityError(f"{who}: the program tesseract is not on this machine; {INSTALL}")
    return found


class Reading:
    """Runs of the program for one document; `stop`, from any thread, ends the one at work and forbids more."""

    def __init__(self, command: Sequence[str], who: str) -> None:
        self._command = command
        self._who = who
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether no more will be read."""
        return self._stopped

    def stop(self) -> None:
        """End the process at work, if there is one."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def pages(self, picture: bytes) -> list[str]:
        """Give the text of each page in a picture file (a TIFF may have several). No page once stopped.

        Raises BadRequestError if the picture cannot be read, CapabilityError if a language is missing.
        """
        with self._lock:
            if self._stopped:
                return []
            pipe = subprocess.PIPE
            try:
                self._process = process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe)
            except OSError as error:
                raise CapabilityError(f"{self._who}: tesseract cannot be started: {error.strerror}") from error
        try:
            out, errors = process.communicate(picture)
        finally:
            with self._lock:
                self._process = None
        if self._stopped:
            return []
        log = errors.decode("utf-8", "replace")
        if process.returncode != 0 or _NO_LANGUAGE in log:
            raise self._failed(log)
        # Between pages stands a form feed, in some versions after the last one too; the log counts them.
        texts = out.decode("utf-8", "replace").split("\f")
        count = max(1, len(_PAGE.findall(log)))
        return [text.strip() for text in (texts + [""] * count)[:count]]

    def _failed(self, log: str) -> BadRequestError | CapabilityError:
        told = "; ".join(line.strip() for line in log.splitlines() if line.strip())[:300] or "it gave no reason"
        if _NO_LANGUAGE in log:
            return CapabilityError(
                f"{self._who}: tesseract lacks a language ({told}). Install it (Debian: tesseract-ocr-deu for German), "
                "or change `languages` of the backend"
            )
        return BadRequestError(f"{self._who}: tesseract cannot read the picture: {told}")
