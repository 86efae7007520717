"""Who made a model: Bedrock hands some settings on to the model in its maker's own words.

They go into `additionalModelRequestFields`; which ones there are:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelex_like.workers.anthropic.thinking import Plan, plan_thinking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Candidate

Body = dict[str, object]

_MAKERS = "ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|zai"
_MAKER = re.compile(rf"(?:^|[./])({_MAKERS})\.")
_EFFORTS: Mapping[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Efforts of ours that have no name of their own where there are only low, medium and high."""


def maker_of(candidate: Candidate) -> str:
    """Give the maker from the model's id, an inference profile's or an ARN; Anthropic where the id does not tell."""
    found = _MAKER.search(candidate.model_id)
    if found is not None:
        return found[1]
    target = candidate.spec.prompting_target
    return target if target in ("amazon", "cohere", "deepseek", "meta", "mistral", "openai", "qwen") else "anthropic"


def forced_choice(name: str, maker: str) -> Body:
    """Give the `toolChoice` that makes the model call this tool: not every maker's model can be told which one."""
    return {"any": {}} if maker == "mistral" else {"tool": {"name": name}}


def can_force(maker: str) -> bool:
    """Whether the maker's models can be made to call a tool."""
    return maker in ("amazon", "anthropic", "mistral")


def top_k_fields(value: object, maker: str) -> Body | None:
    """Give where `top_k` goes, or None where the model has no such thing."""
    match maker:
        case "anthropic" | "mistral":
            return {"top_k": value}
        case "amazon":
            return {"inferenceConfig": {"topK": value}}
        case "cohere":
            return {"k": value}
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """What thinking adds to the request. `max_tokens` is None where nobody has to set any; `bars` names the settings
    that the model does not take while it thinks, `bars_force` that it cannot be made to call a tool meanwhile."""

    fields: Body = field(default_factory=dict[str, object])
    effort: str | None = None
    max_tokens: int | None = None
    bars: frozenset[str] = frozenset()
    bars_force: bool = False
    adapted: tuple[str, ...] = ()


_SAMPLING = frozenset({"temperature", "top_p", "top_k"})


def thinking_of(settings: Mapping[str, object], candidate: Candidate, maker: str, *, forced: bool) -> Thinking:
    """Decide from `reasoning_effort`, `reasoning_budget` and `max_tokens`; `forced`: a tool must be called."""
    asked = settings.get("max_tokens")
    most = asked if isinstance(asked, int) else None
    wanted = [name for name in ("reasoning_effort", "reasoning_budget") if name in settings]
    if maker == "anthropic":
        return _claude(plan_thinking(settings, candidate.spec, forced=forced), most)
    thinks = candidate.spec.thinking_mode != "none"
    if not wanted or not thinks or maker not in ("amazon", "openai"):
        why = "this model has no word for it on Bedrock" if thinks else "the model does not think"
        lines = [f"{name}: left out, {why}" for name in wanted if settings[name] not in ("none", 0)]
        return Thinking(max_tokens=most, adapted=tuple(lines))
    word, lines = _word(settings)
    thinking = Thinking(max_tokens=most, adapted=tuple(lines))
    return _nova(thinking, word) if maker == "amazon" else _gpt_oss(thinking, word)


def _claude(plan: Plan, most: int | None) -> Thinking:
    thinks = plan.on and plan.thinking is not None
    return Thinking(
        fields={} if plan.thinking is None else {"thinking": plan.thinking},
        effort=plan.effort,
        # Without a number Bedrock takes the most that the model gives.
        max_tokens=plan.max_tokens if thinks or most is not None else None,
        bars=_SAMPLING if plan.on else frozenset(),
        bars_force=plan.on,
        adapted=plan.adapted,
    )


def _word(settings: Mapping[str, object]) -> tuple[str, list[str]]:
    effort, budget = settings.get("reasoning_effort"), settings.get("reasoning_budget")
    if effort is None:
        tokens = budget if isinstance(budget, int) else 0
        word = next((word for word, most in (("none", 0), ("low", 2048), ("medium", 8192)) if tokens <= most), "high")
        return word, [f'reasoning_budget: {tokens} became the effort "{word}", the model takes no budget']
    word = str(effort)
    lines = [] if budget is None else ["reasoning_budget: left out, reasoning_effort says it"]
    known = _EFFORTS.get(word, word)
    if known != word:
        lines.append(f"reasoning_effort: {word} became {known}, the nearest that the model knows")
    return known, lines


def _nova(thinking: Thinking, word: str) -> Thinking:
    # https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
    if word == "none":
        return replace(thinking, fields={"reasoningConfig": {"type": "disabled"}})
    fields: Body = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": word}}
    if word != "high":
        return replace(thinking, fields=fields)
    lines = () if thinking.max_tokens is None else ("max_tokens: left out, Nova takes none at the highest effort",)
    return replace(thinking, fields=fields, max_tokens=None, bars=_SAMPLING, adapted=(*thinking.adapted, *lines))


def _gpt_oss(thinking: Thinking, word: str) -> Thinking:
    if word == "none":
        word = "low"
        thinking = replace(thinking, adapted=(*thinking.adapted, "reasoning_effort: none became low, it always thinks"))
    return replace(thinking, fields={"reasoning_effort": word})
