"""What the engine takes from the world around it: time, randomness, and the way to the providers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.types import Kind
    from pipelex_like.workers.base import Access, Worker


class Transport(Protocol):
    """Gives what carries work to a provider; the registry of workers is the usual one."""

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Worker]:
        """Give what opens a worker, or raise CapabilityError if there is none for this kind and SDK."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """`clock` counts seconds and never goes back; `random` gives that many random bytes."""

    clock: Callable[[], float] = time.perf_counter
    random: Callable[[int], bytes] = os.urandom
    transport: Transport = field(default_factory=Registry)

    def request_id(self) -> str:
        """Give a fresh id for a call."""
        return f"req_{self.random(12).hex()}"
