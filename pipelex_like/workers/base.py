"""What every worker is handed, and what it promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ExtractJob, ExtractReply, ImageJob, ImageReply, LlmJob, LlmReply, Piece

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a backend: everything its SDK needs, so that the SDK looks nothing up by itself.

    `keys` are the SDK's settings by name (`api_key`, `endpoint`, `aws_region`, ...), `proxy` a URL or None,
    `secrets` every value that must never be printed, `shown` how a key may be printed (`${OPENAI_API_KEY}`).
    `key_url` is where people get a key. `ca_file` is the path of a PEM file with certificate authorities that are
    trusted besides the usual ones. The repr shows names only.
    """

    backend: str
    sdk: str
    keys: FrozenDict[str, str | int | float | bool] = field(default_factory=FrozenDict)
    headers: FrozenDict[str, str] = field(default_factory=FrozenDict)
    proxy: str | None = None
    ca_file: str | None = None
    secrets: frozenset[str] = frozenset()
    shown: FrozenDict[str, str] = field(default_factory=FrozenDict)
    key_url: str | None = None
    connect_timeout: float = 10.0

    def __repr__(self) -> str:
        given = ", ".join(sorted([*self.keys, *self.headers]))
        return f"Access(backend={self.backend!r}, sdk={self.sdk!r}, given=[{given}])"

    def text(self, key: str) -> str | None:
        """Give the value of a key as text, or None where it is not set."""
        value = self.keys.get(key)
        return None if value is None else str(value)

    def fingerprint(self) -> str:
        """Give a hash that is equal for equal access and tells nothing of the values in it."""
        facts = (
            self.backend,
            self.sdk,
            sorted((name, repr(value)) for name, value in self.keys.items()),
            sorted(self.headers.items()),
            self.proxy,
            self.ca_file,
            self.connect_timeout,
        )
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one attempt, in seconds and bytes; None = no bound of that sort.

    `timeout` bounds the whole answer of a call without a stream. In a stream `first_event` and `between_events`
    bound only the waiting for the provider, and `max_stream_seconds` the whole. Where jobs are queued, `start`
    bounds the waiting until the work begins, and `job` the work itself from then on. `until` is the moment of the
    loop's clock at which whoever calls gives up: a cancellation from then on is that, and no wish of the caller's own.
    """

    timeout: float | None = None
    connect: float | None = None
    first_event: float | None = None
    between_events: float | None = None
    start: float | None = None
    job: float | None = None
    max_stream_seconds: float | None = None
    max_response_bytes: int = 64 * MEBIBYTE
    max_event_bytes: int = 8 * MEBIBYTE
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a worker puts among the arguments of the CancelledError of a call whose time is over: the provider still
    works at this job."""

    job_id: str


def way_back(job_id: str) -> str:
    """Say how a job is taken up again."""
    how = f'resume="{job_id}" (pipelex-like image --resume {job_id})'
    return f"Job {job_id} is not lost: take it up with {how}, which orders nothing anew."


class LlmWorker(Protocol):
    """Answers one turn of a conversation. Raises CallError subclasses only."""

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer."""
        ...

    def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece, an EndPiece last; closing the generator closes the upstream."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. The worker is not used after that."""
        ...


class ExtractWorker(Protocol):
    """Reads a document. Raises CallError subclasses only."""

    async def extract(self, job: ExtractJob, candidate: Candidate, limits: Limits) -> ExtractReply:
        """Give the pages that were asked for, in order."""
        ...

    async def aclose(self) -> None:
        """Let go of what is held."""
        ...


class ImageWorker(Protocol):
    """Draws pictures. Raises CallError subclasses only."""

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the pictures, measured."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


Worker = LlmWorker | ExtractWorker | ImageWorker
