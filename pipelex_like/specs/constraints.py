"""What a model refuses or insists on, in the three spellings of spec files."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipelex_like.deck import Constraints
from pipelex_like.deck.vocabulary import SETTINGS
from pipelex_like.errors import did_you_mean
from pipelex_like.specs.fields import CountOrNone, Table

NO_CONSTRAINTS = Constraints()
_UNSUPPORTED = "_unsupported"
_WORDS = (
    "temperature_must_be_1",
    "temperature_must_be_multiplied_by_2",
    "thinking_cannot_be_disabled",
    "tools_unsupported",
    *dict.fromkeys(f"{name}{_UNSUPPORTED}" for settings in SETTINGS.values() for name in settings),
)


def _known(words: list[str]) -> list[str]:
    for word in words:
        if word not in _WORDS:
            raise ValueError("a word of the list names no constraint", did_you_mean(word, _WORDS))
    return words


ConstraintWords = Annotated[
    list[str], AfterValidator(_known), Field(json_schema_extra={"items": {"type": "string", "enum": [*_WORDS]}})
]


class ValuedConstraints(Table):
    """Constraints that come with a number."""

    fixed_temperature: Annotated[int | float, Field(ge=0, le=2)] | None = Field(
        default=None, description="the only temperature it takes"
    )
    min_thinking_budget: CountOrNone | None = Field(default=None, description="fewest tokens of thinking")
    max_thinking_budget: CountOrNone | None = Field(default=None, description="most tokens of thinking")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        least, most = self.min_thinking_budget, self.max_thinking_budget
        if least is not None and most is not None and least > most:
            raise ValueError("min_thinking_budget is larger than max_thinking_budget")
        return self


def read_constraints(words: list[str], valued: ValuedConstraints | None) -> Constraints:
    """Give both lists of words and the valued ones in one vocabulary."""
    fixed = None if valued is None else valued.fixed_temperature
    return Constraints(
        fixed_temperature=1.0 if fixed is None and "temperature_must_be_1" in words else fixed,
        temperature_unsupported="temperature_unsupported" in words,
        thinking_cannot_be_disabled="thinking_cannot_be_disabled" in words,
        min_thinking_budget=None if valued is None else valued.min_thinking_budget,
        max_thinking_budget=None if valued is None else valued.max_thinking_budget,
        unsupported=frozenset(
            word.removesuffix(_UNSUPPORTED)
            for word in words
            if word.endswith(_UNSUPPORTED) and word != "temperature_unsupported"
        ),
    )
