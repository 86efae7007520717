"""deck/*.toml: aliases, chains, presets and default choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck import Alias, Choice, Preset
from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.specs.faults import checked, named
from pipelex_like.specs.policy import read_policy
from pipelex_like.specs.targets import PresetTable, TargetReader
from pipelex_like.specs.words import UNSERVED
from pipelex_like.types import KINDS, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Target
    from pipelex_like.specs.page import Page, Path
    from pipelex_like.types import Kind

AliasKey = tuple["Kind | None", str]
Slot = Literal["for_text", "for_object", "default"]

_INHERITING = ("extends", "unset")
_NAMED = ("aliases", "waterfalls")
_TOP_KEYS = (*_NAMED, *KINDS)
KIND_KEYS: Mapping[Kind, tuple[str, ...]] = {
    "llm": ("presets", *_NAMED, "choice_defaults", "choice_overrides", "default_temperature"),
    "extract": ("presets", *_NAMED, "choice_default", "choice_override"),
    "img_gen": ("presets", *_NAMED, "choice_default", "choice_override", "default_quality"),
}
_SLOTS: Mapping[str, Slot] = {"for_text": "for_text", "for_object": "for_object"}
_ONE_SLOT: Mapping[str, Slot] = {"choice_default": "default", "choice_override": "default"}
_NOT_APPLIED: Mapping[str, tuple[Kind, str]] = {
    "default_temperature": ("llm", "temperature"),
    "default_quality": ("img_gen", "quality"),
}


@dataclass(slots=True, kw_only=True)
class DeckReader:
    """Reads the deck; what has errors is left out and named in the page's `faulty`."""

    page: Page
    targets: TargetReader
    aliases: dict[AliasKey, Alias] = field(default_factory=dict[AliasKey, Alias])
    presets: dict[tuple[Kind, str], Preset] = field(default_factory=dict[tuple["Kind", str], Preset])
    choices: dict[tuple[Kind, str], Choice] = field(default_factory=dict[tuple["Kind", str], Choice])
    _orders: dict[AliasKey, int] = field(default_factory=dict[AliasKey, int])

    def read(self) -> None:
        """Fill aliases, presets and choices."""
        data, page = self.page.document.data, self.page
        for key, value in data.items():
            if key in UNSERVED:
                page.note((key,), "kind-not-served", f"{key} is no kind of work done here; the table is left out.")
            elif key not in _TOP_KEYS and key not in _INHERITING:
                page.unknown_key((key,), value, _TOP_KEYS)
        self._read_aliases(data, None, ())
        for kind in KINDS:
            self._read_kind(kind, self._table((kind,), data.get(kind)))

    def _read_kind(self, kind: Kind, table: Mapping[str, object]) -> None:
        known = KIND_KEYS[kind]
        for key, value in table.items():
            if key not in known:
                self.page.unknown_key((kind, key), value, known)
            elif key in _NOT_APPLIED:
                self._not_applied(key, value, (kind, key))
        self._read_aliases(table, kind, (kind,))
        for name, value in self._table((kind, "presets"), table.get("presets")).items():
            before = self.page.errors
            preset = self._preset(kind, name, value)
            if preset is not None and self.page.errors == before:
                self.presets[kind, name] = preset
            else:
                self.page.faulty.add(name)
        self._read_choices(kind, table)

    def _table(self, path: Path, value: object) -> dict[str, object]:
        if value is None or is_table(value):
            return value or {}
        self.page.error(path, "wrong-type", f"expected a table, got {named(value)}.")
        return {}

    def _read_aliases(self, table: Mapping[str, object], kind: Kind | None, path: Path) -> None:
        for title in _NAMED:
            for name, value in self._table((*path, title), table.get(title)).items():
                where = (*path, title, name)
                before = self.page.errors
                targets = self.targets.chain(value, kind, where) if self.page.name(where, name) else ()
                if self.page.errors > before:
                    self.page.faulty.add(name)
                    continue
                alias = Alias(
                    name=name,
                    kind=kind,
                    targets=targets,
                    form="list" if is_list(value) else "table" if is_table(value) else "string",
                    layer=self.page.document.layer(where),
                    origin=self.page.origin(where),
                )
                self._keep(alias, where)

    def _keep(self, alias: Alias, path: Path) -> None:
        """Of an alias and a chain of one name keep the nearer; report them where neither is."""
        key = alias.kind, alias.name
        other, order = self.aliases.get(key), self.page.document.order(path)
        if other is not None and self._orders[key] == order:
            place = f"{other.origin.file}: {other.origin.key}"
            self.page.error(path, "name-twice", f"an alias has this name too ({place}).", "Rename one of the two.")
            self.page.faulty.add(alias.name)
        elif other is None or self._orders[key] < order:
            self.aliases[key], self._orders[key] = alias, order

    def _preset(self, kind: Kind, name: str, raw: object) -> Preset | None:
        page, reader, path = self.page, self.targets, (kind, "presets", name)
        if not is_table(raw):
            hint = f'Write {{ model = "{raw}" }}.' if isinstance(raw, str) and raw.isprintable() else ""
            page.error(path, "wrong-type", f"expected a preset's table, got {named(raw)}.", hint)
            return None
        if not page.name(path, name):
            return None
        before = page.errors
        settings, rest = reader.split(raw, kind, path)
        table = checked(PresetTable, rest, page=page, path=path, known=SETTINGS[kind])
        if table.model is None and page.errors == before:
            reader.lacks_model(path)
        parts = [(table.model, (*path, "model")), (table.fallback, (*path, "fallback"))]
        return Preset(
            name=name,
            kind=kind,
            targets=tuple(
                target for value, where in parts if value is not None for target in self._parts(value, kind, where)
            ),
            settings=settings,
            policy=read_policy(table, page, path, known=reader.backends),
            provider=reader.provider(table, path),
            only=None if table.only is None else reader.backends.known(table.only, page, (*path, "only")),
            exclude=reader.backends.known(table.exclude or (), page, (*path, "exclude")),
            description=table.description,
            origin=page.origin(path),
            origins=page.origins(path, raw),
        )

    def _parts(self, value: object, kind: Kind, path: Path) -> tuple[Target, ...]:
        if is_list(value) or isinstance(value, str):
            return self.targets.chain(value, kind, path)
        self.page.error(path, "wrong-type", f"expected a model's name or a list, got {named(value)}.")
        return ()

    def _read_choices(self, kind: Kind, table: Mapping[str, object]) -> None:
        if kind == "llm":
            for title in ("choice_defaults", "choice_overrides"):
                path = (kind, title)
                for key, value in self._table(path, table.get(title)).items():
                    if key in _NOT_APPLIED:
                        self._not_applied(key, value, (*path, key))
                    elif key in _SLOTS:
                        self._choice(kind, _SLOTS[key], value, (*path, key))
                    else:
                        self.page.unknown_key((*path, key), value, (*_SLOTS, "default_temperature"))
            return
        for key, slot in _ONE_SLOT.items():
            if key in table:
                self._choice(kind, slot, table[key], (kind, key))

    def _choice(self, kind: Kind, slot: Slot, value: object, path: Path) -> None:
        overrides = "override" in str(path[1])
        if overrides and value == "disabled":
            return
        references = self.targets.references(value, path) if isinstance(value, str) else ()
        if not isinstance(value, str):
            self.page.error(path, "wrong-type", f"expected the name of a preset or model, got {named(value)}.")
        if references:
            self.choices[kind, slot] = Choice(
                kind=kind, slot=slot, reference=references[0], origin=self.page.origin(path)
            )

    def _not_applied(self, key: str, value: object, path: Path) -> None:
        kind, setting = _NOT_APPLIED[key]
        fault = fault_of(kind, setting, value)
        if fault is not None:
            self.page.error(path, "bad-setting", f"{fault}.")
