"""Aliases and presets set and taken away: the edits of the deck."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from pipelex_like.deck.vocabulary import SETTINGS, fault_of
from pipelex_like.errors import did_you_mean
from pipelex_like.setup.editing.desk import stands
from pipelex_like.setup.editing.edits import RefusedEditError, note_environment
from pipelex_like.setup.editing.literals import literal
from pipelex_like.specs import EXCLUSIVE
from pipelex_like.specs.targets import PresetTable
from pipelex_like.types import KINDS, dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.deck import ModelDeck
    from pipelex_like.documents import SourceFile
    from pipelex_like.setup.editing.desk import Desk, Keys
    from pipelex_like.types import Kind

_TITLES = ("aliases", "waterfalls")
_NAMES = ("fallback", "only", "exclude")
_WORDS = ("provider", "description", "balance")


def set_alias(desk: Desk, name: str, targets: Sequence[str], *, kind: Kind | None = None) -> None:
    """Draft an alias where the directory has it already, else in deck/overrides.toml. Raises RefusedEditError.

    A list stays a list; an alias that is a table keeps its settings and gets another model.
    """
    places = _places(desk, name, kind)
    if len(places) > 1:
        where = " and ".join(dotted(keys) for keys, _ in places)
        raise RefusedEditError(f'"{name}" stands here as {where}; say which is meant by --kind')
    value: object = targets[0] if len(targets) == 1 else list(targets)
    if not places:
        keys = ((kind,) if kind else ()) + ("aliases", name)
        desk.put(desk.place.directory / "deck" / "overrides.toml", keys, value, _said(keys, value))
        return
    keys, file = places[0]
    before = desk.value_in(file.path, keys)
    if is_table(before):
        keys = tuple(str(key) for key in file.as_written((*keys, "model")))
        desk.notes.append(f'"{name}" keeps the settings that it has there')
    elif is_list(before):
        value = list(targets)
    desk.put(file.path, keys, value, _said(keys, value))
    note_environment(desk, file.environment)


def remove_alias(desk: Desk, name: str, *, kind: Kind | None = None) -> None:
    """Draft the deck without an alias of this directory, or with an inherited one unset. Raises RefusedEditError."""
    heads: list[Keys] = [] if kind else [()]
    heads += [(one,) for one in ((kind,) if kind else KINDS)]
    known = _names(desk, [(*head, title) for head in heads for title in _TITLES])
    _remove(desk, "alias", name, [(*head, title, name) for head in heads for title in _TITLES], known)


def set_preset(desk: Desk, name: str, settings: Mapping[str, str], *, kind: Kind | None = None) -> None:
    """Draft settings of a preset, key by key, where the directory has it, else in deck/overrides.toml.

    `kind`: that of the preset of this name, else of the model that is named. Raises RefusedEditError for a key
    that no such preset has and for a value of the wrong type.
    """
    kind = kind or _kind_of(desk, name, settings.get("model"))
    table = {key: typed(kind, key, text) for key, text in settings.items()}
    document = desk.before.loaded.documents.deck
    keys: Keys = (kind, "presets", name)
    found = desk.standing(document, keys)
    if found is None:
        desk.put(desk.place.directory / "deck" / "overrides.toml", keys, table, _said(keys, table))
        return
    file, written = found
    for key, value in table.items():
        for rival in _rivals(key):
            if desk.value_in(file.path, (*written, rival)) is not None:
                desk.drop(file.path, (*written, rival), f"{dotted((*written, rival))} removed, as {key} excludes it")
        spelled = tuple(str(part) for part in file.as_written((*keys, key)))
        desk.put(file.path, spelled, value, _said(spelled, value))
    note_environment(desk, file.environment)


def remove_preset(desk: Desk, name: str, *, kind: Kind | None = None) -> None:
    """Draft the deck without a preset of this directory, or with an inherited one unset. Raises RefusedEditError."""
    kinds = (kind,) if kind else KINDS
    known = _names(desk, [(one, "presets") for one in kinds])
    _remove(desk, "preset", name, [(one, "presets", name) for one in kinds], known)


def typed(kind: Kind, key: str, text: str) -> object:
    """Give a preset's value of the type that its key wants. Raises RefusedEditError for an unknown key or a misfit."""
    known = SETTINGS[kind]
    others = tuple(PresetTable.model_fields)
    if key not in known and key not in others:
        hint = did_you_mean(key, (*known, *others))
        raise RefusedEditError(f'a preset of kind {kind} has no key "{key}". {hint or _home_of(key)}'.rstrip())
    if key in _WORDS:
        return text
    if key in _NAMES or (key == "model" and "," in text):
        return [part.strip() for part in text.split(",") if part.strip()]
    if key == "model" or (key in known and known[key].form == "text"):
        value: object = text
    else:
        value = _read(text)
    fault = fault_of(kind, key, value) if key in known else None
    if fault is not None:
        raise RefusedEditError(f"{key}: {fault}.")
    return value


def _remove(desk: Desk, noun: str, name: str, places: Sequence[Keys], known: Sequence[str]) -> None:
    document = desk.before.loaded.documents.deck
    own = [keys for keys in places if desk.standing(document, keys)]
    inherited = [keys for keys in places if stands(document.data, keys)]
    if not inherited:
        hint = did_you_mean(name, known)
        raise RefusedEditError(f'there is no {noun} "{name}". {hint}'.rstrip())
    if len(own or inherited) > 1:
        where = " and ".join(dotted(keys) for keys in own or inherited)
        raise RefusedEditError(f'"{name}" stands here as {where}; say which is meant by --kind')
    keys = (own or inherited)[0]
    if not own:
        _unset(desk, keys)
        return
    for file in desk.files("deck"):
        written = tuple(str(key) for key in file.as_written(keys))
        if desk.value_in(file.path, written) is not None:
            desk.drop(file.path, written, f"{dotted(written)} removed")
            note_environment(desk, file.environment)
    documents = desk.after().loaded.documents
    held = documents.deck.source(keys) if stands(documents.deck.data, keys) else None
    if held is not None:
        desk.notes.append(f'"{name}" is again what {held.shown}:{documents.line(held.shown, keys)} says')


def _unset(desk: Desk, keys: Keys) -> None:
    path = desk.place.directory / "deck" / "overrides.toml"
    before = desk.value_in(path, ("unset",))
    items = [*(before if is_list(before) else []), dotted(keys)]
    desk.put(path, ("unset",), items, f"unset holds {dotted(keys)}, which is inherited")


def _places(desk: Desk, name: str, kind: Kind | None) -> list[tuple[Keys, SourceFile]]:
    document = desk.before.loaded.documents.deck
    heads: list[Keys] = [(kind,)] if kind else [(), *((one,) for one in KINDS)]
    found = [desk.standing(document, (*head, title, name)) for head in heads for title in _TITLES]
    return [(keys, file) for file, keys in (each for each in found if each is not None)]


def _names(desk: Desk, tables: Sequence[Keys]) -> list[str]:
    names: list[str] = []
    for keys in tables:
        table: object = desk.before.loaded.documents.deck.data
        for key in keys:
            table = table.get(key) if is_table(table) else None
        names += table if is_table(table) else []
    return names


def _kind_of(desk: Desk, name: str, model: str | None) -> Kind:
    document = desk.before.loaded.documents.deck
    kinds: list[Kind] = [kind for kind in KINDS if stands(document.data, (kind, "presets", name))]
    if len(kinds) > 1:
        raise RefusedEditError(f'there are presets "{name}" of kind {" and ".join(kinds)}; say which by --kind')
    if kinds:
        return kinds[0]
    return "llm" if model is None else _kind_of_model(desk.before.loaded.deck, model.split(",")[0].strip())


def _kind_of_model(deck: ModelDeck, name: str) -> Kind:
    """Follow aliases to a model that a spec file lists; llm where there is none."""
    for _ in range(len(deck.aliases) + 1):
        for handle in (name, name.partition("/")[2]):
            kinds = {models[handle].kind for models in deck.specs.values() if handle in models}
            known: list[Kind] = [kind for kind in KINDS if kind in kinds]
            if known:
                return known[0]
        alias = next((alias for (_, known), alias in deck.aliases.items() if known == name), None)
        if alias is None or not alias.targets:
            break
        if alias.kind is not None:
            return alias.kind
        name = alias.targets[0].reference
    return "llm"


def _rivals(key: str) -> list[str]:
    pairs = [pair for one, other in EXCLUSIVE for pair in ((one, other), (other, one))]
    return [other for one, other in pairs if one == key]


def _home_of(key: str) -> str:
    kinds = [kind for kind in KINDS if key in SETTINGS[kind]]
    return f"It is a setting of kind {' and '.join(kinds)} (--kind)." if kinds else ""


def _read(text: str) -> object:
    """Read a number, flag, list or table as JSON or TOML has it; what is neither is a text."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        found = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return found["value"] if len(found) == 1 else text


def _said(keys: Keys, value: object) -> str:
    return f"{dotted(keys)} = {literal(value)}"
