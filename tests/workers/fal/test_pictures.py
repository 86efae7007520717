"""How the pictures come: from an address, or inside the answer."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from workers.fal.asked import accepted, completed, drawing, drawn, painter, png
from workers.given import LIMITS, PNG, access
from workers.upstream import Answer, Upstream, json_answer

from pipelex_like.errors import CallError, InvalidResponseError
from pipelex_like.workers.fal.images import FalImages

DATA = f"data:image/png;base64,{b64encode(PNG).decode()}"


async def draw(upstream: Upstream, *answers: Answer, n: int = 1, **more: object) -> object:
    upstream.answers = [accepted(upstream), completed(), *answers]
    worker = FalImages(access(upstream.url))
    try:
        return await worker.draw(drawing(n=n, aspect_ratio="16:9"), painter(), replace(LIMITS, **more))  # pyright: ignore
    except CallError as error:
        return error
    finally:
        await worker.aclose()


async def test_a_data_uri_is_not_fetched(upstream: Upstream) -> None:
    reply = await draw(upstream, drawn(DATA))
    assert reply.images[0].data == PNG  # pyright: ignore
    assert len(upstream.seen) == 3


async def test_a_single_picture_may_stand_alone(upstream: Upstream) -> None:
    reply = await draw(upstream, json_answer({"image": {"url": DATA}}))
    assert reply.images[0].data == PNG  # pyright: ignore


async def test_what_came_is_compared_with_what_was_asked(upstream: Upstream) -> None:
    reply = await draw(upstream, drawn(DATA), n=2)
    assert reply.adapted == ("n: asked for 2 pictures, got 1", "aspect_ratio: asked for 16:9, got 1x1")  # pyright: ignore


@pytest.mark.parametrize(
    "url", ["https://localhost/a.png", "http://example.com/a.png", "file:///etc/passwd", "ftp://a/b"]
)
async def test_a_picture_elsewhere_is_only_fetched_from_public_https(upstream: Upstream, url: str) -> None:
    error = await draw(upstream, drawn(url))
    assert isinstance(error, InvalidResponseError)
    assert "refused" in str(error)
    assert len(upstream.seen) == 3


async def test_bytes_that_are_no_picture_are_told(upstream: Upstream) -> None:
    error = await draw(upstream, drawn(f"{upstream.url}/a.svg"), Answer(body=[b"<svg></svg>"]))
    assert "none of PNG, JPEG, WebP and GIF" in str(error)


async def test_a_huge_picture_is_cut_off(upstream: Upstream) -> None:
    error = await draw(
        upstream, drawn(f"{upstream.url}/a.png"), Answer(body=[PNG, b" " * 9000]), max_response_bytes=8000
    )
    assert "larger than 8000 bytes" in str(error)
    error = await draw(upstream, drawn(DATA + "A" * 200), max_response_bytes=300)
    assert isinstance(error, CallError)


async def test_broken_base64_is_told(upstream: Upstream) -> None:
    assert "broken base64" in str(await draw(upstream, drawn("data:image/png;base64,%%%")))


async def test_several_are_fetched_in_their_order(upstream: Upstream) -> None:
    reply = await draw(upstream, drawn(f"{upstream.url}/a.png", DATA, f"{upstream.url}/b.png"), png(), png(), n=3)
    assert len(reply.images) == 3  # pyright: ignore
    assert [seen.path for seen in upstream.seen[3:]] == ["/a.png", "/b.png"]
