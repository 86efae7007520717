"""A process that goes on calling while its files are rewritten, a third of the time into something broken."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import threading
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pipelex_like import Inference
from pipelex_like.engine.core import State
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKENDS = """# A backend that is told by a header which version it serves.
[one]
enabled = true
endpoint = "{url}/v1"
api_key = "${{ONE_KEY}}"
headers = {{ x-version = "{version}" }}
"""
SPEC = """default_sdk = "openai"

["the-model"]
model_id = "{version}"
inputs = ["text"]
outputs = ["text"]
costs = {{ input = 1, output = 1 }}
"""
DECK = """[aliases]
task = "the-model"

[llm.choice_defaults]
for_text = "task"
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@dataclass
class Files:
    """The directory, and the versions that were ever good in it."""

    root: Path
    url: str
    chance: random.Random
    good: list[str] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        return self.root / ".pipelex" / "inference"

    def texts(self, version: str) -> dict[str, str]:
        return {
            "backends.toml": BACKENDS.format(url=self.url, version=version),
            "backends/one.toml": SPEC.format(version=version),
            "deck/base_deck.toml": DECK,
            "routing_profiles.toml": 'active = "all"\n[profiles.all]\ndefault = "one"\n',
        }

    def write(self, version: str) -> None:
        """Put a good version there, as an editor, a deployment or a shell would: each file whole, or bit by bit."""
        self.good.append(version)
        for name, text in self.texts(version).items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            match self.chance.choice(("whole", "renamed", "halves")):
                case "renamed":
                    draft = path.with_name(f"{path.name}~")
                    draft.write_text(text)
                    draft.replace(path)
                case "halves" if name.startswith("backends"):
                    with path.open("w") as stream:
                        stream.write(text[: (at := self.inside(text))])
                        stream.flush()
                        pause(self.chance.choice((0.01, 0.05, 0.25)))
                        stream.write(text[at:])
                case _:
                    path.write_text(text)

    def inside(self, text: str) -> int:
        """A place within a quoted word, where a cut leaves no TOML."""
        return self.chance.choice([found.end() + 1 for found in re.finditer('= "', text)])

    def spoil(self, version: str) -> None:
        """Break one of the files, in place or by rename."""
        name, text = self.chance.choice(list(self.texts(version).items()))
        broken = self.chance.choice(
            (
                text.encode()[: self.inside(text)],
                text.encode() + b"\n[unclosed\n",
                text.encode() + b'\n"\xff" = 1\n',
                text.encode() + b"\nno_such_key_here = { a = 1 }\n[what.is.this]\nx = [\n",
                None,
            )
        )
        path = self.directory / name
        if broken is None:
            (self.directory / "deck" / "x_custom.toml").write_text(f'[aliases]\ntask = "gone-{version}"\n')
        else:
            path.write_bytes(broken)

    def mend(self) -> None:
        (self.directory / "deck" / "x_custom.toml").unlink(missing_ok=True)


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


@dataclass
class Callers:
    """Threads that call without end: one waiting, one in a loop of its own, whole and in streams."""

    ai: Inference
    served: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def blocking(self) -> None:
        view = self.ai.using(profile="all")
        while not self.stop.is_set():
            self.served.append(view.sync.generate_text("hi").served_by.model_id)
            stream = self.ai.sync.stream_text("hi")
            assert [event.type for event in stream][-1] == "done"
            self.served.append(stream.result().served_by.model_id)

    def in_a_loop(self) -> None:
        async def one() -> None:
            while not self.stop.is_set():
                self.served.append((await self.ai.generate_text("hi")).served_by.model_id)
                async with self.ai.stream_text("hi") as stream:
                    async for event in stream:
                        await asyncio.sleep(0.002 if event.type == "text" else 0)
                self.served.append(stream.result().served_by.model_id)

        async def both() -> None:
            await asyncio.gather(one(), one())

        asyncio.run(both())

    def _guarded(self, work: object) -> None:
        try:
            work()
        except BaseException as error:
            self.failures.append(error)

    def __enter__(self) -> Callers:
        self.threads = [
            threading.Thread(target=self._guarded, args=(work,)) for work in (self.blocking, self.in_a_loop)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


def test_calls_never_fail_while_the_files_are_rewritten(tmp_path: Path, sandbox: Sandbox, full: bool) -> None:
    rounds = 200 if full else 30
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    files = Files(tmp_path, sandbox.url, random.Random(seed))
    files.write("v0")
    environ = {"ONE_KEY": sandbox.api_key, "HOME": str(tmp_path)}
    with Inference.load(tmp_path, environ=environ, watch=True) as ai, Callers(ai) as callers:
        broken = 0
        for number in range(1, rounds + 1):
            if number % 3 == 0:
                files.spoil(f"broken{number}")
                broken += 1
            else:
                files.mend()
                files.write(f"v{number}")
            pause(files.chance.choice((0, 0.02, 0.2, 0.5)))
            assert callers.failures == [], f"seed {seed}, round {number}"
        files.mend()
        files.write("last")
        tick = threading.Event()
        for _ in range(500):
            if "last" in callers.served:
                break
            tick.wait(0.02)
        assert ai.reload_problems == ()
        assert ai.sync.generate_text("hi").served_by.model_id == "last", f"seed {seed}"
    assert callers.failures == [], f"seed {seed}"
    seen = Counter(callers.served)
    assert set(seen) <= set(files.good), f"seed {seed}"
    assert {request.body["model"] for request in sandbox.requests} <= set(files.good), f"seed {seed}"
    assert len(seen) > 2 + rounds // 20, f"the deck was hardly ever swapped: seed {seed}"
    assert broken >= rounds // 3


def test_reloads_leave_nothing_behind(tmp_path: Path, sandbox: Sandbox) -> None:
    files = Files(tmp_path, sandbox.url, random.Random(1))
    files.write("v0")
    environ = {"ONE_KEY": sandbox.api_key, "HOME": str(tmp_path)}

    def round_of(ai: Inference, count: int) -> None:
        for number in range(count):
            for name, text in files.texts(f"v{number % 3}").items():
                (files.directory / name).write_text(text)
            ai.reload()
            assert ai.sync.generate_text("hi").served_by.model_id == f"v{number % 3}"
            ai.using(profile="all").sync.generate_text("hi")

    with Inference.load(tmp_path, environ=environ) as ai:
        round_of(ai, 6)
        held: list[int] = []
        tracemalloc.start()
        try:
            for _ in range(4):
                round_of(ai, 6)
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        states = [item for item in gc.get_objects() if isinstance(item, State)]
        mine = [state for state in states if state.loaded.place.directory == files.directory]
        assert len(mine) <= 2
        for _ in range(250):
            if sandbox.open_connections <= 2:
                break
            pause(0.02)
        assert sandbox.open_connections <= 2, "the clients of old decks are closed"
        # The account of calls grows with every call; a deck left behind would be a hundred times that. The middle one,
        # since a table of the interpreter's own may happen to grow in one of them.
        growth = sorted(after - before for before, after in pairwise(held))
        assert growth[1] < 6 * 12_000
