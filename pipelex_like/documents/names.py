"""The names that a configuration declares, taken from its files as they stand: for completion, quick and lenient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.types import KINDS, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.documents.documents import Documents
    from pipelex_like.types import Kind

_KINDS_BY_TYPE: Mapping[object, Kind] = {"llm": "llm", "text_extractor": "extract", "img_gen": "img_gen"}
_ALIASES = ("aliases", "waterfalls")
_FORMER: Mapping[str, tuple[str, ...]] = {"extract": ("extract", "ocr")}


@dataclass(frozen=True, slots=True)
class Name:
    """A name, the kind of work it stands for (None: any, or not said), and what the file says of it."""

    name: str
    kind: Kind | None = None
    description: str = ""

    def serves(self, kind: Kind | None) -> bool:
        """Whether it may stand where work of this kind is wanted; None = any."""
        return kind is None or self.kind is None or self.kind == kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """All names of a configuration, in the order of its files. `models` are the handles by backend, without those
    of backends that are `enabled = false`."""

    backends: tuple[Name, ...] = ()
    models: Mapping[str, tuple[Name, ...]]
    aliases: tuple[Name, ...] = ()
    presets: tuple[Name, ...] = ()
    profiles: tuple[Name, ...] = ()

    def handles(self, kind: Kind | None = None) -> tuple[str, ...]:
        """Give every handle of this kind once."""
        return tuple(
            dict.fromkeys(model.name for found in self.models.values() for model in found if model.serves(kind))
        )


def names_of(documents: Documents) -> Names:
    """Give the names that the documents declare; what is malformed is passed over."""
    backends = tuple(_backend(name, table) for name, table in documents.backends.data.items() if is_table(table))
    off = {name for name, table in documents.backends.data.items() if is_table(table) and table.get("enabled") is False}
    deck = documents.deck.data
    return Names(
        backends=backends,
        models={name: tuple(_models(spec.data)) for name, spec in documents.specs.items() if name not in off},
        aliases=tuple(dict.fromkeys(_aliases(deck))),
        presets=tuple(_presets(deck)),
        profiles=tuple(
            Name(name, description=_text(table, "description"))
            for name, table in _table(documents.routing.data, "profiles").items()
        ),
    )


def _backend(name: str, table: dict[str, object]) -> Name:
    return Name(name, description=_text(table, "display_name"))


def _models(data: dict[str, object]) -> Iterator[Name]:
    shared = _table(data, "defaults").get("model_type")
    for handle, table in data.items():
        if handle != "defaults" and is_table(table):
            yield Name(handle, _KINDS_BY_TYPE.get(table.get("model_type", shared)))


def _aliases(deck: dict[str, object]) -> Iterator[Name]:
    for title in _ALIASES:
        yield from (Name(name) for name in _table(deck, title))
    for kind in KINDS:
        for table in _kind_tables(deck, kind):
            yield from (Name(name, kind) for title in _ALIASES for name in _table(table, title))


def _presets(deck: dict[str, object]) -> Iterator[Name]:
    for kind in KINDS:
        for table in _kind_tables(deck, kind):
            for name, preset in _table(table, "presets").items():
                yield Name(name, kind, _text(preset, "description"))


def _kind_tables(deck: dict[str, object], kind: Kind) -> Iterator[dict[str, object]]:
    return (_table(deck, title) for title in _FORMER.get(kind, (kind,)))


def _table(data: dict[str, object], key: str) -> dict[str, object]:
    found = data.get(key)
    return found if is_table(found) else {}


def _text(table: object, key: str) -> str:
    found = table.get(key) if is_table(table) else None
    return found if isinstance(found, str) else ""
