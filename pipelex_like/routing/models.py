"""The models of each backend in one environment: templates filled in, those of variables and mirrors added."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelex_like.deck import Costs, ModelSpec, Template
from pipelex_like.routing.variables import coerce, misfit, problem, slot_name, unset_sentence
from pipelex_like.types import FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.deck import BackendSpec, ModelDeck
    from pipelex_like.errors import Problem
    from pipelex_like.routing.variables import Environment, Value

_PLAIN_FIELDS = (
    "sdk",
    "model_id",
    "max_tokens",
    "context_window",
    "max_prompt_images",
    "tokens_per_image",
    "tokens_per_page",
    "enabled",
)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the variables behind `models` and `model_providers` declare: handle to id, model to provider."""

    models: FrozenDict[str, str]
    providers: FrozenDict[str, str]
    problems: tuple[Problem, ...]


def declared(spec: BackendSpec, environment: Environment) -> Declared:
    """Read `models` (`handle:id,...`, split at the first colon) and `model_providers` (at the last)."""
    problems: list[Problem] = []
    models = _pairs(spec, "models", environment, problems, str.partition)
    providers = _pairs(spec, "model_providers", environment, problems, str.rpartition)
    return Declared(FrozenDict(models), FrozenDict(providers), tuple(problems))


def _pairs(
    spec: BackendSpec,
    key: str,
    environment: Environment,
    problems: list[Problem],
    split: Callable[[str, str], tuple[str, str, str]],
) -> dict[str, str]:
    value = spec.models if key == "models" else spec.model_providers
    if value is None:
        return {}
    text = environment.read(value).text if isinstance(value, Template) else value
    pairs: dict[str, str] = {}
    # Lists that are copied from a shell's script have a backslash at the end of each line.
    entries = [entry.strip() for entry in (text or "").replace("\\\n", "").split(",")]
    for number, entry in enumerate(entries, start=1):
        left, _, right = (part.strip() for part in split(entry, ":"))
        if left and right:
            pairs.setdefault(left, right)
        elif entry:
            problems.append(_malformed(spec, key, value, number))
    return pairs


def _malformed(spec: BackendSpec, key: str, value: Template | str, number: int) -> Problem:
    source = " and ".join(slot_name(slot) for slot in value.slots) if isinstance(value, Template) else key
    form = "handle:model-id" if key == "models" else "model:provider"
    return problem(
        "error", "malformed-list", spec.where(key), f'entry {number} of {source} is not of the form "{form}".'
    )


def fill_specs(
    spec: BackendSpec, listed: Mapping[str, ModelSpec], given: Declared, environment: Environment, *, secrets: set[str]
) -> tuple[dict[str, ModelSpec], list[Problem]]:
    """Give the models that a backend serves by its own spec file and by the variables of its table. What variables
    put into headers and bodies goes into `secrets`."""
    filler = _Filler(environment, [], secrets)
    models = dict(listed)
    for handle, model in listed.items():
        if model.templated:
            models[handle] = model = filler.spec(model)
        if model.enabled is False or not model.sdk:
            del models[handle]
    if given.models and spec.default_spec is not None:
        for handle, model_id in given.models.items():
            models[handle] = unlisted_spec(spec, model_id, handle=handle)
    if given.providers:
        for handle, model in models.items():
            models[handle] = with_provider(model, given.providers)
    return models, filler.problems


def unlisted_spec(
    spec: BackendSpec, model_id: str, *, handle: str | None = None, listed: Mapping[str, ModelSpec] | None = None
) -> ModelSpec:
    """Give the spec of an id that no spec file lists: the defaults of the backend's file, nothing refused. Needs a
    `default_spec`.

    Where the file's models have several SDKs (Gemini, Claude and Mistral on Vertex AI), an id goes through that of its
    relatives: those whose name begins with the same word.
    """
    default = spec.default_spec
    if default is None:
        raise ValueError(f'backend "{spec.name}" has no spec file, so its SDK is unknown')
    kin = _kin(model_id, listed) if listed and len(spec.sdks) > 1 else None
    if kin is not None and kin.sdk != default.sdk and kin.kind == default.kind:
        default = replace(
            default, sdk=kin.sdk, prompting_target=kin.prompting_target, structure_method=kin.structure_method
        )
    return replace(
        default,
        backend=spec.name,
        handle=handle or model_id,
        model_id=model_id,
        costs=spec.default_costs or Costs(),
        listed=False,
    )


def _kin(model_id: str, listed: Mapping[str, ModelSpec]) -> ModelSpec | None:
    word = _family(model_id)
    found = [model for model in listed.values() if word in (_family(str(model.model_id)), _family(model.handle))]
    return found[0] if word and len({model.sdk for model in found}) == 1 else None


def _family(name: str) -> str:
    return name.rpartition("/")[2].partition("-")[0]


def with_provider(model: ModelSpec, providers: Mapping[str, str]) -> ModelSpec:
    """Put the provider that a variable names behind the model id, unless the id names one already."""
    model_id = str(model.model_id)
    provider = providers.get(model.handle) or providers.get(model_id)
    if provider is None or ":" in model_id:
        return model
    return replace(model, model_id=f"{model_id}:{provider}")


def add_mirrors(deck: ModelDeck, specs: dict[str, dict[str, ModelSpec]], live: set[str]) -> None:
    """Give every backend that is a mirror the models of all others, with their own SDKs; the first of a name counts."""
    for mirror in deck.backends.values():
        if not mirror.mirror or mirror.name not in live:
            continue
        own = specs[mirror.name]
        for backend, models in list(specs.items()):
            source = deck.backends.get(backend)
            if backend == mirror.name or source is None or source.mirror:
                continue
            for handle, model in models.items():
                sdk = deck.sdks.get(str(model.sdk))
                if handle not in own and (sdk is None or sdk.sends_requests):
                    own[handle] = replace(model, backend=mirror.name)


@dataclass(frozen=True, slots=True)
class _Filler:
    """Fills in the templates of a spec, and gathers what is wrong and what must not be printed."""

    environment: Environment
    problems: list[Problem]
    secrets: set[str]

    def spec(self, model: ModelSpec) -> ModelSpec:
        changes: dict[str, object] = {}
        for name in _PLAIN_FIELDS:
            value = getattr(model, name)
            if isinstance(value, Template):
                changes[name] = self._plain(model, name, value)
        words = (word if isinstance(word, str) else self._value(word) for word in model.inputs)
        changes["inputs"] = tuple(str(word) for word in words if word is not None)
        for name in ("headers", "extra", "rules"):
            changes[name] = self._deep(getattr(model, name))
        changes["costs"] = self._costs(model.costs)
        return replace(model, **changes)

    def _plain(self, model: ModelSpec, name: str, template: Template) -> object:
        value = self._value(template)
        match name:
            case "enabled":
                return value is True
            case "model_id":
                return model.handle if value is None else str(value)
            case "sdk":
                if value is None:
                    self.problems.append(_no_sdk(model, template))
                return "" if value is None else str(value)
            case _ if value is None or (isinstance(value, int) and value >= 1):
                return value
            case _:
                self.problems.append(misfit(template, "a whole number from 1"))
                return None

    def _value(self, template: Template) -> Value | None:
        text = self.environment.read(template).text
        if text is None:
            return None
        value = coerce(text, template.scalar)
        if value is None:
            self.problems.append(misfit(template))
        return value

    def _deep(self, value: object) -> object:
        if isinstance(value, Template):
            self.secrets.update(self.environment.read(value).values)
            return self._value(value)
        if is_table(value):
            filled = {key: self._deep(item) for key, item in value.items()}
            return FrozenDict({key: item for key, item in filled.items() if item is not None})
        if is_list(value):
            return tuple(self._deep(item) for item in value)
        return value

    def _costs(self, costs: Costs) -> Costs:
        pictures = ((item, self._price(item.price)) for item in costs.per_image)
        return replace(
            costs,
            tokens=self._prices(costs.tokens),
            above=tuple(replace(tier, prices=self._prices(tier.prices)) for tier in costs.above),
            per_page=None if costs.per_page is None else self._price(costs.per_page),
            per_image=tuple(replace(item, price=price) for item, price in pictures if price is not None),
        )

    def _prices(self, table: Mapping[str, Decimal | Template]) -> FrozenDict[str, Decimal]:
        return FrozenDict({name: price for name, value in table.items() if (price := self._price(value)) is not None})

    def _price(self, value: Decimal | Template) -> Decimal | None:
        if not isinstance(value, Template):
            return value
        amount = self._value(value)
        if isinstance(amount, Decimal) and amount >= 0:
            return amount
        if amount is not None:
            self.problems.append(misfit(value, "a price from 0"))
        return None


def _no_sdk(model: ModelSpec, template: Template) -> Problem:
    names = unset_sentence(slot_name(slot) for slot in template.slots)
    return problem("warning", "missing-variable", template.origin, f'"{model.handle}" is left out: {names}.')


def templates_of(value: object) -> list[Template]:
    """Give every template in a value of the deck, however deep."""
    if isinstance(value, Template):
        return [value]
    if is_table(value):
        return [found for item in value.values() for found in templates_of(item)]
    if is_list(value):
        return [found for item in value for found in templates_of(item)]
    if is_dataclass(value):
        return [found for item in fields(value) for found in templates_of(getattr(value, item.name))]
    return []
