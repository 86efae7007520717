"""CPU of a call and of a stream through the library, beside the bare SDK on the same loopback server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from openai import AsyncOpenAI

from pipelex_like import Inference
from pipelex_like.data import KIT

ROUNDS, CALLS = 5, 100


def serve() -> tuple[subprocess.Popen[str], str, str]:
    """The simulated provider in a process of its own, so that its work is not counted."""
    process = subprocess.Popen([sys.executable, "-m", "pipelex_like", "sandbox"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().strip().partition("=")[2]
    key = process.stdout.readline().strip().partition("=")[2]
    return process, url, key


async def cpu_per_call(call: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of this process's CPU, the best of several rounds."""
    await call()
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(CALLS):
            await call()
        best = min(best, (time.process_time() - start) / CALLS * 1e6)
    return best


async def measure(url: str, key: str) -> None:
    bare = AsyncOpenAI(base_url=url, api_key=key, max_retries=0)
    messages = [{"role": "user", "content": "Tell me about rivers " * 20}]

    async def bare_call() -> object:
        return await bare.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]

    async def bare_stream() -> object:
        stream = await bare.chat.completions.create(  # type: ignore[call-overload]
            model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        return [chunk async for chunk in stream]

    environ = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
    async with Inference.load(KIT, environ=environ) as ai:
        prompt = str(messages[0]["content"])

        async def our_call() -> object:
            return await ai.generate_text(prompt, model="gpt-4o-mini")

        async def our_stream() -> object:
            return [event async for event in ai.stream_text(prompt, model="gpt-4o-mini")]

        for name, ours, theirs in (("call", our_call, bare_call), ("stream", our_stream, bare_stream)):
            took, beside = await cpu_per_call(ours), await cpu_per_call(theirs)
            print(f"{name}: {took:.0f} microseconds of CPU, bare SDK {beside:.0f}, {took / beside:.2f} x")
    await bare.close()


def main() -> None:
    process, url, key = serve()
    try:
        asyncio.run(measure(url, key))
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
