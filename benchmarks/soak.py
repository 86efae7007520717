"""Memory over thousands of calls to the simulated provider: texts, streams, failures, many backends and keys."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from calls import serve

from pipelex_like import Inference, Runtime
from pipelex_like.errors import CallError

SDKS = ("openai", "openai", "anthropic", "openai_responses", "openai", "anthropic", "mistral", "openai")
FAULTS = ("status-503", "status-429-after-0", "status-400", "cut-0", "badjson", "empty", "error-0")
BROKEN_STREAMS = ("cut-2", "error-2", "noend", "cutjson")
EVERY = 1000
"""Calls between two readings; the key is changed as often."""
AT_ONCE = 20
WARM_UP = 0.3
"""The part of the run that is left out of the slope: SDKs are imported, pools and caches fill up."""
STEADY = {"MALLOC_MMAP_THRESHOLD_": "131072"}
"""Else glibc learns to keep asyncio's read buffers of 256 KiB in its heap, whose holes look like a leak: 3 to 5 MB over
20,000 calls, while what is in use stays the same. https://www.man7.org/linux/man-pages/man3/mallopt.3.html"""

BACKEND = """
[{name}]
enabled = true
endpoint = "{url}"
api_key = "${{SANDBOX_KEY}}"
headers = {{ x-team = "${{TEAM}}" }}
"""
SPEC = """
default_sdk = "{sdk}"
[{name}-text]
model_id = "sandbox-text"
inputs = ["text"]
outputs = ["text", "structured"]
costs = {{ input = 1, output = 2 }}
"""
ROUTING = 'active = "main"\n[profiles.main]\n'


def configure(root: Path, url: str) -> Path:
    """A directory of backends that all reach the one sandbox."""
    folder = root / ".pipelex" / "inference"
    (folder / "backends").mkdir(parents=True)
    (folder / "deck").mkdir()
    tables: list[str] = []
    for place, sdk in enumerate(SDKS):
        name = f"b{place}"
        tables.append(BACKEND.format(name=name, url=f"{url}/v1" if sdk.startswith("openai") else url))
        (folder / "backends" / f"{name}.toml").write_text(SPEC.format(name=name, sdk=sdk), encoding="utf-8")
    (folder / "backends.toml").write_text("".join(tables), encoding="utf-8")
    (folder / "routing_profiles.toml").write_text(ROUTING, encoding="utf-8")
    aliases = '[aliases]\nchain = ["b0/fault-status-503", "b1/b1-text", "b2/b2-text"]\n'
    (folder / "deck" / "base_deck.toml").write_text(aliases, encoding="utf-8")
    return folder


class Soak:
    """Makes calls of all sorts, and counts how they ended."""

    def __init__(self, ai: Inference, chance: random.Random) -> None:
        self.ai = ai
        self.chance = chance
        self.ended: Counter[str] = Counter()

    async def one(self, number: int) -> None:
        backend = f"b{self.chance.randrange(len(SDKS))}"
        prompt = f"Tell me about river {number}. " * self.chance.randrange(1, 40)
        sort = self.chance.choices(
            ("text", "chain", "stream", "left stream", "failure", "broken stream", "cancelled"),
            (40, 10, 25, 5, 12, 5, 3),
        )[0]
        tags = [f"customer-{number}"]
        try:
            match sort:
                case "text":
                    await self.ai.generate_text(prompt, model=f"{backend}/{backend}-text", tags=tags)
                case "chain":
                    await self.ai.generate_text(prompt, model="chain", tags=tags, max_retries=0)
                case "stream" | "left stream":
                    await self.stream(prompt, f"{backend}/{backend}-text", leave=sort == "left stream")
                case "failure":
                    model = f"{backend}/fault-{self.chance.choice(FAULTS)}"
                    await self.ai.generate_text(prompt, model=model, max_retries=self.chance.randrange(2), cooldown=0)
                case "broken stream":
                    await self.stream(prompt, f"{backend}/fault-{self.chance.choice(BROKEN_STREAMS)}", leave=False)
                case _:
                    call = self.ai.generate_text(prompt, model=f"{backend}/fault-delay-0.05")
                    await asyncio.wait_for(call, 0.01)
        except (CallError, TimeoutError) as error:
            self.ended[f"{sort}: {type(error).__name__}"] += 1
        else:
            self.ended[f"{sort}: ok"] += 1

    async def stream(self, prompt: str, model: str, *, leave: bool) -> None:
        async with self.ai.stream_text(prompt, model=model, max_retries=0, cooldown=0) as events:
            async for _ in events:
                if leave:
                    return


def kilobytes() -> float:
    """What this process holds of the machine's memory; where the system does not say, the most it ever held."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 1024 if sys.platform == "darwin" else most
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def at_once(seconds: float) -> None:
    """No pause between tries: what counts here is how many there are."""
    await asyncio.sleep(0)


def slope(points: list[tuple[int, float]]) -> float:
    """Kilobytes per 1,000 calls, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 1000 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


async def soak(folder: Path, key: str, *, calls: int, seed: int) -> None:
    environ = {"SANDBOX_KEY": key, "TEAM": "team-0"}
    points: list[tuple[int, float]] = []
    began = time.perf_counter()
    async with Inference.load(folder, environ=environ, runtime=Runtime(sleep=at_once)) as ai:
        run = Soak(ai, random.Random(seed))
        for start in range(0, calls, AT_ONCE):
            done = min(start + AT_ONCE, calls)
            await asyncio.gather(*(run.one(number) for number in range(start, done)))
            if done % EVERY == 0 or done == calls:
                environ["TEAM"] = f"team-{done}"
                ai.reload()
                points.append((done, kilobytes()))
                print(f"{done:>7,} calls  {points[-1][1] / 1024:8.1f} MB  {time.perf_counter() - began:6.1f} s")
    for name, count in sorted(run.ended.items()):
        print(f"  {count:>6,}  {name}")
    warm = [point for point in points if point[0] > WARM_UP * calls]
    if len(warm) > 1:
        print(f"slope after warm-up: {slope(warm):+.1f} kB per 1,000 calls (seed {seed})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--as-is", action="store_true", help="leave the C library's heap as it is")
    options = parser.parse_args()
    if not options.as_is and STEADY.items() - os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **STEADY})
    print(f"seed {options.seed}")
    process, url, key = serve()
    try:
        with tempfile.TemporaryDirectory() as root:
            folder = configure(Path(root), url.removesuffix("/v1"))
            asyncio.run(soak(folder, key, calls=options.calls, seed=options.seed))
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
