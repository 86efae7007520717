"""How calls are governed: what may be said of it, where, and what holds where nothing is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.types import FrozenDict
from pipelex_like.types.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from pipelex_like.deck.template import Template

Balance = Literal["weighted", "least_in_flight", "lowest_latency", "cheapest"]
BALANCES: tuple[Balance, ...] = ("weighted", "least_in_flight", "lowest_latency", "cheapest")

Action = Literal["retry", "next", "stop"]

ACTIONS: Mapping[str, Action] = FrozenDict(
    {
        "auth": "next",
        "permission": "next",
        "quota": "next",
        "rate_limit": "next",
        "context_window": "next",
        "content_policy": "stop",
        "bad_request": "stop",
        "not_found": "next",
        "timeout": "next",
        "server": "retry",
        "overloaded": "next",
        "connection": "retry",
        "invalid_response": "next",
        "invalid_object": "stop",
        "capability": "next",
    }
)
"""The words of an `actions` table, and what follows where nothing is declared."""

WORTH_WAITING = frozenset({"rate_limit", "overloaded"})
"""Error classes after which a lone candidate is asked again where nothing is declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a call is governed; None = not said here. Seconds, counts and bytes; `max_cost` in US dollars; `actions`
    maps an error class (`rate_limit`) to retry, next or stop; `weights` a backend, or `backend/handle`, to its share;
    `cache` is False (off), True (without end) or the seconds that an answer is kept.

    `max_concurrency` and `max_waiting` are a backend's; `max_attempts`, and all from `max_cost` on, are a profile's,
    a preset's or a call's.
    """

    timeout: float | Template | None = None
    connect_timeout: float | Template | None = None
    first_event_timeout: float | Template | None = None
    between_events_timeout: float | Template | None = None
    start_timeout: float | Template | None = None
    job_timeout: float | Template | None = None
    max_stream_seconds: float | Template | None = None
    retry_after_cap: float | Template | None = None
    cooldown: float | Template | None = None
    max_response_bytes: int | Template | None = None
    max_event_bytes: int | Template | None = None
    max_retries: int | Template | None = None
    max_attempts: int | Template | None = None
    max_repairs: int | Template | None = None
    max_concurrency: int | Template | None = None
    max_waiting: int | Template | None = None
    max_cost: Decimal | None = None
    max_total_tokens: int | None = None
    reserve_output_tokens: int | None = None
    balance: Balance | None = None
    weights: FrozenDict[str, float] | None = None
    hedge_after: float | None = None
    cache: float | bool | None = None
    coalesce: bool | None = None
    actions: FrozenDict[str, str] = field(default_factory=FrozenDict)


NO_POLICY = Policy()
"""A policy that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """`[budgets]`: US dollars and tokens of one run of the program, and of one day (UTC). None = no limit."""

    run_max_cost: Decimal | None = None
    day_max_cost: Decimal | None = None
    run_max_total_tokens: int | None = None
    day_max_total_tokens: int | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`[ledger]`: the file that keeps the account of every attempt, as written; a relative one starts at the project
    root. It ends in .jsonl, .sqlite or .db."""

    path: str
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStore:
    """`[cache]`: where answers are kept, for the calls that ask for it: in memory, or in the SQLite file `path` (as
    written; a relative one starts at the project root). `ttl` in seconds; None = without end."""

    path: str | None = None
    max_entries: int = 1000
    ttl: float | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What values a key of a policy takes, and what holds where nobody says anything.

    Numbers begin at `least`, or above 0 where it is None. `default` None: `otherwise` says what holds then.
    `backend` and `caller` tell where it may stand: in a backend's table; in profiles, presets, aliases and calls.
    """

    form: Literal["seconds", "integer", "dollars", "word", "weights", "cache", "flag"]
    least: int | None = None
    default: float | str | bool | None = None
    otherwise: str = "no limit"
    backend: bool = True
    caller: bool = True


ATTEMPT_SECONDS = 600.0
"""The `timeout` of a backend that says none."""

RULES: Mapping[str, Rule] = FrozenDict(
    {
        "timeout": Rule(form="seconds"),
        "connect_timeout": Rule(form="seconds", default=10.0),
        "first_event_timeout": Rule(form="seconds", otherwise="as an attempt's timeout"),
        "between_events_timeout": Rule(form="seconds", otherwise="as an attempt's timeout"),
        "start_timeout": Rule(form="seconds", otherwise="an attempt's timeout bounds it"),
        "job_timeout": Rule(form="seconds", otherwise="an attempt's timeout bounds it"),
        "max_stream_seconds": Rule(form="seconds"),
        "retry_after_cap": Rule(form="seconds", default=60.0),
        "cooldown": Rule(form="seconds", least=0, default=5.0),
        "max_response_bytes": Rule(form="integer", least=1, default=64 * 1024 * 1024),
        "max_event_bytes": Rule(form="integer", least=1, default=8 * 1024 * 1024),
        "max_retries": Rule(form="integer", least=0, default=2),
        "max_attempts": Rule(form="integer", least=1, backend=False),
        "max_repairs": Rule(form="integer", least=0, default=1),
        "max_concurrency": Rule(form="integer", least=1, caller=False),
        "max_waiting": Rule(form="integer", least=0, default=1000, caller=False),
        "max_cost": Rule(form="dollars", backend=False),
        "max_total_tokens": Rule(form="integer", least=1, backend=False),
        "reserve_output_tokens": Rule(form="integer", least=1, default=4096, backend=False),
        "balance": Rule(form="word", otherwise="the order as declared", backend=False),
        "weights": Rule(form="weights", otherwise="1 each", backend=False),
        "hedge_after": Rule(form="seconds", otherwise="never", backend=False),
        "cache": Rule(form="cache", default=False, backend=False),
        "coalesce": Rule(form="flag", default=False, backend=False),
    }
)
"""Every key of a policy but `actions`, which is a table of its own."""

CALL_KEYS = (*(name for name, rule in RULES.items() if rule.caller), "actions")
"""What calls, inline tables, presets and profiles may say."""
