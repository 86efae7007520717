"""An explanation as text for people: the answer first, then how it came about."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from pipelex_like.routing.explanation import Example, Explanation, Step

_WIDTH = 110
# Stands for a blank at which no line is broken.
_GLUE = "\xa0"
_MARKS = {"chosen": "+", "lost": "-", "info": " "}


def as_text(explanation: Explanation) -> str:
    """Write the explanation: `+` marks what decided, `-` what gave way, brackets where it was written."""
    sections = [
        [_headline(explanation)],
        ["how it got there:", *map(_line, explanation.way)],
        _candidates(explanation),
        _governing(explanation),
        [explanation.error] if explanation.error else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def money(amount: Decimal) -> str:
    """Write US dollars without needless zeros: `0.0105 USD`."""
    text = f"{amount:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} USD"


def _headline(explanation: Explanation) -> str:
    asked = f"{explanation.reference} ({explanation.kind or 'kind unknown'})"
    if explanation.route is None:
        return f"{asked}: leads nowhere under this configuration"
    first, more = explanation.route.primary, len(explanation.route.candidates) - 1
    rest = f", then {more} more" if more else ""
    return f'{asked}: "{first.handle}" at "{first.backend}"{rest}'


def _candidates(explanation: Explanation) -> list[str]:
    lines = ["who is asked, in this order:"] if explanation.told else []
    for told in explanation.told:
        lines += map(_line, told.steps)
        lines += [f"    {_cost(told.example)}"] if told.example is not None else []
    return lines


def _cost(example: Example) -> str:
    if example.cost is None:
        return f"an example call ({example.size}): its cost cannot be told: {example.note}"
    bound = "at most " if example.at_most else ""
    return f"an example call ({example.size}) costs {bound}{money(example.cost)}"


def _governing(explanation: Explanation) -> list[str]:
    if not explanation.policy:
        return []
    lines = ["how calls are governed:"]
    lines += [_line(row.step) for row in explanation.policy if not row.is_default]
    for number, told in enumerate(explanation.told, start=1):
        lines += [f"{_line(row.step)} (candidate {number})" for row in explanation.own_policy(told)]
    return [*lines, *_wrapped("by default: ", (row.step.text for row in explanation.policy if row.is_default))]


def _wrapped(lead: str, parts: Iterable[str]) -> Iterator[str]:
    text = lead + ", ".join(part.replace(" ", _GLUE) for part in parts)
    for line in wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    "):
        yield line.replace(_GLUE, " ")


def _line(step: Step) -> str:
    place = f"  [{step.place}]" if step.place else ""
    return f"{_MARKS[step.verdict]} {'  ' * step.depth}{step.text}{place}"
