"""Messages of Mistral's in the form that OpenAI's are read in, after what only Mistral asks of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.formats.openai_parts import decoded
from pipelex_like.sandbox.model.papers import papers_of
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_CALL_ID = re.compile(r"[A-Za-z0-9]{9}\Z")
_Fields = dict[str, object]


def as_openai(value: object) -> object:
    """Rewrite the messages; what is of a wrong shape stays, for the reader to refuse. Raises Refusal."""
    if not is_list(value):
        return value
    _check_last(value[-1] if value else None)
    return [_message(item, f"messages[{at}]") if is_table(item) else item for at, item in enumerate(value)]


def _check_last(last: object) -> None:
    if is_table(last) and last.get("role") == "assistant" and last.get("prefix") is not True:
        raise Refusal(
            "The last message must be of the role user or tool, or of the assistant with prefix true.",
            code="3230",
            kind="invalid_request_message_order",
        )


def _message(message: Mapping[str, object], where: str) -> _Fields:
    calls = message.get("tool_calls")
    ids = [call.get("id") for call in calls if is_table(call)] if is_list(calls) else []
    for given in [*ids, message.get("tool_call_id")]:
        if isinstance(given, str) and not _CALL_ID.match(given):
            raise Refusal(
                f"Tool call id was {given} but must be a-z, A-Z, 0-9, with a length of 9.",
                code="3280",
                kind="invalid_function_call",
            )
    out = {key: item for key, item in message.items() if key != "prefix"}
    content = message.get("content")
    if is_list(content):
        parts = [part for at, item in enumerate(content) for part in _parts(item, f"{where}.content[{at}]")]
        # Reasoning alone beside tool calls leaves nothing.
        out["content"] = parts or ("" if message.get("role") == "assistant" else content)
    return out


def _parts(part: object, where: str) -> list[object]:
    if not is_table(part):
        return [part]
    image, document = part.get("image_url"), part.get("document_url")
    match part.get("type"):
        case "thinking":
            return []
        case "image_url" if isinstance(image, str):
            return [{"type": "image_url", "image_url": {"url": image}}]
        case "document_url" if isinstance(document, str):
            file: _Fields = {"filename": part.get("document_name") or "document", "file_url": document}
            return [{"type": "file", "file": file}, *_texts(document, f"{where}.document_url")]
        case _:
            return [part]


def _texts(url: str, where: str) -> list[object]:
    """The text layer of a PDF; an address is not fetched."""
    if url.startswith(("https://", "http://")):
        return []
    kind, data = decoded(url, where)
    papers = papers_of(data) if kind == "application/pdf" else ()
    if papers is None:
        raise Refusal("The document is no PDF that can be opened.", code="3310", kind="document_parser_error")
    return [{"type": "text", "text": paper.text} for paper in papers if paper.text]
