"""Files that callers hand in: a path, bytes, a URL, a data URI or a Media, with their MIME type told from the bytes."""

from __future__ import annotations

from base64 import b64decode
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from pipelex_like.types import Media
from pipelex_like.workers.pixels import sniffed

if TYPE_CHECKING:
    from collections.abc import Mapping

MediaLike = str | Path | bytes | Media

_TEXTS: Mapping[str, str] = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "application/xml",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
}
_OTHERS: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_OFFICE: Mapping[bytes, str] = {b"word/document": ".docx", b"ppt/presentation": ".pptx", b"xl/workbook": ".xlsx"}
UNKNOWN = "application/octet-stream"


def read_media(given: object) -> Media:
    """Give the file as Media.

    Raises TypeError for anything else than the forms above, ValueError for bytes that are empty, corrupt or of no
    kind that can be told, and OSError for a file that cannot be read.
    """
    match given:
        case Media():
            return given
        case bytes() | bytearray():
            return _from_bytes(bytes(given), name=None, declared=None)
        case Path():
            return _from_file(given)
        case str() if given.startswith("data:"):
            return _from_data_uri(given)
        case str() if "://" in given:
            return _from_url(given)
        case str():
            return _from_file(Path(given))
        case _:
            raise TypeError(f"expected a path, bytes, a URL, a data URI or a Media, got {type(given).__name__}")


def sniff(data: bytes) -> str | None:
    """Tell the MIME type from the first bytes, or None."""
    picture = sniffed(data)
    if picture is not None:
        return picture
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "image/tiff"
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    return "application/pdf" if b"%PDF-" in data[:1024] else None


def _office(archive: bytes) -> str | None:
    # The list of what an archive holds stands at its end, behind any other office file that is packed in it.
    last = max(_OFFICE, key=archive.rfind)
    return _OTHERS[_OFFICE[last]] if last in archive else None


def _from_file(path: Path) -> Media:
    path = path.expanduser()
    return _from_bytes(path.read_bytes(), name=path.name, declared=None)


def _from_url(url: str) -> Media:
    parts = urlsplit(url)
    if parts.scheme == "file":
        raise ValueError(f"{url}: pass the path itself, without file://")
    name = PurePosixPath(parts.path).name
    suffix = PurePosixPath(name).suffix.lower()
    return Media(mime=_OTHERS.get(suffix) or _TEXTS.get(suffix) or UNKNOWN, url=url, name=name or None)


def _from_data_uri(uri: str) -> Media:
    head, comma, body = uri[5:].partition(",")
    declared, *params = head.split(";")
    if not comma:
        raise ValueError("a data URI has no comma: it should look like data:image/png;base64,iVBOR...")
    if "base64" not in params:
        return _from_bytes(unquote_to_bytes(body), name=None, declared=declared or "text/plain")
    return _from_bytes(decode_base64(body, "the data URI"), name=None, declared=declared or None)


def decode_base64(text: str, what: str) -> bytes:
    """Give the bytes; raises ValueError, naming `what`, where the text is no base64."""
    try:
        return b64decode(unquote_to_bytes(text), validate=True)
    except ValueError as error:
        raise ValueError(f"{what} holds no valid base64: {error}") from None


def _from_bytes(data: bytes, *, name: str | None, declared: str | None) -> Media:
    shown = name or "the file given as bytes"
    if not data:
        raise ValueError(f"{shown} is empty")
    mime = sniff(data) or declared
    if mime is None:
        data = _as_utf8(data)
        mime = _by_name(data, name)
    if mime is None:
        raise ValueError(f"{shown}: of what type it is cannot be told; pass Media(mime=..., data=...)")
    return Media(mime=mime, data=data, name=name)


def _by_name(data: bytes, name: str | None) -> str | None:
    suffix = PurePosixPath(name or "").suffix.lower()
    if suffix in _OTHERS and not _OTHERS[suffix].startswith("image/") and suffix != ".pdf":
        return _OTHERS[suffix]
    if suffix in _OTHERS:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        if suffix in _TEXTS:
            raise ValueError(f"{name} is no UTF-8 text; save it as UTF-8") from None
        return None
    return _TEXTS.get(suffix, "text/plain")


def _as_utf8(data: bytes) -> bytes:
    """Texts say by their first bytes that they are UTF-16, or UTF-8 after all; anything else stays as it is."""
    for mark, encoding in ((BOM_UTF8, "utf-8-sig"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            with suppress(UnicodeDecodeError):
                return data.decode(encoding).encode()
    return data
