"""JSON Schema of each kind of configuration file, made from the tables that read them, for editors and taplo.

Draft 7, which both understand. The packaged ones (`pipelex_like/data/schemas/`) know our words; with the names of a
configuration at hand, an editor completes those too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, get_args

from pipelex_like.data import KIT
from pipelex_like.specs.backends import IGNORED, BackendTable, declared_keys
from pipelex_like.specs.json_deck import deck_schema
from pipelex_like.specs.json_forms import REFERENCE, UNSET, VARIABLE, Forms, described, properties, table_of
from pipelex_like.specs.models import ModelTable
from pipelex_like.specs.profiles import ProfileTable
from pipelex_like.specs.stores import BudgetsTable, CacheTable, LedgerTable
from pipelex_like.specs.via import DIRECT, GATEWAYS
from pipelex_like.specs.words import INPUTS, OUTPUTS
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipelex_like.deck import SdkKey, SdkSettings
    from pipelex_like.documents import Names
    from pipelex_like.specs.json_forms import Schema

FileKind = Literal["backends", "models", "profiles", "deck"]
FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)
FILES: Mapping[FileKind, str] = {
    "backends": "backends.toml",
    "models": "backends/<name>.toml",
    "profiles": "routing_profiles.toml",
    "deck": "deck/*.toml",
}
"""Where the files of each kind stand in a configuration directory."""

FOLDER = ".schemas"
"""The folder of a configuration directory that holds schemas of its own."""

_SCALARS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def json_schemas(sdks: Sequence[SdkSettings], names: Names | None = None) -> dict[FileKind, Schema]:
    """Give the schema of every kind of file. `sdks` are the known SDKs; `names`, if given, are offered as words."""
    words = _words(sdks, names)
    return {
        "backends": _backends(words, sdks),
        "models": _models(words),
        "profiles": _profiles(words),
        "deck": deck_schema(FILES["deck"], words),
    }


def schema_text(schema: Schema) -> str:
    """Give a schema as the text of its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def schema_line(kind: FileKind, for_directory: Path) -> str:
    """Give the first line of a file of this kind: taplo and editors find the schema by it.

    `for_directory` is the configuration directory: one of a user's has its schemas in `.schemas/`, the packaged kit
    beside itself.
    """
    inner, kit = "/" in FILES[kind], for_directory == KIT
    folder = "../schemas" if kit else FOLDER
    # A path that begins with a dot is taken from the file on; anything else would be an address.
    return f"#:schema {'../' if inner else '' if kit else './'}{folder}/{kind}.json"


def _words(sdks: Sequence[SdkSettings], names: Names | None) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {
        "sdks": tuple(dict.fromkeys(sdk.sdk for sdk in sdks if sdk.kinds)),
        "inputs": tuple(sorted(INPUTS)),
        "outputs": tuple(sorted(OUTPUTS)),
        "gateways": (*GATEWAYS, DIRECT),
    }
    if names is None:
        return words
    words |= {
        "backends": tuple(backend.name for backend in names.backends),
        "profiles": tuple(profile.name for profile in names.profiles),
        "models": names.handles(),
    }
    for kind in (*KINDS, None):
        targets = tuple(alias.name for alias in names.aliases if alias.serves(kind))
        presets = tuple(preset.name for preset in names.presets if preset.serves(kind))
        words[f"targets {kind}"] = tuple(dict.fromkeys((*targets, *names.handles(kind))))
        words[f"presets {kind}"] = presets
        words[f"choices {kind}"] = tuple(dict.fromkeys((*presets, *words[f"targets {kind}"])))
    return words


def _backends(words: Mapping[str, Sequence[str]], sdks: Sequence[SdkSettings]) -> Schema:
    forms = Forms(words=words, variables=True)
    table = forms.table(BackendTable)
    own = {name: _key(key, sdks) for name, key in declared_keys(sdks).items()}
    former = {name: {"description": "read by older versions, left aside here", "deprecated": True} for name in IGNORED}
    keys = {**own, **properties(table), **dict(sorted(former.items()))}
    forms.definitions["Backend"] = table_of(keys, "A provider: where it is and which key opens it.")
    backend = {"$ref": f"{REFERENCE}Backend"}
    top: Schema = {
        "extends": {
            "type": "string",
            "description": 'what this directory starts from: "pipelex_like" (the packaged kit) or the path of another',
            "examples": ["pipelex_like", "../team"],
        },
        "unset": UNSET,
    }
    known = {name: backend for name in words.get("backends", ())}
    return forms.document(FILES["backends"], {"properties": {**top, **known}, "additionalProperties": backend})


def _key(key: SdkKey, sdks: Iterable[SdkSettings]) -> Schema:
    """Say what an SDK's key holds; it may always come from a variable."""
    users = [sdk.sdk for sdk in sdks if any(one.name == key.name for one in sdk.keys)]
    general = {"api_key": "credential", "endpoint": "base URL as the provider documents it"}.get(key.name)
    said = general or (f"for sdk {', '.join(users)}" if users else "of older files")
    templates = {one.template for sdk in sdks for one in sdk.keys if one.name == key.name and one.template}
    if general is None and len(templates) == 1:
        said += f"; default: {templates.pop()}"
    kind = _SCALARS[key.scalar]
    if kind == "string":
        return {"type": "string", "description": said}
    return {"anyOf": [{"type": kind}, {"type": "string", "pattern": VARIABLE}], "description": said}


def _models(words: Mapping[str, Sequence[str]]) -> Schema:
    forms = Forms(words=words, variables=True)
    model = {**forms.table(ModelTable), "description": "A model, by the handle that decks and calls use."}
    model["patternProperties"] = {"^x-": {"type": "string", "description": "a header of its requests"}}
    forms.definitions["Model"] = model
    reference: Schema = {"$ref": f"{REFERENCE}Model"}
    top: Schema = {
        "defaults": described(reference, description="what all models of this file have in common"),
        "default_sdk": described(forms.named("sdks"), description="older spelling of sdk in [defaults]"),
        "default_prompting_target": {
            "type": "string",
            "description": "older spelling of prompting_target in [defaults]",
        },
        "unset": UNSET,
    }
    return forms.document(FILES["models"], {"properties": top, "additionalProperties": reference})


def _profiles(words: Mapping[str, Sequence[str]]) -> Schema:
    forms = Forms(words=words, variables=False)
    forms.definitions["Profile"] = {**forms.table(ProfileTable), "description": "Who serves which model."}
    name, profile = forms.named("profiles"), {"$ref": f"{REFERENCE}Profile"}
    stores = {"budgets": BudgetsTable, "ledger": LedgerTable, "cache": CacheTable}
    said = {
        "budgets": "what the program may spend",
        "ledger": "the account of every attempt, read by `pipelex-like usage`",
        "cache": "where answers are kept, for calls that ask for it",
    }
    top: Schema = {
        "active": described(name, description="the profile in force where nothing else chooses one"),
        "profiles": {
            "type": "object",
            "properties": dict.fromkeys(words.get("profiles", ()), profile),
            "additionalProperties": profile,
            "description": "[profiles.<name>]: who serves which model",
        },
        "environments": {
            "type": "object",
            "additionalProperties": name,
            "description": "a value of PIPELEX_ENV = the profile it chooses",
            "examples": [{"dev": "local", "prod": "auto"}],
        },
        **{key: {**forms.table(table), "description": said[key]} for key, table in stores.items()},
        "unset": UNSET,
    }
    return forms.document(FILES["profiles"], {"properties": top, "additionalProperties": False})
