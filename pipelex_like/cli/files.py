"""Files that commands read and write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.cli.failures import refuse

if TYPE_CHECKING:
    from pipelex_like.types import ExtractResult

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


def free_path(wanted: Path | None, mime: str) -> Path:
    """A path that does not exist yet: the wanted one, in it if it is a folder, or the same with a number; the suffix
    tells the format."""
    suffix = SUFFIXES.get(mime, ".bin")
    base = wanted or Path(f"image{suffix}")
    if base.is_dir():
        base /= f"image{suffix}"
    if base.suffix.lower() not in {suffix, ".jpeg" if suffix == ".jpg" else suffix}:
        base = base.with_name(base.name + suffix)
    number, path = 1, base
    while path.exists():
        number += 1
        path = base.with_name(f"{base.stem}-{number}{base.suffix}")
    return path


def page_numbers(text: str | None) -> list[int]:
    """`1-3,7` to [1, 2, 3, 7]; nothing to all pages, which is the empty list."""
    if text is None:
        return []
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or not 1 <= int(first) <= int(last or first):
            refuse(f"--pages wants numbers from 1, for example 1-3,7, not {text!r}")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def save_pictures(result: ExtractResult, folder: Path) -> dict[int, list[str]]:
    """Write the pictures of each page, and the page's own if there is one, into a folder that is there; give their
    paths by page number."""
    saved: dict[int, list[str]] = {}
    for page in result.pages:
        pictures = [*page.images, *([page.page_image] if page.page_image else [])]
        for position, picture in enumerate(pictures, start=1):
            path = free_path(folder / f"page{page.number}-{position}{SUFFIXES.get(picture.mime, '.bin')}", picture.mime)
            saved.setdefault(page.number, []).append(str(picture.save(path)))
    return saved
