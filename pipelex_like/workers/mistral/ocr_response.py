"""What an OCR answer says, as pages of ours. Pure."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types import EMPTY, ExtractReply, Image, Page, Usage, is_list, is_table
from pipelex_like.workers.counts import Counts
from pipelex_like.workers.mistral.ocr_request import wanted_pictures
from pipelex_like.workers.pixels import measured
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import ExtractJob
    from pipelex_like.workers.translate import Called


@dataclass(slots=True)
class _Pictures:
    """Takes pictures until the document's share is used up, as Mistral was asked to but does not promise."""

    wanted: bool
    left: int | None
    least: int
    notes: list[str] = field(default_factory=list[str])

    def of(self, page: Mapping[str, object], number: int) -> tuple[Image, ...]:
        items = page.get("images")
        found: list[Image] = []
        for item in items if self.wanted and is_list(items) else ():
            if self.left == 0:
                break
            picture = _picture(item) if is_table(item) else None
            if picture is None:
                self.notes.append(f"page {number}: a picture in it came without readable content and was left out")
            elif not picture.width or min(picture.width, picture.height) >= self.least:
                found.append(picture)
                self.left = None if self.left is None else self.left - 1
        return tuple(found)


def read_pages(
    answer: Mapping[str, object],
    called: Called,
    job: ExtractJob,
    *,
    request_id: str | None,
    adapted: tuple[str, ...],
) -> ExtractReply:
    """Give the pages that were asked for, in order. Raises InvalidResponseError if they are not all there."""
    items = answer.get("pages")
    if not is_list(items):
        raise unfit(called, "the answer has no `pages`")
    wanted, limit, least = wanted_pictures(job)
    pictures = _Pictures(wanted, limit, least or 0)
    numbered = {_number(item, at): item for at, item in enumerate(items) if is_table(item)}
    missing = [page for page in dict.fromkeys(job.pages) if page not in numbered]
    if missing:
        told = ", ".join(map(str, missing))
        raise unfit(called, f"page {told} was asked for and did not come", "Check that the document has it.")
    chosen = list(dict.fromkeys(job.pages)) or sorted(numbered)
    pages = tuple(
        Page(number=number, text=_text(numbered[number]), images=pictures.of(numbered[number], number))
        for number in chosen
    )
    return ExtractReply(
        pages=pages,
        usage=_usage(answer.get("usage_info"), len(items)),
        provider_request_id=request_id,
        adapted=(*adapted, *pictures.notes),
    )


def _number(page: Mapping[str, object], at: int) -> int:
    index = page.get("index")
    return (index if isinstance(index, int) else at) + 1


def _text(page: Mapping[str, object]) -> str:
    text = page.get("markdown")
    return text if isinstance(text, str) else ""


def _picture(item: Mapping[str, object]) -> Image | None:
    text, annotation = item.get("image_base64"), item.get("image_annotation")
    if not isinstance(text, str):
        return None
    try:
        data = b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except ValueError:
        return None
    return measured(data, annotation if isinstance(annotation, str) else None)


def _usage(value: object, came: int) -> Usage:
    """Pages are what is paid for; those that came stand in for a count that cannot be believed."""
    counts = Counts(value if is_table(value) else EMPTY)
    counted = counts.first("pages_processed")
    return Usage(pages=max(came, counted or 0), estimated=counts.odd or counted != came)
