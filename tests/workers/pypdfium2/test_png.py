from __future__ import annotations

import io

import pytest
from PIL import Image

from pipelex_like.workers.pypdfium2.png import png

MODES = {"grey": ("L", 1), "rgb": ("RGB", 3), "rgba": ("RGBA", 4)}


@pytest.mark.parametrize("colours", MODES)
def test_another_program_reads_the_same_pixels(colours: str) -> None:
    mode, samples = MODES[colours]
    rows = bytes(range(7 * 5 * samples))
    picture = Image.open(io.BytesIO(png(rows, 7, 5, colours=colours)))  # pyright: ignore
    assert (picture.mode, picture.size) == (mode, (7, 5))
    assert picture.tobytes() == rows


def test_rows_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="takes 12 bytes, not 11"):
        png(b"x" * 11, 2, 2, colours="rgb")
