"""References with settings: what aliases, chains and presets are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from pipelex_like.deck import Target
from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.specs.faults import checked, named
from pipelex_like.specs.fields import BACKEND_NAMES, Text
from pipelex_like.specs.policy import CallPolicyTable, read_policy
from pipelex_like.specs.via import DIRECT
from pipelex_like.types import EMPTY, KINDS, FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.specs.page import Page, Path
    from pipelex_like.specs.profiles import BackendNames
    from pipelex_like.types import Kind

_ALL = tuple(dict.fromkeys(name for settings in SETTINGS.values() for name in settings))
_EXCLUSIVE = ("quality", "nb_steps")


class TargetTable(CallPolicyTable):
    """What may stand in an alias' or chain element's table besides the settings of its kind."""

    model: object = Field(default=None, description="the model: a reference, or a list of them in order")
    provider: Text | None = Field(
        default=None,
        description='pins every candidate to this backend; "direct" goes round every gateway',
        json_schema_extra=BACKEND_NAMES,
    )
    only: list[Text] | None = Field(default=None, description="backends allowed", json_schema_extra=BACKEND_NAMES)
    exclude: list[Text] | None = Field(default=None, description="backends ruled out", json_schema_extra=BACKEND_NAMES)
    description: str = Field(default="", description="for people, in lists")


class PresetTable(TargetTable):
    """What may stand in a preset besides the settings of its kind."""

    fallback: object = Field(default=None, description="what is tried after model: a reference or a list")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReader:
    """Reads the targets of a deck."""

    page: Page
    backends: BackendNames

    def chain(self, value: object, kind: Kind | None, path: Path) -> tuple[Target, ...]:
        """Give the targets of an alias: a reference, a list of references and tables, or a table."""
        if is_list(value):
            if not value:
                self.page.error(path, "empty-chain", "the list is empty, so it leads nowhere.", "Name a model in it.")
            return tuple(target for place, item in enumerate(value) for target in self.one(item, kind, (*path, place)))
        return self.one(value, kind, path)

    def one(self, value: object, kind: Kind | None, path: Path) -> tuple[Target, ...]:
        """Give the targets of one element: several, if a table's `model` is a list."""
        if isinstance(value, str):
            return (Target(reference=value, origin=self.page.origin(path)),) if self._reference(value, path) else ()
        if is_table(value):
            return self._table(value, kind, path)
        wanted = "expected a model's name, a list or a table"
        self.page.error(path, "wrong-type", f"{wanted}, got {named(value)}.")
        return ()

    def _table(self, raw: dict[str, object], kind: Kind | None, path: Path) -> tuple[Target, ...]:
        page, before = self.page, self.page.errors
        settings, rest = self.split(raw, kind, path)
        table = checked(TargetTable, rest, page=page, path=path, known=_vocabulary(kind))
        whole = Target(
            reference="",
            settings=settings,
            policy=read_policy(table, page, path, known=self.backends),
            provider=self.provider(table, path),
            only=None if table.only is None else self.backends.known(table.only, page, (*path, "only")),
            exclude=self.backends.known(table.exclude or (), page, (*path, "exclude")),
            origin=page.origin(path),
            origins=page.origins(path, raw),
        )
        references = self.references(table.model, (*path, "model")) if table.model is not None else ()
        if table.model is None and page.errors == before:
            self.lacks_model(path)
        return tuple(replace(whole, reference=reference) for reference in references)

    def references(self, value: object, path: Path) -> tuple[str, ...]:
        """Give a reference, or a list of them, as a tuple."""
        if isinstance(value, str):
            return (value,) if self._reference(value, path) else ()
        if is_list(value) and value:
            return tuple(
                item
                for place, item in enumerate(value)
                if self._is_text(item, (*path, place))
                and isinstance(item, str)
                and self._reference(item, (*path, place))
            )
        self.page.error(path, "wrong-type", f"expected a model's name or a list of such, got {named(value)}.")
        return ()

    def lacks_model(self, path: Path) -> None:
        """Report a table that names no model."""
        self.page.error(path, "missing-key", "it names no model.", 'Write model = "..." in it.')

    def _is_text(self, value: object, path: Path) -> bool:
        if not isinstance(value, str):
            self.page.error(path, "wrong-type", f"expected a model's name, got {named(value)}.")
        return isinstance(value, str)

    def _reference(self, text: str, path: Path) -> bool:
        if not text.strip():
            self.page.error(path, "empty-text", "an empty text names no model.", "Write the name of one.")
            return False
        if "${" in text:
            message = "variables are filled in only in backends.toml and the files of backends/."
            self.page.error(path, "no-variable-here", message, "Write the name of a model.")
            return False
        return not self.page.has_control(path, text)

    def provider(self, table: TargetTable, path: Path) -> str | None:
        """Give the backend that the table pins to, if it is one, or `direct`: round every gateway."""
        name = table.provider
        if name == DIRECT:
            return name
        if name is None or not self.backends.check(name, self.page, (*path, "provider"), others=True):
            return None
        return name

    def split(
        self, raw: Mapping[str, object], kind: Kind | None, path: Path
    ) -> tuple[FrozenDict[str, object], dict[str, object]]:
        """Part a table into settings, checked against the vocabulary of its kind, and all its other keys."""
        known = _vocabulary(kind)
        rest = {key: value for key, value in raw.items() if key not in known}
        if len(rest) == len(raw):
            return EMPTY, rest
        settings = {
            key: self.page.free((*path, key), value)
            for key, value in raw.items()
            if key in known and self._fits(key, value, kind, (*path, key))
        }
        if all(key in settings for key in _EXCLUSIVE):
            both = " and ".join(_EXCLUSIVE)
            self.page.error((*path, _EXCLUSIVE[1]), "exclusive", f"{both} exclude each other.", "Keep one of them.")
        return FrozenDict(settings), rest

    def _fits(self, key: str, value: object, kind: Kind | None, path: Path) -> bool:
        kinds = KINDS if kind is None else (kind,)
        faults = [fault_of(one, key, value) for one in kinds if key in SETTINGS[one]]
        if None in faults:
            return True
        hint = f"Write it without quotes: {value}." if isinstance(value, str) and _is_number(value) else ""
        self.page.error(path, "bad-setting", f"{faults[0]}.", hint)
        return False


def _vocabulary(kind: Kind | None) -> tuple[str, ...]:
    return _ALL if kind is None else tuple(SETTINGS[kind])


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()
