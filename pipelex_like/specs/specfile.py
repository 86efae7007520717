"""backends/<name>.toml: the models that a backend serves, and what they have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from pipelex_like.errors import did_you_mean
from pipelex_like.specs.entry import Entry
from pipelex_like.specs.faults import checked, named, tell
from pipelex_like.specs.models import ModelTable
from pipelex_like.specs.words import KINDS_BY_TYPE
from pipelex_like.types import FrozenDict, is_table

if TYPE_CHECKING:
    from pipelex_like.deck import ModelSpec
    from pipelex_like.specs.entry import Common
    from pipelex_like.specs.page import Page

_MODELS = TypeAdapter(dict[str, ModelTable])
_FORMER_DEFAULTS = {"default_sdk": "sdk", "default_prompting_target": "prompting_target"}
_TOP_KEYS = (*_FORMER_DEFAULTS, "defaults")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFile:
    """What a spec file says: models by handle, the one that stands for ids not listed, and the SDKs in use."""

    models: FrozenDict[str, ModelSpec] = field(default_factory=FrozenDict)
    default_spec: ModelSpec | None = None
    sdks: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class SpecReader:
    """Reads one spec file. `shared` holds what the models have in common, as written."""

    common: Common
    shared: dict[str, object] = field(default_factory=dict[str, object])
    sdk_at_fault: bool = False

    @property
    def page(self) -> Page:
        """The file."""
        return self.common.page

    def read(self) -> SpecFile:
        """Give what the file says; entries with errors are left out and named in the page's `faulty`."""
        data = self.page.document.data
        self._read_shared(data)
        own = self._own_tables(data)
        merged: dict[str, dict[str, object]] = {}
        headers: dict[str, dict[str, object]] = {}
        names = [key for key in {*self.shared}.union(*own.values()) if key.startswith("x-")]
        for handle, table in own.items():
            merged[handle] = whole = {**self.shared, **table}
            if names:
                headers[handle] = {name: whole.pop(name) for name in sorted(names) if name in whole}
        models: dict[str, ModelSpec] = {}
        lacking: list[str] = []
        for handle, table in self._validated(merged).items():
            before = self.page.errors
            entry = Entry(common=self.common, path=(handle,), table=table, own=own[handle], headers=headers.get(handle))
            spec = entry.model(lacking)
            if self.page.errors > before:
                self.page.faulty.add(handle)
            elif spec is not None:
                models[handle] = spec
        self._tell_lacking(lacking)
        return self._whole(models)

    def _whole(self, models: dict[str, ModelSpec]) -> SpecFile:
        counted = Counter(spec.sdk for spec in models.values() if isinstance(spec.sdk, str))
        default = self._default_spec(next((name for name, _ in counted.most_common(1)), None))
        first = [default.sdk] if default is not None and isinstance(default.sdk, str) else []
        return SpecFile(models=FrozenDict(models), default_spec=default, sdks=tuple(dict.fromkeys([*first, *counted])))

    def _default_spec(self, most_common: str | None) -> ModelSpec | None:
        """Give what serves ids that no file lists: the SDK of the defaults, else the one that most models have."""
        names = [key for key in self.shared if key.startswith("x-")]
        shared = {key: value for key, value in self.shared.items() if key not in names}
        if "sdk" not in shared:
            if most_common is None or self.sdk_at_fault:
                return None
            shared["sdk"] = most_common
        before = self.page.errors
        headers = {name: self.shared[name] for name in names}
        table = ModelTable.model_validate(shared)
        entry = Entry(common=self.common, path=(), table=table, own={}, headers=headers)
        spec = entry.spec(
            sdk=self.common.sdk(str(table.sdk), self.common.homes.get("sdk", ())),
            kind=KINDS_BY_TYPE.get(table.model_type or ""),
        )
        return spec if self.page.errors == before else None

    def _read_shared(self, data: dict[str, object]) -> None:
        """Take what the models have in common, without what is wrong in it: that is reported here, once."""
        found = data.get("defaults", {})
        if not is_table(found):
            self.page.error(("defaults",), "wrong-type", f"expected a table, got {named(found)}.")
            found = {}
        rest = {key: value for key, value in found.items() if not key.startswith("x-")}
        good = checked(ModelTable, rest, page=self.page, path=("defaults",)).model_fields_set
        self.shared = {key: value for key, value in found.items() if key in good or key.startswith("x-")}
        self.common.homes = {key: ("defaults", key) for key in found}
        for former, key in _FORMER_DEFAULTS.items():
            value = data.get(former)
            if isinstance(value, str) and value:
                self.shared.setdefault(key, value)
                self.common.homes.setdefault(key, (former,))
            elif former in data:
                self.common.homes.setdefault(key, (former,))
                self.page.error((former,), "wrong-type", f"expected a text that is not empty, got {named(value)}.")
        self.sdk_at_fault = "sdk" in self.common.homes and "sdk" not in self.shared

    def _own_tables(self, data: dict[str, object]) -> dict[str, dict[str, object]]:
        tables: dict[str, dict[str, object]] = {}
        for handle, table in data.items():
            if handle in _TOP_KEYS:
                continue
            if not is_table(table):
                hint = did_you_mean(handle, _TOP_KEYS)
                self.sdk_at_fault = self.sdk_at_fault or bool(hint)
                self.page.error((handle,), "unknown-key", f"expected a model's table, got {named(table)}.", hint)
            elif _like_defaults(handle):
                self.sdk_at_fault = True
                self.page.unknown_key((handle,), table, _TOP_KEYS)
            elif self.page.name((handle,), handle):
                tables[handle] = table
        return tables

    def _validated(self, merged: dict[str, dict[str, object]]) -> dict[str, ModelTable]:
        """Read all tables in one go; only where that fails, look at each of those that are at fault."""
        try:
            return _MODELS.validate_python(merged)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        bad = dict.fromkeys(str(detail["loc"][0]) for detail in details)
        for handle in bad:
            self._tell(handle, merged[handle])
        self.page.faulty.update(bad)
        return _MODELS.validate_python({handle: table for handle, table in merged.items() if handle not in bad})

    def _tell(self, handle: str, table: dict[str, object]) -> None:
        try:
            ModelTable.model_validate(table)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            tell(details, ModelTable, table, page=self.page, path=(handle,))

    def _tell_lacking(self, handles: list[str]) -> None:
        self.page.faulty.update(handles)
        if not handles or self.sdk_at_fault:
            return
        named_here = ", ".join(f'"{handle}"' for handle in handles[:3])
        more = f" and {len(handles) - 3} more" if len(handles) > 3 else ""
        hint = 'Write default_sdk = "..." at the top of the file, or sdk = "..." there.'
        self.page.error((handles[0],), "missing-key", f"no sdk is named for {named_here}{more}.", hint)


def _like_defaults(name: str) -> bool:
    """Whether a table's name can only be `defaults` misspelt: models are not called so, and looking is dear."""
    return 6 <= len(name) <= 10 and name.isalpha() and bool(get_close_matches(name.lower(), ["defaults"], cutoff=0.8))
