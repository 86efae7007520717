"""What the engine takes from the world around it: time, randomness, and the way to the providers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipelex_like.types import Kind
    from pipelex_like.usage.sinks import Sink
    from pipelex_like.workers.base import Access, Worker


class Transport(Protocol):
    """Gives what carries work to a provider; the registry of workers is the usual one."""

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Worker]:
        """Give what opens a worker, or raise CapabilityError if there is none for this kind and SDK."""
        ...


async def _sleep(seconds: float) -> None:
    # Loading a configuration shall not wait for asyncio.
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """`clock` counts seconds and never goes back, `now` gives the unix time, `sleep` waits for that many seconds,
    `random` gives that many random bytes. `sinks` are handed every usage record."""

    clock: Callable[[], float] = time.perf_counter
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = _sleep
    random: Callable[[int], bytes] = os.urandom
    transport: Transport = field(default_factory=Registry)
    sinks: tuple[Sink, ...] = ()

    def request_id(self) -> str:
        """Give a fresh id for a call."""
        return f"req_{self.random(12).hex()}"

    def chance(self) -> float:
        """Give a number from 0 to below 1."""
        return int.from_bytes(self.random(4)) / 2**32
