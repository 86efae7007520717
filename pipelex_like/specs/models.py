"""The table of a model in backends/<name>.toml."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipelex_like.specs.constraints import ConstraintWords, ValuedConstraints
from pipelex_like.specs.costs import CostsTable
from pipelex_like.specs.fields import Count, CountOrNone, Plain, Table, Text, Variable
from pipelex_like.specs.rules import RulesTable
from pipelex_like.specs.words import ModelType, method_of

_COUNT = Annotated[Count | Variable | None, Field(union_mode="left_to_right")]


class ModelTable(Table):
    """A model's table, or `[defaults]`. `provider` is an older spelling of `variant`."""

    sdk: Text | None = None
    model_id: Text | None = None
    model_type: ModelType | None = None
    inputs: list[Text] | None = None
    outputs: list[Plain] | None = None
    costs: CostsTable | None = None
    max_tokens: Annotated[Count | Literal["auto"] | Variable | None, Field(union_mode="left_to_right")] = None
    context_window: _COUNT = None
    max_prompt_images: Annotated[CountOrNone | Variable | None, Field(union_mode="left_to_right")] = None
    tokens_per_image: _COUNT = None
    tokens_per_page: _COUNT = None
    prompting_target: Plain | None = None
    constraints: ConstraintWords | None = None
    listed_constraints: ConstraintWords | None = None
    valued_constraints: ValuedConstraints | None = None
    structure_method: Annotated[str, AfterValidator(method_of)] | None = None
    thinking_mode: Literal["none", "manual", "adaptive"] | None = None
    variant: Plain | None = None
    provider: Plain | None = None
    rules: RulesTable | None = None
    extra: dict[str, object] | None = None
    enabled: Annotated[bool | Variable, Field(union_mode="left_to_right")] = True
    retired: bool = False
    price_checked: Annotated[date | Plain | None, Field(union_mode="left_to_right")] = None
