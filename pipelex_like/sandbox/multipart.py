"""Forms with files (multipart/form-data, https://www.rfc-editor.org/rfc/rfc7578), read strictly. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message

from pipelex_like.sandbox.formats.base import Refusal

_DISPOSITION = re.compile(rb"^content-disposition:", re.IGNORECASE)
_MOST_PARTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a form."""

    name: str
    mime: str
    data: bytes = field(repr=False)


def is_multipart(content_type: str) -> bool:
    """Whether a body of that type is such a form."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_multipart(content_type: str, body: bytes) -> dict[str, object]:
    """Give the fields: texts, and Uploads; a name that ends in `[]`, or comes twice, holds a list. Raises Refusal."""
    boundary = _header("content-type", content_type).get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise _broken("its content type names no boundary")
    mark = b"\r\n--" + boundary.encode("latin-1", "replace")
    head, *parts = (b"\r\n" + body).split(mark)
    if head.strip() or len(parts) < 2 or parts[-1].rstrip() != b"--" or len(parts) > _MOST_PARTS:
        raise _broken("its parts are not marked off from each other")
    fields: dict[str, object] = {}
    for part in parts[:-1]:
        name, value = _part(part)
        held = fields.get(name)
        if isinstance(held, list):
            fields[name] = [*held, value]  # pyright: ignore[reportUnknownVariableType]
        elif held is not None:
            fields[name] = [held, value]
        else:
            fields[name] = [value] if name.endswith("[]") else value
    return fields


def _part(part: bytes) -> tuple[str, str | Upload]:
    head, gap, value = part.partition(b"\r\n\r\n")
    if not gap or not head.startswith(b"\r\n"):
        raise _broken("a part has no headers")
    lines = head[2:].split(b"\r\n")
    disposition = next((line for line in lines if _DISPOSITION.match(line)), None)
    if disposition is None:
        raise _broken("a part does not say which field it is")
    told = _header("content-disposition", disposition.partition(b":")[2].decode("utf-8", "replace").strip())
    name = told.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise _broken("a part does not say which field it is")
    filename = told.get_filename()
    if filename is None:
        try:
            return name, value.decode("utf-8")
        except UnicodeDecodeError:
            raise _broken(f"the field '{name}' is no UTF-8") from None
    types = [
        line.partition(b":")[2].decode("latin-1").strip() for line in lines if line.lower().startswith(b"content-type:")
    ]
    return name, Upload(name=filename, mime=types[0] if types else "application/octet-stream", data=value)


def _header(name: str, value: str) -> Message:
    message = Message()
    message[name] = value
    return message


def _broken(why: str) -> Refusal:
    return Refusal(f"The form cannot be read: {why}.", code="invalid_form")
