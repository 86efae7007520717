"""One model of a spec file, from its table to the deck's value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from pipelex_like.deck import ModelSpec, Template
from pipelex_like.errors import did_you_mean
from pipelex_like.specs.constraints import NO_CONSTRAINTS, read_constraints
from pipelex_like.specs.costs import UNKNOWN_COSTS, read_costs
from pipelex_like.specs.headers import read_header
from pipelex_like.specs.policy import read_count
from pipelex_like.specs.words import INPUTS, OUTPUTS, UNSERVED, kind_of
from pipelex_like.types import EMPTY, FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.deck import Constraints, SdkSettings, StructureMethod
    from pipelex_like.specs.models import ModelTable
    from pipelex_like.specs.page import Page, Path
    from pipelex_like.types import Kind

_CONSTRAINING = frozenset({"constraints", "listed_constraints", "valued_constraints"})


@dataclass(slots=True, kw_only=True)
class Common:
    """What all models of a file share. `names` maps accepted names of SDKs to ours, `sdks` ours to what they
    declare, `homes` each key that the models have in common to where it stands."""

    page: Page
    backend: str
    names: Mapping[str, str]
    sdks: Mapping[str, SdkSettings]
    homes: dict[str, Path] = field(default_factory=dict[str, "Path"])

    def sdk(self, word: str, path: Path) -> str | Template:
        """Give our name of an SDK; report one that is not known."""
        ours = self.names.get(word)
        if ours is not None:
            return ours
        found = self.page.text(path, word)
        if isinstance(found, str):
            self.page.error(path, "unknown-sdk", f'no sdk named "{found}" is known.', did_you_mean(found, self.names))
        return found

    def home(self, path: Path, key: str, own: Mapping[str, object]) -> Path:
        """Where a model's key stands: in its own table, or among what the models have in common."""
        return (*path, key) if key in own else self.homes.get(key, (*path, key))


@dataclass(slots=True, kw_only=True)
class Entry:
    """One model while it is read; `own` are the keys of its own table, `path` is empty for the defaults."""

    common: Common
    path: Path
    table: ModelTable
    own: dict[str, object]
    headers: dict[str, object] | None

    def model(self, lacking: list[str]) -> ModelSpec | None:
        """Give the model, or None where it is not served; a handle without an SDK goes to `lacking`."""
        table, common, handle = self.table, self.common, str(self.path[0])
        before = common.page.templates
        sdk: str | Template | None = None
        kind: Kind | None = None
        if table.model_type not in UNSERVED:
            sdk = None if table.sdk is None else common.names.get(table.sdk) or common.sdk(table.sdk, self._home("sdk"))
            kind = kind_of(
                table.model_type, table.outputs or (), common.sdks.get(sdk) if isinstance(sdk, str) else None
            )
        if kind is None:
            common.page.faulty.add(handle)
            what = table.model_type or ", ".join(table.outputs or ())
            common.page.note(self.path, "kind-not-served", f"{what} is no kind of work done here; it is left out.")
            return None
        if sdk is None:
            lacking.append(handle)
            return None
        return self.spec(sdk=sdk, kind=kind, before=before)

    def spec(self, *, sdk: str | Template, kind: Kind | None, before: int | None = None) -> ModelSpec:
        """Give the model. `before`: how many templates the page had before its SDK was read."""
        # What is as usual is taken as it is, without a path being built for a problem that it does not have: there
        # may be thousands of models.
        table, page = self.table, self.common.page
        handle = str(self.path[0]) if self.path else ""
        before = page.templates if before is None else before
        given = table.model_id or ""
        model_id = handle if not given or given.isspace() else given
        inputs, outputs = table.inputs or (), table.outputs or ()
        usual = model_id.isprintable() and "${" not in model_id
        most, window, images = table.max_tokens, table.context_window, table.max_prompt_images
        image, sheet = table.tokens_per_image, table.tokens_per_page
        return ModelSpec(
            backend=self.common.backend,
            handle=handle,
            sdk=sdk,
            model_id=model_id if usual else page.text(self._home("model_id"), model_id),
            kind=kind,
            inputs=tuple(inputs) if INPUTS.issuperset(inputs) else self._inputs(inputs),
            outputs=tuple(outputs) if OUTPUTS.issuperset(outputs) else self._outputs(outputs),
            costs=UNKNOWN_COSTS if table.costs is None else read_costs(table.costs, page, self._home("costs")),
            max_tokens="auto" if most == "auto" else self._count("max_tokens", most) if isinstance(most, str) else most,
            context_window=self._count("context_window", window) if isinstance(window, str) else window,
            max_prompt_images=self._count("max_prompt_images", images) if isinstance(images, str) else images,
            tokens_per_image=self._count("tokens_per_image", image) if isinstance(image, str) else image,
            tokens_per_page=self._count("tokens_per_page", sheet) if isinstance(sheet, str) else sheet,
            prompting_target=table.prompting_target,
            constraints=NO_CONSTRAINTS if _CONSTRAINING.isdisjoint(table.model_fields_set) else self._constraints(),
            structure_method=cast("StructureMethod | None", table.structure_method),
            thinking_mode=table.thinking_mode,
            variant=table.variant or table.provider,
            rules=EMPTY if table.rules is None else self._rules(),
            headers=self._headers() if self.headers else EMPTY,
            extra=page.free_table(self._home("extra"), table.extra) if table.extra else EMPTY,
            enabled=table.enabled if isinstance(table.enabled, bool) else self._enabled(table.enabled),
            retired=table.retired,
            price_checked=None if table.price_checked is None else str(table.price_checked),
            listed=bool(self.path),
            templated=page.templates > before,
            origin=page.origin(self.path or ("defaults",)),
        )

    def _home(self, key: str) -> Path:
        return self.common.home(self.path, key, self.own)

    def _count(self, key: str, text: str) -> int | Template | None:
        return read_count(text, self.common.page, self._home(key))

    def _inputs(self, words: Sequence[str]) -> tuple[str | Template, ...]:
        home = self._home("inputs")
        found = tuple(self.common.page.text((*home, place), word) for place, word in enumerate(words))
        self._unknown_words(home, [word for word in found if isinstance(word, str) and word not in INPUTS], INPUTS)
        return found

    def _outputs(self, words: Sequence[str]) -> tuple[str, ...]:
        self._unknown_words(self._home("outputs"), [word for word in words if word not in OUTPUTS], OUTPUTS)
        return tuple(words)

    def _unknown_words(self, home: Path, words: list[str], known: frozenset[str]) -> None:
        if words:
            said = ", ".join(f'"{word}"' for word in words)
            self.common.page.note(home, "unknown-word", f"{said} says nothing here.", did_you_mean(words[0], known))

    def _constraints(self) -> Constraints:
        table = self.table
        return read_constraints(
            [*(table.constraints or ()), *(table.listed_constraints or ())], table.valued_constraints
        )

    def _rules(self) -> FrozenDict[str, object]:
        rules = {} if self.table.rules is None else self.table.rules.model_dump(exclude_none=True)
        return self.common.page.free_table(self._home("rules"), rules)

    def _headers(self) -> FrozenDict[str, object]:
        given = self.headers or {}
        page = self.common.page
        return FrozenDict(
            {name: read_header(name, value, page=page, path=self._home(name)) for name, value in given.items()}
        )

    def _enabled(self, text: str) -> bool | Template:
        found = self.common.page.text(self._home("enabled"), text, "bool")
        return found if isinstance(found, Template) else True
