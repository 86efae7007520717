"""CPU that our layers add to a successful call: the whole engine beside the bare worker, and the care for a call alone.

Each figure is a median over pairs, measured in turns, so that a busy machine spoils both sides alike.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, cast

from calls import serve

from pipelex_like import Inference, Runtime
from pipelex_like.data import KIT
from pipelex_like.deck import Budgets, Candidate
from pipelex_like.engine.telemetry import SILENT, Telemetry
from pipelex_like.resilience.balance import Figures
from pipelex_like.resilience.budget import Budget
from pipelex_like.resilience.gates import Gates
from pipelex_like.resilience.health import Health
from pipelex_like.types import LlmJob, LlmReply, Usage, UsageRecord
from pipelex_like.usage.estimate import estimate
from pipelex_like.usage.summary import Summary
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from pipelex_like.types import Kind
    from pipelex_like.workers.base import Access, Limits, LlmWorker, Worker

MODEL = "gpt-4o-mini"
PROMPT = "Tell me about rivers " * 20
REPLY = LlmReply(text="A river runs.", usage=Usage(input_tokens=100, output_tokens=5), provider_request_id="chatcmpl-1")
PAIRS = 40
Do = Callable[[], Awaitable[object]]


@dataclass
class Taken:
    """A worker with what it was last asked, so that the same can be asked of it without the engine."""

    worker: LlmWorker
    job: LlmJob | None = None
    candidate: Candidate | None = None
    limits: Limits | None = None

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        self.job, self.candidate, self.limits = job, candidate, limits
        return await self.worker.generate(job, candidate, limits)

    async def again(self) -> LlmReply:
        assert self.job is not None and self.candidate is not None and self.limits is not None
        return await self.worker.generate(self.job, self.candidate, self.limits)

    async def aclose(self) -> None:
        await self.worker.aclose()


class AtOnce:
    """A worker that answers without asking anybody."""

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        return REPLY

    async def aclose(self) -> None:
        pass


class Tap:
    """Gives the registry's workers, or ones that answer at once, and lets us have them too."""

    def __init__(self, *, real: bool) -> None:
        self._registry = Registry() if real else None
        self.taken: Taken | None = None

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Worker]:
        opener = None if self._registry is None else self._registry.find(kind, sdk, backend=backend)

        def opened(access: Access) -> Worker:
            worker = AtOnce() if opener is None else opener(access)
            self.taken = Taken(cast("LlmWorker", worker))
            return cast("Worker", self.taken)

        return opened


async def cpu(do: Do, times: int) -> float:
    """Microseconds of this process's CPU for one of them."""
    start = time.process_time()
    for _ in range(times):
        await do()
    return (time.process_time() - start) / times * 1e6


async def in_turns(one: Do, other: Do, times: int) -> tuple[float, float, float]:
    """Medians over the pairs: of each side in microseconds, and of their ratio."""
    for _ in range(3):
        await one()
        await other()
    pairs: list[tuple[float, float]] = []
    for turn in range(PAIRS):
        if turn % 2:
            theirs, ours = await cpu(other, times), await cpu(one, times)
        else:
            ours, theirs = await cpu(one, times), await cpu(other, times)
        pairs.append((ours, theirs))
    return (
        statistics.median(ours for ours, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(ours / theirs for ours, theirs in pairs),
    )


async def engine(url: str, key: str, *, real: bool, times: int) -> None:
    tap = Tap(real=real)
    environ = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
    async with Inference.load(KIT, environ=environ, runtime=Runtime(transport=tap)) as ai:

        async def call() -> object:
            return await ai.generate_text(PROMPT, model=MODEL)

        await call()
        assert tap.taken is not None
        took, bare, ratio = await in_turns(call, tap.taken.again, times)
    what = "worker of the SDK" if real else "worker that answers at once"
    print(f"engine with the {what}: {took:.1f} us, the worker alone {bare:.1f} us, {ratio:.2f} x, ", end="")
    print(f"the engine adds {took - bare:.1f} us")


class Care:
    """What is done for one attempt besides sending it; the engine does the same, in the same order."""

    def __init__(self, candidate: Candidate, job: LlmJob, budgets: Budgets, telemetry: Telemetry | None) -> None:
        self.candidate = candidate
        self.job = job
        self.telemetry = telemetry
        self.health = Health(time.perf_counter)
        self.gates = Gates()
        self.figures = Figures()
        self.budget = Budget(budgets, time.time)
        self.summary = Summary()

    async def attempt(self) -> None:
        backend, model_id = self.candidate.backend, self.candidate.model_id
        telemetry, span = self.telemetry, SILENT
        if telemetry is not None:
            span = telemetry.call(kind="llm", reference=MODEL, profile="main", request_id="req_1")
        self.health.admit(backend, model_id)
        await self.gates.enter(backend, limit=8, waiting=1000)
        hold = None
        if self.budget.limited:
            asked = estimate(self.job, self.candidate.spec, self.candidate.settings)
            hold = self.budget.reserve(asked.cost, asked.tokens, why=asked.note)
        attempt = span.attempt(self.candidate, self.candidate.settings)
        with attempt.sending():
            pass
        self.gates.leave(backend)
        if hold is not None:
            self.budget.settle(hold, Decimal("0.0001"), 105)
        record = self.record()
        self.summary.write(record)
        attempt.end(record, "stop")
        self.health.succeeded(backend, model_id)
        self.figures.note(backend, model_id, 0.5)
        span.end()

    def record(self) -> UsageRecord:
        candidate = self.candidate
        return UsageRecord(
            at=time.time(),
            request_id="req_1",
            attempt=1,
            kind="llm",
            reference=MODEL,
            profile="main",
            backend=candidate.backend,
            handle=candidate.handle,
            model_id=candidate.model_id,
            sdk=candidate.sdk,
            outcome="ok",
            usage=REPLY.usage or Usage(),
            cost=Decimal("0.0001"),
            latency=0.5,
            provider_request_id="chatcmpl-1",
        )


async def nothing() -> None:
    pass


async def care(candidate: Candidate, job: LlmJob) -> None:
    limits = Budgets(run_max_cost=Decimal(10**9), day_max_cost=Decimal(10**9), run_max_total_tokens=10**15)
    telemetry = Telemetry.find()
    if telemetry is not None:
        # As in a program that uses the API: the providers are asked for at every call.
        import_module("opentelemetry.trace")
    for name, budgets, watched in (
        ("no limits", Budgets(), None),
        ("no limits, OpenTelemetry's API without a provider", Budgets(), telemetry),
        ("with limits on cost and tokens", limits, None),
    ):
        took, bare, _ = await in_turns(Care(candidate, job, budgets, watched).attempt, nothing, 1000)
        print(f"care for a call, {name}: {took - bare:.1f} us")


async def measure(url: str, key: str, *, times: int) -> None:
    tap = Tap(real=False)
    environ = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
    async with Inference.load(KIT, environ=environ, runtime=Runtime(transport=tap)) as ai:
        await ai.generate_text(PROMPT, model=MODEL)
    assert tap.taken is not None and tap.taken.candidate is not None and tap.taken.job is not None
    await care(tap.taken.candidate, tap.taken.job)
    await engine(url, key, real=False, times=times)
    await engine(url, key, real=True, times=times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=100, help="calls on each side of a pair")
    options = parser.parse_args()
    process, url, key = serve()
    try:
        asyncio.run(measure(url, key, times=options.calls))
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
