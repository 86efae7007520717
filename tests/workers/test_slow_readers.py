"""Only waiting for the provider counts, never a reader who takes time; and who reads slowly holds the sender back.

Socket timeouts run on real time, at 50 to 200 ms.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from usage.formats import STREAMED, asked_of, golden, opened, wire
from workers.given import LIMITS, access, candidate, chunk, job
from workers.upstream import Upstream, sse

from pipelex_like.errors import CallTimeoutError
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import EndPiece, FrozenDict, TextPiece
from pipelex_like.workers.base import Access, Limits
from pipelex_like.workers.local.llm import LocalLlm
from pipelex_like.workers.local.running import Address, ModelKey, Running
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.transport import EventReader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from pipelex_like.types import Piece

TIGHT = replace(LIMITS, first_event=2, between_events=0.1)
STREAM = [chunk({"content": "a"}), chunk({"content": "b"}), chunk({"content": "c"}), chunk(reason="stop")]


async def slowly(pieces: AsyncGenerator[Piece], seconds: float) -> list[Piece]:
    found: list[Piece] = []
    async with aclosing(pieces):
        async for piece in pieces:
            found.append(piece)
            await asyncio.sleep(seconds)
    return found


@pytest.mark.parametrize(("name", "worker"), STREAMED)
async def test_a_slow_reader_is_not_late(upstream: Upstream, name: str, worker: str) -> None:
    told = golden(name)
    upstream.answers = [replace(wire(worker, told["events"]), pause=0.02)]
    async with opened(worker, upstream.url) as running:
        found = await slowly(running.stream(job(), asked_of(name, worker), TIGHT), 0.13)
    assert isinstance(found[-1], EndPiece)
    assert len(found) > 1


@pytest.mark.parametrize(("name", "worker"), STREAMED)
async def test_a_slow_provider_is(upstream: Upstream, name: str, worker: str) -> None:
    upstream.answers = [replace(wire(worker, golden(name)["events"]), pause=0.3)]
    async with opened(worker, upstream.url) as running:
        began = time.monotonic()
        with pytest.raises(CallTimeoutError):
            await slowly(running.stream(job(), asked_of(name, worker), TIGHT), 0)
    assert time.monotonic() - began < 2


async def test_the_time_of_the_reader_counts_for_the_whole_stream(upstream: Upstream) -> None:
    upstream.answers = [replace(sse(*STREAM), pause=0.01)]
    worker = OpenAiLlm(access(upstream.url))
    found: list[Piece] = []
    with pytest.raises(CallTimeoutError):
        async for piece in worker.stream(job(), candidate(), replace(LIMITS, max_stream_seconds=0.2)):
            found.append(piece)
            await asyncio.sleep(0.15)
    await worker.aclose()
    assert [piece.text for piece in found if isinstance(piece, TextPiece)] == ["a", "b"]


async def test_a_stream_whose_time_is_over_ends_even_if_all_of_it_is_there() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"data: 1\n\n"

    now = asyncio.get_running_loop().time
    reader = EventReader(chunks(), Limits(), last=now() + 0.05)
    read = 0
    with pytest.raises(TimeoutError):
        while await reader.batch():
            read += 1
    assert read


class Slow(Running):
    """A model that takes a while to load, and is served by the test's own upstream."""

    def __init__(self, key: ModelKey, url: str, seconds: float) -> None:
        super().__init__(key)
        self.users = 1
        self._slow_address = Address(f"{url}", "local-key")
        self._seconds = seconds

    def address(self) -> Address:
        time.sleep(self._seconds)
        return self._slow_address


@asynccontextmanager
async def local(tmp_path: Path, url: str, seconds: float) -> AsyncGenerator[tuple[LocalLlm, Any]]:
    file = (tmp_path / "m.gguf").resolve()
    file.write_bytes(b"GGUF")
    worker = LocalLlm(Access(backend="local", sdk="local", keys=FrozenDict()))
    key = ModelKey(file, 4096)
    worker._models[key] = Slow(key, url, seconds)  # pyright: ignore[reportPrivateUsage]
    try:
        yield worker, candidate(str(file))
    finally:
        await worker.aclose()


async def test_a_slow_reader_of_a_local_model_is_not_late(upstream: Upstream, tmp_path: Path) -> None:
    upstream.answers = [replace(sse(*STREAM), pause=0.02)]
    async with local(tmp_path, upstream.url, 0) as (worker, chosen):
        found = await slowly(worker.stream(job(), chosen, TIGHT), 0.13)
    assert isinstance(found[-1], EndPiece)


async def test_loading_a_local_model_is_a_part_of_its_time(upstream: Upstream, tmp_path: Path) -> None:
    upstream.answers = [replace(sse(*STREAM, stall=True), body=[b"", None])] * 2
    async with local(tmp_path, upstream.url, 0.3) as (worker, chosen):
        began = time.monotonic()
        with pytest.raises(CallTimeoutError):
            await slowly(worker.stream(job(), chosen, replace(LIMITS, first_event=0.5)), 0)
        with pytest.raises(CallTimeoutError):
            await worker.generate(job(), chosen, replace(LIMITS, timeout=0.5))
    assert 0.9 < time.monotonic() - began < 1.5


async def test_a_slow_reader_holds_the_sender_back() -> None:
    """What is sent and not read waits in the buffers of the two sockets, some megabytes at most, not with us."""
    sent = 0
    event = b"data: " + orjson.dumps(chunk({"content": "x" * 1000})) + b"\n\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        try:
            while True:
                writer.write(event)
                await writer.drain()
                sent += len(event)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    worker = OpenAiLlm(access(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    async with aclosing(worker.stream(job(), candidate(), TIGHT)) as pieces:
        await anext(pieces)
        await asyncio.sleep(0.3)
        before = sent
        await asyncio.sleep(0.2)
        assert sent == before < 24 * 1024 * 1024
        for _ in range(before // 1000):
            assert isinstance(await anext(pieces), TextPiece)
        assert sent > before
    await worker.aclose()
    server.close()
    await server.wait_closed()


def test_a_long_answer_read_slowly_arrives_whole_and_in_order() -> None:
    async def read(sandbox: Sandbox, seconds: float) -> list[str]:
        worker = OpenAiLlm(access(sandbox.url + "/v1", sandbox.api_key))
        texts: list[str] = []
        async with aclosing(worker.stream(job(), candidate("fault-long-5000"), TIGHT)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    texts.append(piece.text)
                if len(texts) % 1000 == 1:
                    await asyncio.sleep(seconds)
        await worker.aclose()
        return texts

    with Sandbox() as sandbox:
        slow, quick = asyncio.run(read(sandbox, 0.15)), asyncio.run(read(sandbox, 0))
        assert "".join(slow) == "".join(quick)
        assert len("".join(slow).split()) >= 5000
        assert sandbox.abandoned == 0
