"""The account of one attempt, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types.usage import Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.types.kinds import Kind, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One request that was sent to a provider, or one that was answered from the cache.

    `at` is the unix time of its end, `attempt` its place in the call, from 1; `latency` and `first_token` (the time
    until a stream's first event) are seconds. `measured` is False where the provider's counts were missing or could not
    be believed. `cost` is in US dollars, None where it is not known, with the reason in `cost_note`. `over_limit` tells
    of a budget that its settlement passed. `error` is the class of the error.
    """

    at: float
    request_id: str
    attempt: int
    kind: Kind
    reference: str
    profile: str
    backend: str
    handle: str
    model_id: str
    sdk: str
    outcome: Outcome
    preset: str | None = None
    error: str | None = None
    status: int | None = None
    usage: Usage = field(default_factory=Usage)
    measured: bool = True
    cost: Decimal | None = None
    cost_note: str | None = None
    latency: float = 0.0
    first_token: float | None = None
    streamed: bool = False
    cached: bool = False
    over_limit: str | None = None
    simulated: bool = False
    provider_request_id: str | None = None
    tags: tuple[str, ...] = ()
