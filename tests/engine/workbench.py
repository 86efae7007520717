"""A directory with three backends whose workers play a script, for tests of everything between caller and worker."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like import Inference, Runtime, Usage
from pipelex_like.types import (
    EndPiece,
    ExtractReply,
    Image,
    ImageReply,
    LlmReply,
    Page,
    TextPiece,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable
    from pathlib import Path

    from pipelex_like.types import Kind, Piece, UsageRecord
    from pipelex_like.workers.base import Access, Limits

BACKENDS = """
[a]
enabled = true
api_key = "${A_KEY}"
key_url = "https://a.example/keys"
[b]
enabled = true
api_key = "${B_KEY}"
[c]
enabled = true
api_key = "${C_KEY}"
"""
SPEC = """
default_sdk = "openai"
[{name}-large]
model_id = "{name}-1"
inputs = ["text", "images", "pdf"]
outputs = ["text", "structured"]
costs = {{ input = 1, output = 2 }}
[{name}-reader]
inputs = ["pdf"]
outputs = ["pages"]
costs = {{ per_page = 0.01 }}
[{name}-painter]
inputs = ["text", "images"]
outputs = ["image"]
costs = {{ per_image = 0.04 }}
"""
DECK = """
[aliases]
chain = ["a-large", "b-large", "c-large"]
[llm.choice_defaults]
for_text = "chain"
for_object = "chain"
[extract]
choice_default = "a-reader"
[img_gen]
choice_default = "a-painter"
[llm.presets]
calm = { model = "chain", temperature = 0.1, timeout = 20 }
"""
ROUTING = """
active = "main"
[profiles.main]
fallback_order = ["a", "b", "c"]
[profiles.second]
fallback_order = ["b", "c"]
"""
KEYS = {"A_KEY": "key-a", "B_KEY": "key-b", "C_KEY": "key-c"}
HANG = "hang"
USAGE = Usage(input_tokens=1_000_000, output_tokens=500_000)

Deed = BaseException | str | LlmReply | list[object] | Callable[[], "Awaitable[LlmReply]"]


class Time:
    """A clock that only moves when it is told to, and by the naps that are taken."""

    def __init__(self, *, luck: float = 0.5) -> None:
        self.seconds = 1000.0
        self.naps: list[float] = []
        self.luck = luck

    def clock(self) -> float:
        return self.seconds

    def now(self) -> float:
        return 1_800_000_000.0 + self.seconds

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def random(self, count: int) -> bytes:
        if count == 4:
            return int(self.luck * 2**32).to_bytes(4)
        return os.urandom(count)


class Account:
    """A sink that keeps every record."""

    def __init__(self) -> None:
        self.records: list[UsageRecord] = []

    def write(self, record: UsageRecord) -> None:
        self.records.append(record)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """Backend, outcome and error of each record."""
        return [(record.backend, record.outcome, record.error) for record in self.records]


def write(root: Path, **changed: str) -> Path:
    """Write the directory; `backends`, `deck`, `routing`, `a`, `b`, `c` replace or (with +) extend a file."""
    texts = {"backends": BACKENDS, "deck": DECK, "routing": ROUTING} | {
        name: SPEC.format(name=name) for name in ("a", "b", "c")
    }
    places = {"backends": "backends.toml", "deck": "deck/base_deck.toml", "routing": "routing_profiles.toml"}
    directory = root / ".pipelex" / "inference"
    for name, text in texts.items():
        new = changed.get(name, "")
        full = text + new[1:] if new.startswith("+") or not new else new
        file = directory / places.get(name, f"backends/{name}.toml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(full)
    return directory


@dataclass
class Sent:
    """One request that reached a worker."""

    backend: str
    job: object
    limits: Limits
    settings: object


@dataclass
class Stage:
    """What each backend does, call after call; after its script it answers. Stands in the registry's place."""

    script: dict[str, list[Deed]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    opened: list[tuple[str, int]] = field(default_factory=list)
    closed: list[tuple[str, int]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    missing: dict[str, BaseException] = field(default_factory=dict)
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    broken: dict[str, BaseException] = field(default_factory=dict)

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Player]:
        if backend in self.missing:
            raise self.missing[backend]
        return lambda access: Player(self, access)

    @property
    def order(self) -> list[str]:
        return [request.backend for request in self.sent]

    def next(self, backend: str) -> Deed:
        deeds = self.script.get(backend)
        return deeds.pop(0) if deeds else LlmReply(text=f"hello from {backend}", usage=USAGE)


class Player:
    """A worker that plays its part on the stage."""

    def __init__(self, stage: Stage, access: Access) -> None:
        if access.backend in stage.broken:
            raise stage.broken[access.backend]
        self.stage = stage
        self.access = access
        self.loop = asyncio.get_running_loop()
        stage.opened.append((access.backend, id(self.loop)))

    def _note(self, job: object, limits: Limits) -> Deed:
        assert asyncio.get_running_loop() is self.loop, "a client was used on a second loop"
        backend = self.access.backend
        self.stage.sent.append(Sent(backend, job, limits, job.settings))
        return self.stage.next(backend)

    async def generate(self, job: object, candidate: object, limits: Limits) -> LlmReply:
        deed = self._note(job, limits)
        match deed:
            case BaseException():
                raise deed
            case LlmReply():
                return deed
            case _ if callable(deed):
                return await deed()
            case _:
                return await self._hang()

    async def _hang(self) -> LlmReply:
        began = self.stage.waiting.setdefault(self.access.backend, asyncio.Event())
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stage.stopped.append(self.access.backend)
        raise AssertionError

    async def stream(self, job: object, candidate: object, limits: Limits) -> AsyncGenerator[Piece]:
        deed = self._note(job, limits)
        try:
            if isinstance(deed, LlmReply):
                for word in deed.text.split(" "):
                    await asyncio.sleep(0)
                    yield TextPiece(word)
                yield EndPiece(deed)
                return
            for piece in deed if isinstance(deed, list) else [deed]:
                if isinstance(piece, BaseException):
                    raise piece
                if piece == HANG:
                    await self._hang()
                await asyncio.sleep(0)
                yield piece
        finally:
            self.stage.stopped.append(f"{self.access.backend} stream")

    async def extract(self, job: object, candidate: object, limits: Limits) -> ExtractReply:
        deed = self._note(job, limits)
        if isinstance(deed, BaseException):
            raise deed
        return ExtractReply(pages=(Page(number=1, text="one"), Page(number=2, text="two")))

    async def draw(self, job: object, candidate: object, limits: Limits) -> ImageReply:
        deed = self._note(job, limits)
        if isinstance(deed, BaseException):
            raise deed
        if callable(deed):
            await deed()
        return ImageReply(images=tuple(Image(data=b"x", mime="image/png", width=64, height=32) for _ in range(job.n)))

    async def aclose(self) -> None:
        self.stage.closed.append((self.access.backend, id(asyncio.get_running_loop())))


def count(pairs: list[tuple[str, int]]) -> dict[str, int]:
    """How often each backend stands in the list."""
    counts: dict[str, int] = defaultdict(int)
    for backend, _ in pairs:
        counts[backend] += 1
    return dict(counts)


def load(
    root: Path,
    stage: Stage,
    *,
    environ: dict[str, str] | None = None,
    time: Time | None = None,
    account: Account | None = None,
    **options: object,
) -> Inference:
    """Load the directory under `root` with the stage behind it, under that time if one is given."""
    values = {"HOME": str(root / "home"), **(KEYS if environ is None else environ)}
    sinks = () if account is None else (account,)
    runtime = Runtime(transport=stage, sinks=sinks)
    if time is not None:
        runtime = Runtime(
            transport=stage, sinks=sinks, clock=time.clock, now=time.now, sleep=time.sleep, random=time.random
        )
    return Inference.load(root / ".pipelex" / "inference", environ=values, runtime=runtime, **options)


def answered(text: str = "hello", usage: Usage | None = USAGE, **more: object) -> LlmReply:
    """A reply with the usual usage, whose cost is 2 dollars."""
    return LlmReply(text=text, usage=usage, **more)


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
