"""What LiteLLM's settings for all models come to: routing_profiles.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.setup.litellm.access import Reader
from pipelex_like.setup.litellm.kit import kit_order
from pipelex_like.setup.litellm.text import pair, table
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.setup.litellm.backends import Backends
    from pipelex_like.setup.litellm.config import LiteConfig
    from pipelex_like.setup.litellm.deck import Names

_PACKAGED, _OWN, _TAKES_MANY = "auto", "litellm", "huggingface"
_RETRIES: Mapping[str, str] = {
    "TimeoutErrorRetries": "timeout",
    "RateLimitErrorRetries": "rate_limit",
    "AuthenticationErrorRetries": "auth",
    "ContentPolicyViolationErrorRetries": "content_policy",
    "InternalServerErrorRetries": "server",
    "BadRequestErrorRetries": "bad_request",
}


def profile_text(config: LiteConfig, backends: Backends, names: Names) -> str:
    """Give the text of routing_profiles.toml, empty where the packaged one will do."""
    name = _OWN if names.catch_all else _PACKAGED
    profile: dict[str, object] = {}
    if names.catch_all is not None:
        profile["description"] = "Every name that is not an alias goes to one backend"
        profile["fallback_order"] = [names.catch_all]
        _take_unlisted(backends, names.catch_all, "*")
    profile |= Reader(config=config, used=set()).for_profile()
    actions = _actions(config)
    if actions:
        profile["actions"] = actions
    cache, store = _cache(config)
    if cache is not None:
        profile["cache"] = cache
    for pattern, backend in names.patterns.items():
        _take_unlisted(backends, backend, pattern)
    order = kit_order(_PACKAGED)
    added = [backend for backend in dict.fromkeys(names.patterns.values()) if backend not in order]
    if added and names.catch_all is None:
        # Before those that take every name, behind those that list their own.
        place = order.index(_TAKES_MANY)
        profile["fallback_order"] = [*order[:place], *added, *order[place:]]
    text = f"{pair('active', name)}" if name == _OWN else ""
    text += table(("profiles", name), profile) if profile else ""
    if names.patterns:
        text += table(("profiles", name, "optional_routes"), names.patterns)
    text += table(("cache",), store) if store else ""
    return f"# Added to the packaged profiles.\n{text}" if text else ""


def _take_unlisted(backends: Backends, name: str, pattern: str) -> None:
    values = backends.tables.setdefault(name, {})
    held = values.get("unlisted")
    values["unlisted"] = [*(held if is_list(held) else []), pattern]


def _actions(config: LiteConfig) -> dict[str, str]:
    """An error that LiteLLM repeats so many times is one that is repeated here; how often, max_retries says."""
    policy = config.setting("retry_policy")
    if not is_table(policy):
        return {}
    found: dict[str, str] = {}
    for key, count in policy.items():
        if key not in _RETRIES or not isinstance(count, int):
            config.report.lost(("router_settings", "retry_policy", key), "there is no such class of errors here.")
            continue
        found[_RETRIES[key]] = "retry" if count > 0 else "next"
    if len({count for count in policy.values() if count}) > 1 or config.setting("num_retries") is None:
        message = "after which errors a request is repeated is carried over, how often for each is not."
        config.report.otherwise(
            ("router_settings", "retry_policy"), message, "max_retries on a backend counts for all."
        )
    return found


def _cache(config: LiteConfig) -> tuple[object, dict[str, object]]:
    """Give `cache` of the profile and the table [cache]."""
    if config.setting("cache") is not True:
        return None, {}
    params = config.setting("cache_params")
    held = params if is_table(params) else {}
    kind, ttl = held.get("type", "redis"), held.get("ttl")
    if kind not in ("local", "disk"):
        message = f'answers were kept in "{kind}"; here it is the memory of the program.'
        hint = 'path = "answers.sqlite" in [cache] keeps them in a file.'
        config.report.otherwise(("litellm_settings", "cache_params"), message, hint)
    for key in held:
        if key not in ("type", "ttl", "disk_cache_dir"):
            config.report.lost(("litellm_settings", "cache_params", key), "there is no such setting here.")
    store: dict[str, object] = {"path": "answers.sqlite"} if kind == "disk" else {}
    return (ttl if isinstance(ttl, int | float) and ttl > 0 else True), store
