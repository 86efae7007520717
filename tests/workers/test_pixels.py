from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image as Pillow

from pipelex_like.workers.pixels import measured


def picture(form: str, size: tuple[int, int], **options: object) -> bytes:
    out = BytesIO()
    Pillow.new("RGB", size, "red").save(out, form, **options)
    return out.getvalue()


CASES = [
    ("PNG", {}),
    ("GIF", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True, "comment": b"\xff\xc0 not a frame"}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\x00\x00II*\x00"}),
]


@pytest.mark.parametrize(("form", "options"), CASES)
@pytest.mark.parametrize("size", [(640, 480), (1, 300), (1023, 1025)])
def test_pictures_are_measured_as_pillow_wrote_them(
    form: str, options: dict[str, object], size: tuple[int, int]
) -> None:
    image = measured(picture(form, size, **options), "caption")
    assert image is not None
    assert (image.width, image.height, image.mime, image.caption) == (*size, f"image/{form.lower()}", "caption")


@pytest.mark.parametrize(("form", "options"), CASES)
def test_a_header_that_is_cut_off_is_no_crash(form: str, options: dict[str, object]) -> None:
    whole = picture(form, (64, 48), **options)
    for length in range(12, len(whole)):
        image = measured(whole[:length])
        assert image is not None
        assert (image.width, image.height) in ((0, 0), (64, 48))


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"%PDF-1.4", b"RIFF0000WAVE"])
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert measured(data) is None
