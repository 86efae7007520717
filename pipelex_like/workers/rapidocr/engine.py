"""The RapidOCR engine of this process: models out of its wheel, text put into lines."""

from __future__ import annotations

import io
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageSequence
from rapidocr import RapidOCR

from pipelex_like.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# One picture of that many pixels takes about a gigabyte; more is a mistake or an attack.
MOST_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text with the middle of its box and the box's left edge and height, in pixels."""

    text: str
    middle: float
    left: float
    height: float


class Reading:
    """Reads the pictures of one document. RapidOCR keeps parameters of a call on itself: one picture at a time."""

    def __init__(self, engine: Engine, who: str) -> None:
        self._engine = engine
        self._who = who
        self.stopped = False

    def pages(self, picture: bytes) -> list[str]:
        """Give the text of a picture, a page for each that a TIFF holds. Raises BadRequestError if it cannot be
        read."""
        try:
            return [self._engine.text(page) for page in _pages(picture) if not self.stopped]
        except (ValueError, OSError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
            raise BadRequestError(f"{self._who}: the picture cannot be read; it may be damaged or cut off") from error


class Engine:
    """Loaded when it is first used, which takes about a second."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: Any = None

    def text(self, picture: bytes) -> str:
        """Give the text of a picture, line by line from the top. Raises what RapidOCR raises."""
        with self._lock:
            if self._loaded is None:
                self._loaded = RapidOCR(params={"Global.log_level": "critical"})
            found: Any = self._loaded(picture)
        if found.txts is None:
            return ""
        return lines(_word(text, box) for text, box in zip(found.txts, found.boxes, strict=True))


_TIFF = (b"II*\0", b"MM\0*")


def _pages(picture: bytes) -> Iterator[bytes]:
    """RapidOCR reads the first page of a TIFF alone."""
    if not picture.startswith(_TIFF):
        yield picture
        return
    with Image.open(io.BytesIO(picture)) as file:
        for page in ImageSequence.Iterator(file):
            out = io.BytesIO()
            page.convert("RGB").save(out, "PNG")
            yield out.getvalue()


def _word(text: str, box: Any) -> Word:
    heights = [float(point[1]) for point in box]
    top, bottom = min(heights), max(heights)
    return Word(text, (top + bottom) / 2, min(float(point[0]) for point in box), bottom - top)


def lines(words: Iterable[Word]) -> str:
    """Put pieces of text that stand side by side on one line, from left to right, and the lines below each other."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.middle):
        if rows and abs(word.middle - rows[-1][-1].middle) < min(word.height, rows[-1][-1].height) / 2:
            rows[-1].append(word)
        else:
            rows.append([word])
    return "\n".join(" ".join(word.text for word in sorted(row, key=lambda word: word.left)) for row in rows)
