"""Settings of LiteLLM that are not carried over, each with the nearest thing that there is here.

None marks those that the migration reads itself, or that need no word since it is always so here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = frozenset(
    (
        "model_list",
        "router_settings",
        "litellm_settings",
        "general_settings",
        "environment_variables",
        "credential_list",
    )
)

_LEDGER = "[ledger] in routing_profiles.toml keeps an account of every attempt."
_TELEMETRY = "Spans and metrics go to OpenTelemetry; see docs/telemetry.md."
_BUDGETS = "[budgets] in routing_profiles.toml, and max_cost on a preset or call, bound spending."
_CACHE = "Answers are kept in memory or in a SQLite file: [cache] in routing_profiles.toml."
_LIMITS = "max_concurrency on a backend bounds what is in flight."

GENERAL: Mapping[str, str | None] = {
    "master_key": "This key was for the callers of the proxy; calls from your program need none.",
    "database_url": _LEDGER,
    "alerting": _TELEMETRY,
    "max_parallel_requests": _LIMITS,
    "global_max_parallel_requests": _LIMITS,
    "background_health_checks": "Backends that fail rest for a while by themselves (cooldown).",
}
ROUTER: Mapping[str, str | None] = {
    **dict.fromkeys(
        (
            "routing_strategy",
            "model_group_alias",
            "fallbacks",
            "default_fallbacks",
            "context_window_fallbacks",
            "content_policy_fallbacks",
            "num_retries",
            "timeout",
            "stream_timeout",
            "cooldown_time",
            "retry_policy",
            "enable_pre_call_checks",
        )
    ),
    "allowed_fails": "How often a backend must fail before it rests is not set; how long it rests is `cooldown`.",
    "allowed_fails_policy": "How often a backend must fail before it rests is not set; `cooldown` says how long.",
    "model_group_retry_policy": "Write `actions` and max_retries in the alias of that name.",
    "retry_after": "The wait between repeats grows by itself; a provider's Retry-After is kept to retry_after_cap.",
    "max_fallbacks": "max_attempts in a profile or preset bounds all requests of a call.",
    "redis_host": _CACHE,
    "redis_url": _CACHE,
    "redis_port": _CACHE,
    "redis_password": _CACHE,
    "cache_responses": _CACHE,
    "provider_budget_config": _BUDGETS,
}
LITELLM: Mapping[str, str | None] = {
    **dict.fromkeys(
        (
            "fallbacks",
            "default_fallbacks",
            "context_window_fallbacks",
            "content_policy_fallbacks",
            "num_retries",
            "request_timeout",
            "drop_params",
            "cache",
            "cache_params",
            "modify_params",
        )
    ),
    "allowed_fails": "How often a backend must fail before it rests is not set; how long it rests is `cooldown`.",
    "success_callback": _TELEMETRY,
    "failure_callback": _TELEMETRY,
    "callbacks": _TELEMETRY,
    "service_callback": _TELEMETRY,
    "max_budget": _BUDGETS,
    "budget_duration": _BUDGETS,
    "set_verbose": "The logger `pipelex_like` tells what happens.",
    "json_logs": "The logger `pipelex_like` tells what happens.",
    "ssl_verify": "ca_file on a backend names the authority to trust.",
    "max_parallel_requests": _LIMITS,
}
