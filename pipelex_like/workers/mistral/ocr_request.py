"""A document as the body of an OCR request. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelex_like.errors import BadRequestError, CapabilityError
from pipelex_like.types import is_table, thaw
from pipelex_like.workers.capability import OFFICE, is_text
from pipelex_like.workers.mistral.request import document_part
from pipelex_like.workers.openai.messages import Body, data_uri
from pipelex_like.workers.pixels import sniffed

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, Media

_HEADER_WITHIN = 1024


def ocr_body(job: ExtractJob, candidate: Candidate) -> tuple[Body, tuple[str, ...]]:
    """Give the body, and a line for each setting that was left out.

    Raises CapabilityError for what needs no reading and for pages of a Word file, BadRequestError for pages that a
    picture does not have.
    """
    who = f"{candidate.backend} ({candidate.model_id})"
    document = typed(job.document)
    name = document.name or "the document"
    if is_text(document):
        raise CapabilityError(
            f"{who}: {name} is text ({document.mime}); it needs no OCR, so hand it to a model as it is"
        )
    picture = document.mime.startswith("image/")
    if picture and set(job.pages) - {1}:
        asked = ", ".join(str(page) for page in job.pages if page != 1)
        raise BadRequestError(f"{who}: page {asked} was asked for, and {name} is a picture, which has 1 page")
    if OFFICE.get(document.mime) == "docx" and job.pages:
        told = f"{who}: {name} is a Word file, which Mistral reads as one page: leave `pages` out"
        raise CapabilityError(f"{told}, or save it as a PDF.")
    body: Body = {"model": candidate.model_id, "document": _picture(document) if picture else document_part(document)}
    if job.pages and not picture:
        # Pages count from 0 there.
        body["pages"] = [page - 1 for page in dict.fromkeys(job.pages)]
    body.update(_pictures(job, document))
    adapted = ("page_images: left out, Mistral gives no pictures of pages",) if job.settings.get("page_images") else ()
    extra = thaw(job.settings.get("extra", {}))
    return {**body, **extra} if is_table(extra) else body, adapted


def typed(media: Media) -> Media:
    """Give the file with the MIME type that its bytes tell, whatever it was called: the wrong request is refused."""
    if media.data is None:
        return media
    found = "application/pdf" if b"%PDF-" in media.data[:_HEADER_WITHIN] else sniffed(media.data)
    return replace(media, mime=found) if found else media


def _picture(media: Media) -> Body:
    return {"type": "image_url", "image_url": media.url if media.data is None else data_uri(media)}


def wanted_pictures(job: ExtractJob) -> tuple[bool, int | None, int | None]:
    """Say whether pictures are wanted, how many at most, and how large at least (pixels of the smaller side)."""
    most, least = job.settings.get("max_nb_images"), job.settings.get("image_min_size")
    limit = most if isinstance(most, int) else None
    size = least if isinstance(least, int) else None
    return limit != 0 and (limit is not None or size is not None), limit, size


def _pictures(job: ExtractJob, document: Media) -> Body:
    wanted, limit, size = wanted_pictures(job)
    body: Body = {"include_image_base64": wanted}
    if not wanted and document.mime in OFFICE:
        body["image_limit"] = 0  # pictures of office files come with their content or not at all
    if wanted and limit is not None:
        body["image_limit"] = limit
    if wanted and size:
        body["image_min_size"] = size
    return body
