"""The real llama.cpp: with random weights where only the course of things counts, with the small model elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel
from workers.given import LIMITS, WEATHER

from pipelex_like.deck import Candidate, ModelSpec
from pipelex_like.errors import CallError, CapabilityError, ContextWindowError
from pipelex_like.types import (
    EndPiece,
    FrozenDict,
    LlmJob,
    Message,
    ObjectSchema,
    TextPart,
    TextPiece,
    freeze,
)
from pipelex_like.workers.base import Access, Limits
from pipelex_like.workers.local.llm import LocalLlm
from pipelex_like.workers.local.running import MODELS, ModelKey, RunningModels

if TYPE_CHECKING:
    from pathlib import Path

SMALL = "smollm2-135m-instruct"
PATIENT = Limits(timeout=120, first_event=120, between_events=60)
INVOICE_TEXT = """Currency: SEK
Customer: Birch Lane Bakery
Invoice number: 77-A/1903
Vendor: Copper Kettle Supplies AB
Date: 2026-02-11
Total due: 940.25"""


class Invoice(BaseModel):
    invoice_number: str
    vendor: str
    customer: str
    date: str
    total_due: str
    currency: Literal["EUR", "SEK", "USD"]


def candidate(model_id: str = "mine", context: int | None = 512) -> Candidate:
    spec = ModelSpec(
        backend="local", handle=model_id, sdk="local", model_id=model_id, kind="llm", context_window=context
    )
    return Candidate(handle=model_id, backend="local", model_id=model_id, sdk="local", spec=spec)


def worker(path: Path | None = None, **keys: str | int) -> LocalLlm:
    given = {**keys, "model_path": str(path)} if path else keys
    return LocalLlm(Access(backend="local", sdk="local", keys=FrozenDict(given)))


def job(text: str = "Hello", schema: ObjectSchema | None = None, **settings: object) -> LlmJob:
    """A job whose answer is as long as it may be: random weights may end theirs at any token."""
    if schema is None:
        settings = {"temperature": 0, "extra": FrozenDict({"ignore_eos": True}), **settings}
    return LlmJob(
        messages=(Message("user", (TextPart(text),)),),
        schema=schema,
        settings=FrozenDict({"max_tokens": 8, **settings}),
    )


def address_of(path: Path, context: int = 512) -> str:
    running = MODELS.take(ModelKey(path, context))
    try:
        return running.address().url
    finally:
        MODELS.give_back(running)


def listens(url: str) -> bool:
    place = urlsplit(url)
    with closing(socket.socket()) as probe:
        return probe.connect_ex((place.hostname, place.port)) == 0


async def test_text_with_usage(tiny: Path) -> None:
    local = worker(tiny)
    reply = await local.generate(job(), candidate(), LIMITS)
    await local.aclose()
    assert reply.usage is not None
    assert reply.usage.output_tokens == 8
    assert reply.usage.input_tokens > 0
    assert reply.finish_reason == "length"


async def test_a_stream_ends_with_usage(tiny: Path) -> None:
    local = worker(tiny)
    pieces = [piece async for piece in local.stream(job(), candidate(), LIMITS)]
    await local.aclose()
    end = pieces[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.usage is not None
    assert end.reply.usage.output_tokens == 8
    assert "".join(piece.text for piece in pieces[:-1] if isinstance(piece, TextPiece)) == end.reply.text


async def test_a_stream_can_be_left(tiny: Path) -> None:
    local = worker(tiny)
    async with aclosing(local.stream(job(max_tokens=400), candidate(), LIMITS)) as pieces:
        async for _ in pieces:
            break
    reply = await local.generate(job(), candidate(), LIMITS)
    await local.aclose()
    assert reply.usage is not None


async def test_a_schema_is_kept_even_by_random_weights(tiny: Path) -> None:
    local = worker(tiny)
    schema = ObjectSchema(name="Invoice", schema=freeze(Invoice.model_json_schema()))  # pyright: ignore
    reply = await local.generate(job(INVOICE_TEXT, schema, max_tokens=400), candidate(context=2048), LIMITS)
    await local.aclose()
    filled = Invoice.model_validate_json(reply.text)
    assert list(json.loads(reply.text)) == ["currency", "customer", "invoice_number", "vendor", "date", "total_due"]
    assert filled.currency == "SEK"
    assert any("held" in line for line in reply.adapted)


async def test_workers_share_a_model_and_the_last_one_ends_it(tiny: Path) -> None:
    threads = threading.active_count()
    first, second = worker(tiny), worker(tiny)
    await asyncio.gather(first.generate(job(), candidate(), LIMITS), second.generate(job(), candidate(), LIMITS))
    assert len(MODELS) == 1
    url = await asyncio.to_thread(address_of, tiny.resolve())
    await first.aclose()
    assert listens(url)
    await second.generate(job(), candidate(), LIMITS)
    await second.aclose()
    assert not listens(url)
    assert len(MODELS) == 0
    await asyncio.get_running_loop().shutdown_default_executor()
    assert threading.active_count() <= threads


async def test_other_settings_are_another_model(tiny: Path) -> None:
    small, large = worker(tiny, context_size=256), worker(tiny, context_size=1024)
    await small.generate(job(), candidate(), LIMITS)
    await large.generate(job(), candidate(), LIMITS)
    assert len(MODELS) == 2
    with pytest.raises(ContextWindowError, match="256 tokens"):
        await small.generate(job("word " * 200), candidate(), LIMITS)
    await small.aclose()
    await large.aclose()


async def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(tiny: Path) -> None:
    local = worker(tiny)
    with pytest.raises(ContextWindowError, match=r"local \(mine\): .*\d+ tokens.*512 tokens"):
        await local.generate(job("word " * 400), candidate(), LIMITS)
    with pytest.raises(ContextWindowError):
        async for _ in local.stream(job("word " * 400), candidate(), LIMITS):
            pass
    await local.aclose()


async def test_more_context_than_the_model_was_trained_for_is_refused(tiny: Path) -> None:
    local = worker(tiny, context_size=4096)
    with pytest.raises(CapabilityError, match="context_size = 2048"):
        await local.generate(job(), candidate(), LIMITS)
    await local.aclose()
    assert len(MODELS) == 0


async def test_the_loopback_server_wants_its_key(tiny: Path) -> None:
    running = MODELS.take(ModelKey(tiny, 512))
    address = await asyncio.to_thread(running.address)
    stranger = Access(
        backend="local", sdk="openai", keys=FrozenDict({"endpoint": f"{address.url}/v1", "api_key": "guess"})
    )
    from pipelex_like.workers.openai.llm import OpenAiLlm

    client = OpenAiLlm(stranger)
    with pytest.raises(CallError) as caught:
        await client.generate(job(), candidate(), LIMITS)
    await client.aclose()
    await asyncio.to_thread(MODELS.give_back, running)
    assert caught.value.status == 401
    assert address.api_key not in repr(address)


async def test_tools_are_refused() -> None:
    asked = LlmJob(messages=(Message("user", (TextPart("Weather?"),)),), tools=(WEATHER,))
    with pytest.raises(CapabilityError, match="cannot call tools"):
        await worker().generate(asked, candidate(SMALL), LIMITS)


async def test_a_file_that_is_missing_or_no_model_is_told(tmp_path: Path, tiny: Path) -> None:
    noise, broken = tmp_path / "noise.gguf", tmp_path / "broken.gguf"
    noise.write_bytes(b"hello")
    broken.write_bytes(tiny.read_bytes()[:2000])
    for path, words in (
        (tmp_path / "none.gguf", "there is no file"),
        (noise, "not a GGUF file"),
        (broken, "cannot load"),
    ):
        local = worker(path)
        with pytest.raises(CapabilityError, match=words) as caught:
            await local.generate(job(), candidate(), LIMITS)
        await local.aclose()
        assert str(path) in str(caught.value)
    assert len(MODELS) == 0


async def test_a_model_id_may_be_a_file(tiny: Path) -> None:
    local = worker()
    reply = await local.generate(job(), candidate(str(tiny)), LIMITS)
    await local.aclose()
    assert reply.usage is not None


async def test_weights_that_are_not_here_are_told_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="pipelex-like local pull"):
        await worker(cache_dir=str(tmp_path)).generate(job(), candidate(SMALL), LIMITS)
    with pytest.raises(CapabilityError, match="model_path"):
        await worker(cache_dir=str(tmp_path)).generate(job(), candidate("other"), LIMITS)


def test_a_model_that_was_closed_while_it_loads_does_not_start(tiny: Path) -> None:
    models = RunningModels()
    running = models.take(ModelKey(tiny, 512))
    models.give_back(running)
    with pytest.raises(CapabilityError, match="closed"):
        running.address()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_refused_and_leaves_the_parents_model_alone(tiny: Path) -> None:
    code = f"""
import os
from pathlib import Path
from pipelex_like.errors import CapabilityError
from pipelex_like.workers.local.running import MODELS, ModelKey
key = ModelKey(Path({str(tiny)!r}), 512)
running = MODELS.take(key)
url = running.address().url
child = os.fork()
if child == 0:
    del running
    try:
        MODELS.take(key)
    except CapabilityError as error:
        os._exit(7 if "spawn" in str(error) and len(MODELS) == 0 else 8)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert running.address().url == url
MODELS.give_back(running)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_a_process_ends_although_nobody_closed_the_model(tiny: Path) -> None:
    code = f"""
from pathlib import Path
from pipelex_like.workers.local.running import MODELS, ModelKey
MODELS.take(ModelKey(Path({str(tiny)!r}), 512)).address()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.usefixtures("local_weights")
async def test_the_small_model_fills_an_invoice_answers_and_streams_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: object) -> None:
        assert isinstance(address, tuple)
        assert address[0] == "127.0.0.1"
        connect(self, address)  # pyright: ignore

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    local = worker()
    small = candidate(SMALL, context=1024)
    schema = ObjectSchema(name="Invoice", schema=freeze(Invoice.model_json_schema()))  # pyright: ignore
    filled = await local.generate(job(INVOICE_TEXT, schema, max_tokens=300), small, PATIENT)
    pieces = [piece async for piece in local.stream(job("Say hello.", temperature=0), small, PATIENT)]
    await local.aclose()
    assert Invoice.model_validate_json(filled.text) == Invoice(
        invoice_number="77-A/1903",
        vendor="Copper Kettle Supplies AB",
        customer="Birch Lane Bakery",
        date="2026-02-11",
        total_due="940.25",
        currency="SEK",
    )
    end = pieces[-1]
    assert isinstance(end, EndPiece)
    assert end.reply.usage is not None
    assert end.reply.usage.output_tokens == 8
    assert end.reply.text.isprintable()
