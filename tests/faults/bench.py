"""Real workers against the sandbox, which fails as it is told; time moves only where a test lets it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.workbench import Account, Time

from pipelex_like import Inference, Runtime

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pipelex_like.sandbox import Sandbox

CANARY = "sk-canary-7c1d9e0b5f"
GOOD = "sandbox-text"

BACKEND = """
[{name}]
enabled = true
endpoint = "{endpoint}"
api_key = "${{KEY}}"
default_costs = {{ input = 1, output = 2 }}
{more}
"""
SPEC = """
default_sdk = "{sdk}"
[{name}-own]
model_id = "sandbox-text"
inputs = ["text"]
outputs = ["text", "structured"]
costs = {{ input = 1, output = 2 }}
"""


@dataclass(frozen=True)
class Wire:
    """A wire format: the SDK that speaks it, and where it stands at the sandbox."""

    sdk: str
    path: str = ""


WIRES = {
    "openai": Wire("openai", "/v1"),
    "openai_responses": Wire("openai_responses", "/v1"),
    "anthropic": Wire("anthropic"),
    "google": Wire("google"),
    "mistral": Wire("mistral"),
    "cohere": Wire("cohere"),
}


def write(
    root: Path,
    sandbox: Sandbox,
    *models: str,
    wire: str = "openai",
    more: str = "",
    routing: str = "",
    endpoint: str | None = None,
) -> None:
    """Write a directory with the backends `first` and `second` on that wire, and the chain `asked` of the models.

    The first model is asked of `first`, the others of `second`. `more` stands in the table of `first`, whose address
    is `endpoint` if one is given.
    """
    directory = root / ".pipelex/inference"
    (directory / "backends").mkdir(parents=True, exist_ok=True)
    (directory / "deck").mkdir(exist_ok=True)
    there = f"{sandbox.url}{WIRES[wire].path}"
    first = BACKEND.format(name="first", endpoint=endpoint or there, more=more)
    second = BACKEND.format(name="second", endpoint=there, more="")
    (directory / "backends.toml").write_text(first + second)
    for name in ("first", "second"):
        (directory / f"backends/{name}.toml").write_text(SPEC.format(name=name, sdk=WIRES[wire].sdk))
    chain = [f"{'second' if place else 'first'}/{model}" for place, model in enumerate(models)]
    (directory / "deck/base_deck.toml").write_text(f"[aliases]\nasked = {chain!r}\n")
    profile = routing or 'active = "main"\n[profiles.main]\nfallback_order = ["first", "second"]\n'
    (directory / "routing_profiles.toml").write_text(profile)


@dataclass
class Bench:
    """An Inference with its time and its account."""

    ai: Inference
    time: Time
    account: Account
    sandbox: Sandbox

    @property
    def paths(self) -> list[str]:
        """Where the sandbox was asked."""
        return [request.path for request in self.sandbox.requests]


def load(root: Path, sandbox: Sandbox, *, key: str = CANARY, real_time: bool = False, **options: object) -> Bench:
    """Load the directory under `root`; its clock is a false one unless `real_time`."""
    time, account = Time(), Account()
    runtime = Runtime(sinks=(account,))
    if not real_time:
        runtime = Runtime(sinks=(account,), clock=time.clock, now=time.now, sleep=time.sleep, random=time.random)
    environ = {"HOME": str(root), "KEY": key}
    ai = Inference.load(root / ".pipelex/inference", environ=environ, runtime=runtime, **options)
    return Bench(ai, time, account, sandbox)


async def given_up(sandbox: Sandbox, count: int = 1) -> None:
    """Wait until that many replies were given up by the sandbox because the client had gone."""
    async with asyncio.timeout(5):
        while sandbox.abandoned < count:
            await asyncio.sleep(0.005)


async def hung_up(sandbox: Sandbox) -> None:
    """Wait until no connection is open any more."""
    async with asyncio.timeout(5):
        while sandbox.open_connections:
            await asyncio.sleep(0.005)


def told_nothing(bench: Bench, caplog: pytest.LogCaptureFixture, *errors: BaseException) -> None:
    """Assert that the key stands in no error, record, result or line of the log."""
    words = [caplog.text, repr(bench.account.records), repr(bench.ai), repr(bench.ai.usage.recent)]
    for record in caplog.records:
        words.append(f"{record.__dict__!r}")
    for error in errors:
        words += [*traceback.format_exception(error), repr(error), repr(getattr(error, "attempts", ""))]
        words.append(repr(getattr(error, "partial", "")))
    assert not [word for word in words if CANARY in word]


def listening(caplog: pytest.LogCaptureFixture) -> None:
    """Catch every word that anybody logs."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "anthropic", "httpx", "httpcore", "google_genai", "pipelex_like"):
        caplog.set_level(logging.DEBUG, name)
