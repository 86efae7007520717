"""The JSON Schema of deck files: aliases, chains, presets and default choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.specs.decks import KIND_KEYS
from pipelex_like.specs.json_forms import REFERENCE, UNSET, Forms, described, properties, table_of
from pipelex_like.specs.renames import RENAMES
from pipelex_like.specs.targets import PresetTable, TargetTable
from pipelex_like.specs.words import UNSERVED
from pipelex_like.types import KINDS, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.specs.json_forms import Schema
    from pipelex_like.types import Kind

_KIND_WORDS: Mapping[Kind, str] = {"llm": "language models", "extract": "reading documents", "img_gen": "pictures"}


def deck_schema(title: str, words: Mapping[str, Sequence[str]]) -> Schema:
    """Give the schema of a deck file."""
    forms = Forms(words=words, variables=False)
    top: Schema = _aliases(forms, None)
    for kind in KINDS:
        top[kind] = _kind(forms, kind)
    for rename in RENAMES:
        if not rename.table:
            said = {"description": f"older spelling of {rename.new}", "deprecated": True}
            top[rename.old] = {"allOf": [top[rename.new]], **said}
    for title in UNSERVED:
        top[title] = {"type": "object", "description": "no kind of work done here; left out", "deprecated": True}
    top["unset"] = UNSET
    return forms.document(title, {"properties": top, "additionalProperties": False})


def _kind(forms: Forms, kind: Kind) -> Schema:
    choice = described(forms.named(f"choices {kind}"), description="what a call without a model uses")
    override = {**choice, "description": 'the same, stronger; "disabled" = none'}
    slots = {"for_text": choice, "for_object": choice, "default_temperature": _not_applied(forms, "llm", "temperature")}
    preset = _preset(forms, kind)
    keys: Schema = {
        **_aliases(forms, kind),
        "presets": {
            "type": "object",
            "properties": dict.fromkeys(forms.words.get(f"presets {kind}", ()), preset),
            "additionalProperties": preset,
            "description": "name = a model and its settings",
        },
        "choice_default": choice,
        "choice_override": override,
        "choice_defaults": table_of(slots, "what a call without a model uses"),
        "choice_overrides": table_of({**slots, "for_text": override, "for_object": override}, "the same, stronger"),
        "default_temperature": _not_applied(forms, "llm", "temperature"),
        "default_quality": _not_applied(forms, "img_gen", "quality"),
    }
    return table_of({key: keys[key] for key in KIND_KEYS[kind]}, f"names and presets for {_KIND_WORDS[kind]}")


def _not_applied(forms: Forms, kind: Kind, setting: str) -> Schema:
    found = forms.settings(kind)[setting]
    return {**(found if is_table(found) else {}), "description": "read and not applied", "deprecated": True}


def _aliases(forms: Forms, kind: Kind | None) -> Schema:
    value = {"$ref": f"{REFERENCE}{_target(forms, kind)}"}
    chain = {"anyOf": [forms.named(f"targets {kind}"), value, _list_of(forms, kind)]}
    said = {
        "aliases": "name = a reference, a list tried in order, or a table with settings on top",
        "waterfalls": "a later spelling of aliases that are lists",
    }
    return {title: {"type": "object", "additionalProperties": chain, "description": said[title]} for title in said}


def _list_of(forms: Forms, kind: Kind | None) -> Schema:
    table = {"$ref": f"{REFERENCE}{_target(forms, kind)}"}
    return {"type": "array", "minItems": 1, "items": {"anyOf": [forms.named(f"targets {kind}"), table]}}


def _target(forms: Forms, kind: Kind | None) -> str:
    """Put the table of an alias or a chain's element among the definitions, and give its name."""
    name = f"target {kind or 'of any kind'}".title().replace(" ", "").replace("_", "")
    if name not in forms.definitions:
        settings: Schema = {}
        for one in (kind,) if kind else KINDS:
            settings = {**forms.settings(one), **settings}
        table = forms.table(TargetTable)
        reference = forms.named(f"targets {kind}")
        keys = properties(table) | {
            "model": {
                "anyOf": [reference, {"type": "array", "minItems": 1, "items": reference}],
                "description": properties(table)["model"]["description"],
            }
        }
        forms.definitions[name] = table_of({**keys, **settings, **_former(keys)}, "A model with settings on top.")
    return name


def _preset(forms: Forms, kind: Kind) -> Schema:
    name = f"preset {kind}".title().replace(" ", "").replace("_", "")
    if name not in forms.definitions:
        found = properties(forms.table(PresetTable))
        parts = {
            key: {
                "anyOf": [forms.named(f"targets {kind}"), _list_of(forms, kind)],
                "description": found[key]["description"],
            }
            for key in ("model", "fallback")
        }
        keys = {**parts, **found, **parts}
        forms.definitions[name] = table_of(
            {**keys, **forms.settings(kind), **_former(keys)}, "A model and its settings."
        )
    return {"$ref": f"{REFERENCE}{name}"}


def _former(keys: Mapping[str, Schema]) -> Schema:
    """Give the older spellings of these keys."""
    return {
        rename.old: {**keys[rename.new], "description": f"older spelling of {rename.new}", "deprecated": True}
        for rename in RENAMES
        if rename.table and rename.new in keys
    }
