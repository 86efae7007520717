"""How much the model thinks, in the words that it understands.

Which model takes what: https://platform.claude.com/docs/en/build-with-claude/thinking
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import ModelSpec

Body = dict[str, object]

ANSWER_TOKENS = 8192
"""Tokens of an answer whose length nobody set: the protocol demands a number."""

_LEAST = 1024
# Budgets for models that think by a budget of tokens.
_BUDGETS: Mapping[str, int] = {
    "minimal": _LEAST,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes into the body: `thinking` and the word of `effort`, and `max_tokens`, which thinking counts towards.

    `on`: it thinks, so that the protocol takes neither forced tools nor a temperature.
    """

    max_tokens: int
    thinking: Body | None = None
    effort: str | None = None
    on: bool = False
    adapted: tuple[str, ...] = field(default=())


def plan_thinking(settings: Mapping[str, object], spec: ModelSpec, *, forced: bool) -> Plan:
    """Decide from `reasoning_effort`, `reasoning_budget` and `max_tokens`; `forced`: a tool must be called."""
    effort, budget = settings.get("reasoning_effort"), settings.get("reasoning_budget")
    word = str(effort) if effort is not None else None
    tokens = budget if isinstance(budget, int) else None
    mode = spec.thinking_mode
    if mode is None and tokens is not None and word is None:
        mode = "manual"
    if mode == "manual":
        return _manual(word, tokens, settings, spec)
    most = _max_tokens(settings, spec)
    if mode == "none":
        names = [name for name in ("reasoning_effort", "reasoning_budget") if name in settings]
        wanted = [name for name in names if settings[name] not in ("none", 0)]
        return Plan(max_tokens=most, adapted=tuple(f"{name}: left out, the model does not think" for name in wanted))
    return _adaptive(word, tokens, spec, most, forced=forced)


def _ceiling(spec: ModelSpec) -> int | None:
    return spec.max_tokens if isinstance(spec.max_tokens, int) else None


def _max_tokens(settings: Mapping[str, object], spec: ModelSpec, beside: int = 0) -> int:
    asked, ceiling = settings.get("max_tokens"), _ceiling(spec)
    most = asked if isinstance(asked, int) else ANSWER_TOKENS + beside
    return most if ceiling is None else min(most, ceiling)


def _manual(word: str | None, tokens: int | None, settings: Mapping[str, object], spec: ModelSpec) -> Plan:
    budget = _BUDGETS.get(word, 0) if tokens is None and word is not None else tokens or 0
    adapted: list[str] = []
    if word is not None and tokens is not None:
        adapted.append("reasoning_effort: left out, reasoning_budget says it")
    if not budget:
        return Plan(max_tokens=_max_tokens(settings, spec), adapted=tuple(adapted))
    if budget < _LEAST:
        adapted.append(f"reasoning_budget: {budget} raised to {_LEAST}, the least that the protocol takes")
        budget = _LEAST
    most = _max_tokens(settings, spec, budget)
    if budget >= most:
        if most // 2 < _LEAST:
            adapted.append(f"thinking: left out, {most} max_tokens leave no room for it")
            return Plan(max_tokens=most, adapted=tuple(adapted))
        adapted.append(f"reasoning_budget: {budget} lowered to {most // 2}, it counts towards {most} max_tokens")
        budget = most // 2
    thinking: Body = {"type": "enabled", "budget_tokens": budget}
    return Plan(max_tokens=most, thinking=thinking, on=True, adapted=tuple(adapted))


def _adaptive(word: str | None, tokens: int | None, spec: ModelSpec, most: int, *, forced: bool) -> Plan:
    adapted: list[str] = []
    always = spec.constraints.thinking_cannot_be_disabled
    if word is None and tokens is not None:
        word = _word_for(tokens)
        if tokens:
            adapted.append(f'reasoning_budget: {tokens} became the effort "{word}", the model takes no budget')
    elif tokens is not None:
        adapted.append("reasoning_budget: left out, reasoning_effort says it")
    if word == "minimal":
        word = "low"
        adapted.append("reasoning_effort: minimal became low, the least that the protocol knows")
    if word is None and not (forced and spec.thinking_mode == "adaptive" and not always):
        return Plan(max_tokens=most, on=always)
    if word in (None, "none") and not always:
        return Plan(max_tokens=most, thinking={"type": "disabled"}, adapted=tuple(adapted))
    effort = "low" if word == "none" else word
    # Newer models send their thoughts back empty unless asked for a summary.
    thinking: Body = {"type": "adaptive", "display": "summarized"}
    return Plan(max_tokens=most, thinking=thinking, effort=effort, on=True, adapted=tuple(adapted))


def _word_for(tokens: int) -> str:
    """The smallest effort whose budget is enough."""
    if tokens == 0:
        return "none"
    return next((word for word, budget in _BUDGETS.items() if word != "minimal" and tokens <= budget), "max")
