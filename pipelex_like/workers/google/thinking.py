"""How much the model thinks: a budget of tokens up to Gemini 2.5, a level from Gemini 3 on.

Which model takes what: https://ai.google.dev/gemini-api/docs/generate-content/thinking
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate, ThinkingMode

Body = dict[str, object]

_BUDGETS: Mapping[str, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 32768,
}
_LEVELS: Mapping[str, str] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
# The most tokens of thinking for which a level is enough.
_ENOUGH = ((0, "none"), (1024, "low"), (8192, "medium"))
_BY_BUDGET = ("gemini-2.", "gemini-1.")


def thinking_config(settings: Mapping[str, object], candidate: Candidate) -> tuple[Body, list[str]]:
    """Give what the wire says of `reasoning_effort` and `reasoning_budget`, empty where nothing was asked for, and a
    line for each change."""
    effort, budget = settings.get("reasoning_effort"), settings.get("reasoning_budget")
    word = str(effort) if effort is not None else None
    tokens = budget if isinstance(budget, int) else None
    if word is None and tokens is None:
        return {}, []
    mode = candidate.spec.thinking_mode or mode_of(candidate.model_id)
    if mode == "none":
        wanted = [
            name for name in ("reasoning_effort", "reasoning_budget") if settings.get(name) not in (None, "none", 0)
        ]
        return {}, [f"{name}: left out, the model does not think" for name in wanted]
    return _manual(word, tokens, candidate) if mode == "manual" else _adaptive(word, tokens, candidate)


def mode_of(model_id: str) -> ThinkingMode:
    """Tell by its name how a model that no spec describes thinks."""
    return "manual" if model_id.rpartition("/")[2].startswith(_BY_BUDGET) else "adaptive"


def _manual(word: str | None, tokens: int | None, candidate: Candidate) -> tuple[Body, list[str]]:
    lines: list[str] = []
    if tokens is not None:
        if word is not None:
            lines.append("reasoning_effort: left out, reasoning_budget says it")
        budget = tokens
    else:
        limits = candidate.spec.constraints
        budget = _BUDGETS.get(word or "", 0)
        if budget or limits.thinking_cannot_be_disabled:
            budget = max(budget, limits.min_thinking_budget or 0)
        if limits.max_thinking_budget is not None:
            budget = min(budget, limits.max_thinking_budget)
    return {"thinkingBudget": budget, "includeThoughts": budget > 0}, lines


def _adaptive(word: str | None, tokens: int | None, candidate: Candidate) -> tuple[Body, list[str]]:
    lines: list[str] = []
    if word is None:
        word = next((name for most, name in _ENOUGH if (tokens or 0) <= most), "high")
        if tokens:
            lines.append(f'reasoning_budget: {tokens} became the effort "{word}", the model takes no budget')
    elif tokens is not None:
        lines.append("reasoning_budget: left out, reasoning_effort says it")
    level = _LEVELS.get(word, "HIGH")
    if level == "MINIMAL" and candidate.spec.constraints.thinking_cannot_be_disabled:
        level = "LOW"
    if level.lower() != word:
        end = "least" if word in ("none", "minimal") else "most"
        lines.append(f"reasoning_effort: {word} became {level.lower()}, the {end} that the model knows")
    return {"thinkingLevel": level, "includeThoughts": level != "MINIMAL"}, lines
