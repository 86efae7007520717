"""The table of a model in backends/<name>.toml."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipelex_like.specs.constraints import ConstraintWords, ValuedConstraints
from pipelex_like.specs.costs import CostsTable
from pipelex_like.specs.fields import DEPRECATED, Count, CountOrNone, Plain, Table, Text, Variable
from pipelex_like.specs.rules import RulesTable
from pipelex_like.specs.words import METHODS, ModelType, method_of

_COUNT = Annotated[Count | Variable | None, Field(union_mode="left_to_right")]


class ModelTable(Table):
    """A model's table, or `[defaults]`. `provider` is an older spelling of `variant`."""

    sdk: Text | None = Field(
        default=None, description="what speaks to it: the name of an SDK", json_schema_extra={"x-names": "sdks"}
    )
    model_id: Text | None = Field(default=None, description="what is sent; default: the handle")
    model_type: ModelType | None = Field(default=None, description="its kind of work; default: read from outputs")
    inputs: list[Text] | None = Field(
        default=None, description="what it takes", json_schema_extra={"x-names": "inputs"}
    )
    outputs: list[Plain] | None = Field(
        default=None, description="what it gives", json_schema_extra={"x-names": "outputs"}
    )
    costs: CostsTable | None = Field(default=None, description="prices in US dollars; {} = unknown, free is 0")
    max_tokens: Annotated[Count | Literal["auto"] | Variable | None, Field(union_mode="left_to_right")] = Field(
        default=None, description='ceiling of an answer; "auto" = none is sent'
    )
    context_window: _COUNT = Field(default=None, description="tokens of prompt and answer together")
    max_prompt_images: Annotated[CountOrNone | Variable | None, Field(union_mode="left_to_right")] = Field(
        default=None, description="most pictures in a prompt"
    )
    tokens_per_image: _COUNT = Field(default=None, description="what a picture counts as, when a cost is estimated")
    tokens_per_page: _COUNT = Field(
        default=None, description="what a page of a document counts as, when a cost is estimated"
    )
    prompting_target: Plain | None = Field(
        default=None, description="how text documents are framed: anthropic in XML tags, others in Markdown"
    )
    constraints: ConstraintWords | None = Field(default=None, description="what it refuses or insists on")
    listed_constraints: ConstraintWords | None = Field(default=None, description="the same as constraints")
    valued_constraints: ValuedConstraints | None = Field(default=None, description="constraints with a number")
    structure_method: Annotated[str, AfterValidator(method_of)] | None = Field(
        default=None, description="how objects are asked for", json_schema_extra={"enum": [*METHODS]}
    )
    thinking_mode: Literal["none", "manual", "adaptive"] | None = Field(
        default=None, description="how its thinking is asked for"
    )
    variant: Plain | None = Field(default=None, description="a provider's variant of the protocol", examples=["ollama"])
    provider: Plain | None = Field(default=None, description="older spelling of variant", json_schema_extra=DEPRECATED)
    rules: RulesTable | None = Field(default=None, description="how its parameters are written")
    extra: dict[str, object] | None = Field(default=None, description="goes into the request body unchanged")
    enabled: Annotated[bool | Variable, Field(union_mode="left_to_right")] = Field(
        default=True, description="false leaves it out"
    )
    retired: bool = Field(default=False, description="its provider answers it no more; it stays, with a warning")
    price_checked: Annotated[date | Plain | None, Field(union_mode="left_to_right")] = Field(
        default=None, description="the date of the price", examples=["2026-11-01"]
    )
