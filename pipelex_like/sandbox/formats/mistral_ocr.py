"""POST /v1/ocr, as https://docs.mistral.ai/api/endpoint/ocr describes it: the text layer of PDFs, else placeholders.

Office files with pictures need base64 or no pictures: https://github.com/danny-avila/LibreChat/issues/7667
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Refusal, json_reply
from pipelex_like.sandbox.formats.mistral_dialect import refuse_unknown
from pipelex_like.sandbox.formats.openai_parts import decoded, picture_at
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.model.papers import Paper, papers_of
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model.papers import Inset
    from pipelex_like.sandbox.wire import Reply

_CHECKS: Mapping[str, Check] = {
    "include_image_base64": checks.boolean,
    "image_limit": checks.integer(0),
    "image_min_size": checks.integer(0),
    "document_annotation_prompt": checks.text,
    "table_format": checks.one_of("markdown", "html"),
    "extract_header": checks.boolean,
    "extract_footer": checks.boolean,
    "include_blocks": checks.boolean,
    "confidence_scores_granularity": checks.one_of("word", "page", "block"),
}
_OTHERS = ("model", "document", "pages", "id", "bbox_annotation_format", "document_annotation_format")
_KNOWN = frozenset({*_CHECKS, *_OTHERS})
_DPI = 200
_POINTS = 72
_A4 = (595.0, 842.0)
_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class _Document:
    papers: tuple[Paper, ...]
    size: int | None = None


def answer_ocr(call: Call) -> Reply:
    """Read the document and answer with its pages."""
    body = call.body
    model = checks.string(body, "model", "")
    refuse_unknown(body, _KNOWN)
    checks.check(body, _CHECKS)
    if body.get("document") is None:
        raise checks.missing("document")
    given = checks.table(body["document"], "document")
    _refuse_bare_pictures(given, body)
    document = _document(given)
    chosen = _chosen(body.get("pages"), len(document.papers))
    drawer = _Drawer(body)
    pages = [_page(at, document.papers[at], drawer) for at in chosen]
    usage = call.usage({"pages_processed": len(pages), "doc_size_bytes": document.size})
    counted: dict[str, object] = {} if usage is None else {"usage_info": usage}
    return json_reply({"pages": pages, "model": model, "document_annotation": None, **counted})


def _refuse_bare_pictures(given: Mapping[str, object], body: Mapping[str, object]) -> None:
    if "officedocument" not in str(given.get("document_url"))[:100]:
        return
    if not body.get("include_image_base64") and body.get("image_limit") != 0:
        told = "For office files, extracted images can only be returned in base64; try setting `image_limit=0` instead."
        raise Refusal(told, param="include_image_base64")


def _document(given: Mapping[str, object]) -> _Document:
    kind = checks.string(given, "type", "document")
    match kind:
        case "document_url":
            return _by_url(checks.string(given, "document_url", "document"))
        case "image_url":
            image = given.get("image_url")
            fields = {"image_url": image.get("url")} if is_table(image) else given
            url = checks.string(fields, "image_url", "document")
            picture = picture_at(url, "document.image_url")
            width, height = picture.size or _A4
            text = f"Simulated text of a picture ({picture})."
            return _Document((Paper(text, (width * _POINTS / _DPI, height * _POINTS / _DPI), ()),))
        case "file":
            name = checks.string(given, "file_id", "document")
            return _Document((Paper(f"Simulated text of the file {name}.", _A4, ()),))
        case _:
            raise checks.wrong_value(kind, "document.type", ("document_url", "image_url", "file"))


def _by_url(url: str) -> _Document:
    if url.startswith(("https://", "http://")):
        return _Document((Paper(f"Simulated text of {url}, which was not fetched.", _A4, ()),))
    kind, data = decoded(url, "document.document_url")
    if kind != "application/pdf":
        if kind.startswith("image/"):
            raise Refusal("A picture is sent as 'image_url', not as 'document_url'.", param="document.document_url")
        return _Document((Paper(f"Simulated text of a document ({kind}).", _A4, ()),), len(data))
    papers = papers_of(data)
    if papers is None:
        raise Refusal("The document is no PDF that can be opened.", code="3310", kind="document_parser_error")
    return _Document(papers, len(data))


def _chosen(value: object, count: int) -> list[int]:
    if value is None:
        return list(range(count))
    numbers: list[int] = []
    if isinstance(value, str):
        for part in value.split(","):
            first, _, last = part.strip().partition("-")
            if not first.isdecimal() or not (last or first).isdecimal():
                raise Refusal(f"'pages' takes numbers and ranges, not '{value}'.", param="pages")
            numbers += range(int(first), min(int(last or first), count) + 1)
    elif is_list(value):
        for at, item in enumerate(value):
            checks.integer(0)(item, f"pages[{at}]")
            numbers += [item] if isinstance(item, int) else []
    else:
        raise checks.wrong_type(value, "pages", "an array or a string")
    beyond = [number for number in numbers if number >= count]
    if beyond:
        raise Refusal(f"The document has {count} pages, counted from 0; there is no {beyond[0]}.", param="pages")
    return numbers


class _Drawer:
    """Takes pictures as long as the request allows."""

    def __init__(self, body: Mapping[str, object]) -> None:
        limit, least = body.get("image_limit"), body.get("image_min_size")
        self._left = limit if isinstance(limit, int) else None
        self._least = least if isinstance(least, int) else 0
        self._with_bytes = bool(body.get("include_image_base64"))
        self._taken = 0

    def take(self, inset: Inset, width: int, height: int) -> dict[str, object] | None:
        """Tell of one picture, or None for one that is too small or too many."""
        if self._left == 0 or min(inset.size) < self._least:
            return None
        self._left = None if self._left is None else self._left - 1
        name = f"img-{self._taken}.png"
        self._taken += 1
        left, top, right, bottom = inset.box
        return {
            "id": name,
            "top_left_x": round(left * width),
            "top_left_y": round(top * height),
            "bottom_right_x": round(right * width),
            "bottom_right_y": round(bottom * height),
            "image_base64": _drawn(name, inset.size) if self._with_bytes else None,
            "image_annotation": None,
        }


def _drawn(name: str, size: tuple[int, int]) -> str:
    width, height = (min(max(1, side), _LARGEST) for side in size)
    data = draw(name, (width, height))
    return f"data:image/png;base64,{b64encode(data).decode()}"


def _page(at: int, paper: Paper, drawer: _Drawer) -> dict[str, object]:
    width, height = (round(points * _DPI / _POINTS) for points in paper.size)
    found = [drawer.take(inset, width, height) for inset in paper.insets]
    images = [image for image in found if image is not None]
    text = paper.text or "Simulated text of a page that is a picture."
    links = [f"![{image['id']}]({image['id']})" for image in images]
    return {
        "index": at,
        "markdown": "\n\n".join([text, *links]),
        "images": images,
        "dimensions": {"dpi": _DPI, "height": height, "width": width},
        "tables": [],
        "hyperlinks": [],
        "header": None,
        "footer": None,
    }
