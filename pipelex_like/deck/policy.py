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

ERROR_CLASSES: Mapping[str, str] = FrozenDict(
    {
        "auth": "the key is wrong or missing",
        "permission": "the key may not do this",
        "quota": "credit or quota is used up",
        "rate_limit": "too many requests; a lone candidate: retry",
        "context_window": "the prompt is too long for the model",
        "content_policy": "the provider refuses the content",
        "bad_request": "the provider calls the request wrong",
        "not_found": "it knows no such model",
        "timeout": "an attempt took too long",
        "server": "an error of the provider",
        "overloaded": "it has too much to do, or its queue here is full; a lone candidate: retry",
        "connection": "it was not reached",
        "invalid_response": "the answer cannot be read",
        "invalid_object": "it does not fit the type after its repairs; without a word here, `invalid_response` counts",
        "capability": "the model cannot do this",
    }
)
"""When an error of each class happens."""

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
    `meaning` says in words what the key does.
    `backend` and `caller` tell where it may stand: in a backend's table; in profiles, presets, aliases and calls.
    """

    form: Literal["seconds", "integer", "dollars", "word", "weights", "cache", "flag"]
    least: int | None = None
    default: float | str | bool | None = None
    otherwise: str = "no limit"
    backend: bool = True
    caller: bool = True
    meaning: str


ATTEMPT_SECONDS = 600.0
"""The `timeout` of a backend that says none."""

RULES: Mapping[str, Rule] = FrozenDict(
    {
        "timeout": Rule(form="seconds", meaning="time for the whole call; on a backend: for one attempt, 600"),
        "connect_timeout": Rule(form="seconds", default=10.0, meaning="until a connection stands"),
        "first_event_timeout": Rule(
            form="seconds",
            otherwise="as an attempt's timeout",
            meaning="waiting for the first event of a stream",
        ),
        "between_events_timeout": Rule(
            form="seconds",
            otherwise="as an attempt's timeout",
            meaning="waiting for the next event; the time that a slow reader takes does not count",
        ),
        "start_timeout": Rule(
            form="seconds",
            otherwise="an attempt's timeout bounds it",
            meaning="where jobs are queued: until the work begins",
        ),
        "job_timeout": Rule(
            form="seconds",
            otherwise="an attempt's timeout bounds it",
            meaning="where jobs are queued: the work itself, from then on",
        ),
        "max_stream_seconds": Rule(form="seconds", meaning="longest time of a whole stream"),
        "retry_after_cap": Rule(
            form="seconds",
            default=60.0,
            meaning="the longest wait that a provider may ask for (Retry-After); a longer one moves on",
        ),
        "cooldown": Rule(
            form="seconds",
            least=0,
            default=5.0,
            meaning="the first pause of a model that failed by its backend's fault; it doubles up to 60; 0 = none",
        ),
        "max_response_bytes": Rule(
            form="integer",
            least=1,
            default=64 * 1024 * 1024,
            meaning="largest answer, after decompression",
        ),
        "max_event_bytes": Rule(form="integer", least=1, default=8 * 1024 * 1024, meaning="largest event of a stream"),
        "max_retries": Rule(
            form="integer",
            least=0,
            default=2,
            meaning="repeats of the same candidate within a call; 0 = exactly one request",
        ),
        "max_attempts": Rule(
            form="integer", least=1, backend=False, meaning="most requests of a call, repeats included"
        ),
        "max_repairs": Rule(
            form="integer",
            least=0,
            default=1,
            meaning="how often a model is told what does not fit in its object and may mend it; each is a repeat",
        ),
        "max_concurrency": Rule(form="integer", least=1, caller=False, meaning="most requests to it at the same time"),
        "max_waiting": Rule(
            form="integer",
            least=0,
            default=1000,
            caller=False,
            meaning="most calls that wait for their turn; one more is an OverloadedError",
        ),
        "max_cost": Rule(
            form="dollars",
            backend=False,
            meaning="most that a call may cost, all its attempts together; checked before each by an estimate",
        ),
        "max_total_tokens": Rule(
            form="integer",
            least=1,
            backend=False,
            meaning="most tokens of a call, in and out, all its attempts together",
        ),
        "reserve_output_tokens": Rule(
            form="integer",
            least=1,
            default=4096,
            backend=False,
            meaning="what an answer is estimated to be at most, where neither `max_tokens` nor the model says less",
        ),
        "balance": Rule(
            form="word",
            otherwise="the order as declared",
            backend=False,
            meaning="which candidate is asked first",
        ),
        "weights": Rule(form="weights", otherwise="1 each", backend=False, meaning='shares for `balance = "weighted"`'),
        "hedge_after": Rule(
            form="seconds",
            otherwise="never",
            backend=False,
            meaning="after so long, the next candidate is asked as well; the first answer counts, both cost",
        ),
        "cache": Rule(
            form="cache",
            default=False,
            backend=False,
            meaning="whether an equal request may be answered from the cache, and how old that answer may be",
        ),
        "coalesce": Rule(
            form="flag",
            default=False,
            backend=False,
            meaning="equal calls that are under way share one request",
        ),
    }
)
"""Every key of a policy but `actions`, which is a table of its own."""

CALL_KEYS = (*(name for name, rule in RULES.items() if rule.caller), "actions")
"""What calls, inline tables, presets and profiles may say."""
