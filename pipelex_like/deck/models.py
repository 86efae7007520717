"""What the deck knows about a model that one backend serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.types import EMPTY, FrozenDict
from pipelex_like.types.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelex_like.deck.template import Template
    from pipelex_like.types import Kind

StructureMethod = Literal["schema", "tools", "json"]
ThinkingMode = Literal["none", "manual", "adaptive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Prices that hold for the whole request once its input passes `input_tokens`."""

    input_tokens: int
    prices: FrozenDict[str, Decimal | Template]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrice:
    """The price of one picture of that size and quality; None matches any."""

    price: Decimal | Template
    size: str | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """US dollars. `tokens` maps input, output, input_cached, cache_write, cache_write_1h, reasoning, input_audio,
    output_audio, input_image, output_image to the price of a million tokens; a kind that is absent falls back to
    input or output. All empty = price unknown. After binding no Template is left."""

    tokens: FrozenDict[str, Decimal | Template] = field(default_factory=FrozenDict)
    above: tuple[Tier, ...] = ()
    per_page: Decimal | Template | None = None
    per_image: tuple[ImagePrice, ...] = ()

    @property
    def known(self) -> bool:
        """Whether any price is given at all."""
        return bool(self.tokens) or self.per_page is not None or bool(self.per_image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What the model refuses or insists on, in one vocabulary for the three spellings of spec files."""

    fixed_temperature: float | None = None
    temperature_unsupported: bool = False
    thinking_cannot_be_disabled: bool = False
    min_thinking_budget: int | None = None
    max_thinking_budget: int | None = None
    unsupported: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model as one backend serves it; (backend, handle) is its identity.

    `model_id` is what is sent. `max_tokens` is the ceiling of an answer, "auto" = send none. `inputs` and
    `outputs` are the words of the spec file. `tokens_per_image` and `tokens_per_page` are what a picture and a page of
    a document count as in a prompt, for estimates; None = not known. `listed` is False for an id that no spec file
    lists; such a model has no refusal by capability. `headers` are sent with every request (`x-portkey-provider`).
    `extra` goes into the body unchanged. A Template stands where a variable decides.
    """

    backend: str
    handle: str
    sdk: str | Template
    model_id: str | Template
    kind: Kind | None
    inputs: tuple[str | Template, ...] = ()
    outputs: tuple[str, ...] = ()
    costs: Costs = field(default_factory=Costs)
    max_tokens: int | Literal["auto"] | Template | None = None
    context_window: int | Template | None = None
    max_prompt_images: int | Template | None = None
    tokens_per_image: int | Template | None = None
    tokens_per_page: int | Template | None = None
    prompting_target: str | None = None
    constraints: Constraints = field(default_factory=Constraints)
    structure_method: StructureMethod | None = None
    thinking_mode: ThinkingMode | None = None
    variant: str | None = None
    rules: FrozenDict[str, object] = EMPTY
    headers: FrozenDict[str, object] = EMPTY
    extra: FrozenDict[str, object] = EMPTY
    enabled: bool | Template = True
    retired: bool = False
    price_checked: str | None = None
    listed: bool = True
    templated: bool = False
    origin: Origin = NOWHERE
