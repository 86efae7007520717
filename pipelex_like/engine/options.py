"""The keyword options of calls: settings of the model, and how the call is governed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from pipelex_like.deck import NO_POLICY, Policy
from pipelex_like.deck.governing import read_call_policy
from pipelex_like.deck.policy import CALL_KEYS, RULES
from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.errors import did_you_mean
from pipelex_like.types import EMPTY, FrozenDict, freeze, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from pipelex_like.deck import Balance
    from pipelex_like.types import Kind

Action = Literal["retry", "next", "stop"]


class CallOptions(TypedDict, total=False):
    """How a call is governed: who may serve it, how long it may take (seconds), how often it may try, what it may cost
    (US dollars), whether it may be answered from the cache. `tags` are words of your own for its account."""

    profile: str | None
    provider: str | None
    only: Sequence[str] | None
    exclude: Sequence[str]
    timeout: float | None
    max_attempts: int | None
    max_retries: int | None
    max_repairs: int | None
    connect_timeout: float | None
    first_event_timeout: float | None
    between_events_timeout: float | None
    start_timeout: float | None
    job_timeout: float | None
    max_stream_seconds: float | None
    retry_after_cap: float | None
    cooldown: float | None
    max_response_bytes: int | None
    max_event_bytes: int | None
    actions: Mapping[str, Action]
    max_cost: Decimal | float | None
    max_total_tokens: int | None
    reserve_output_tokens: int | None
    balance: Balance | None
    weights: Mapping[str, float] | None
    hedge_after: float | None
    cache: bool | float | None
    coalesce: bool | None
    tags: Sequence[str] | None


class LlmOptions(CallOptions, total=False):
    """Options of text and objects; a setting given as None is not sent."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | Literal["auto"] | None
    stop: str | Sequence[str] | None
    seed: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | int | None
    tool_choice: str | Mapping[str, object] | None
    parallel_tool_calls: bool | None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None
    reasoning_budget: int | None
    user: str | None
    metadata: Mapping[str, str] | None
    service_tier: str | None
    extra: Mapping[str, object] | None


class ExtractOptions(CallOptions, total=False):
    """Options of reading documents."""

    max_nb_images: int | None
    image_min_size: int | None
    page_images: bool | None
    extra: Mapping[str, object] | None


class ImageOptions(CallOptions, total=False):
    """Options of drawing pictures."""

    quality: Literal["low", "medium", "high", "auto"] | None
    nb_steps: int | None
    guidance_scale: float | None
    is_moderated: bool | None
    safety_tolerance: int | None
    aspect_ratio: str | None
    size: str | None
    background: Literal["transparent", "opaque", "auto"] | None
    output_format: Literal["png", "jpg", "jpeg", "webp"] | None
    output_compression: int | None
    input_fidelity: Literal["low", "high"] | None
    negative_prompt: str | None
    is_raw: bool | None
    seed: int | None
    extra: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who may serve: the part of a call's options that a view has too."""

    profile: str | None = None
    provider: str | None = None
    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()

    def within(self, outer: Scope) -> Scope:
        """Give both together: what the outer rules out stays ruled out."""
        only = self.only if outer.only is None else outer.only
        if self.only is not None and outer.only is not None:
            only = tuple(name for name in self.only if name in outer.only)
        return Scope(
            profile=self.profile or outer.profile,
            provider=self.provider or outer.provider,
            only=only,
            exclude=(*outer.exclude, *self.exclude),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options that were checked, sorted by what they act on; `tags` go into the account of every attempt."""

    settings: FrozenDict[str, object] = EMPTY
    policy: Policy = NO_POLICY
    scope: Scope = field(default_factory=Scope)
    tags: tuple[str, ...] = ()


NO_OPTIONS = Options()
_SCOPE = ("profile", "provider", "only", "exclude")
_OTHERS = (*_SCOPE, *CALL_KEYS, "tags")
_NOT_OURS: Mapping[str, str] = {
    name: "It belongs to a backend: write it in backends.toml." for name, rule in RULES.items() if not rule.caller
}


def check_options(kind: Kind, given: Mapping[str, object]) -> Options:
    """Sort and check options.

    Raises TypeError for one that is not known or has a value of a wrong type, ValueError for a value that is
    out of range.
    """
    if not given:
        return NO_OPTIONS
    known = SETTINGS[kind]
    for name, value in given.items():
        if name in known:
            _check_setting(kind, name, value)
        elif name not in _OTHERS:
            hint = _NOT_OURS.get(name) or did_you_mean(name, [*known, *_OTHERS])
            raise TypeError(f'no option is called "{name}" for {kind}. {hint}'.rstrip())
    return Options(
        settings=FrozenDict({name: freeze(value) for name, value in given.items() if name in known}),
        policy=read_call_policy(given),
        scope=scope_of(given),
        tags=_tags(given.get("tags")),
    )


def scope_of(given: Mapping[str, object]) -> Scope:
    """Read who may serve. Raises TypeError for what is no name or list of names."""
    return Scope(
        profile=_name("profile", given),
        provider=_name("provider", given),
        only=_names("only", given),
        exclude=_names("exclude", given) or (),
    )


def _check_setting(kind: Kind, name: str, value: object) -> None:
    fault = fault_of(kind, name, value)
    if fault is None:
        return
    message = f"{name}: {fault}"
    raise TypeError(message) if fault.startswith("expected") else ValueError(message)


def _name(option: str, given: Mapping[str, object]) -> str | None:
    value = given.get(option)
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{option}: expected a name, got {type(value).__name__}")


def _names(option: str, given: Mapping[str, object]) -> tuple[str, ...] | None:
    value = given.get(option)
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    if not is_list(value) and not isinstance(value, set | frozenset):
        raise TypeError(f"{option}: expected names of backends, got {type(value).__name__}")
    names = tuple(cast("tuple[object, ...]", value))
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{option}: expected names of backends, got {value!r}")
    return cast("tuple[str, ...]", names)


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    tags = (value,) if isinstance(value, str) else value
    if not is_list(tags) or not all(isinstance(tag, str) for tag in tags):
        raise TypeError(f"tags: expected a list of texts, got {type(value).__name__}")
    if not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise ValueError("tags: an empty tag says nothing; leave it out")
    return tuple(dict.fromkeys(str(tag) for tag in tags))
