"""LiteLLM's config.yaml as a directory of ours on top of the packaged kit, where the same names lead to the same
providers and models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.engine.load import bind_to
from pipelex_like.errors import ConfigError, PipelexLikeError, Problem
from pipelex_like.setup.editing.changes import Change, read_exactly
from pipelex_like.setup.editing.outlook import outlook, place_of
from pipelex_like.setup.litellm.backends import Backends
from pipelex_like.setup.litellm.config import read_config
from pipelex_like.setup.litellm.deck import Names
from pipelex_like.setup.litellm.kit import kit_backend, kit_presets
from pipelex_like.setup.litellm.profile import profile_text
from pipelex_like.setup.litellm.text import pair, table
from pipelex_like.setup.litellm.yaml import read_yaml
from pipelex_like.setup.migrate.migration import NOT_CARRIED, Migration, note
from pipelex_like.types import KINDS, is_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipelex_like.routing import Router
    from pipelex_like.setup.editing.outlook import Outlook
    from pipelex_like.setup.litellm.config import LiteConfig

_EXTENDS = (
    '# Providers, models and prices come from the packaged kit; here stands what "{source}" says besides.\n'
    'extends = "pipelex_like"\n'
)
_HOMES = ("HOME", "USERPROFILE")
_ADDRESS = "https://not-called.invalid/v1"


def plan_litellm(source: Path, target: Path, environ: Mapping[str, str]) -> Migration:
    """Give the directory that a config.yaml becomes. Raises ConfigError for a file that cannot be read, or that
    would become a directory that does not load."""
    config = read_config(read_yaml(source, source.name))
    backends = Backends(config=config)
    backends.read()
    names = Names(config=config, backends=backends)
    names.read()
    target = Path.cwd() / target
    changes = [
        Change(path=target / name, before=read_exactly(target / name), after=text)
        for name, text in _files(source, config, backends, names).items()
    ]
    environ = {name: environ[name] for name in _HOMES if name in environ}
    seen = outlook(place_of(target, environ), changes, environ)
    used = {*backends.names.values(), *backends.tables}
    try:
        bound = bind_to(replace(seen.loaded, variables=_filled(seen, used)), None)
    except ConfigError as error:
        message = "what this file says makes no directory that loads; what follows names the files that it would be."
        said = Problem(severity="error", code="cannot-migrate", file=source.name, message=message)
        raise ConfigError((said, *error.problems)) from None
    _tell_differences(bound.router, config, names)
    return Migration(
        form="litellm",
        found="a config.yaml of LiteLLM",
        source=source,
        target=target,
        changes=tuple(changes),
        notes=tuple(dict.fromkeys(config.report.notes)),
        variables=tuple(config.report.variables),
    )


def _files(source: Path, config: LiteConfig, backends: Backends, names: Names) -> dict[str, str]:
    """Give the text of every file by its name; the profile is read first, since it may add to backends."""
    routing = profile_text(config, backends, names)
    files = {"backends.toml": _backends_text(source, backends), "deck/litellm_deck.toml": _deck_text(names)}
    for name in dict.fromkeys((*backends.defaults, *backends.models)):
        files[f"backends/{name}.toml"] = _models_text(name, backends)
    if routing:
        files["routing_profiles.toml"] = routing
    return files


def _backends_text(source: Path, backends: Backends) -> str:
    text = _EXTENDS.format(source=source.name.replace("\n", " "))
    for name, values in backends.tables.items():
        nested = {key: value for key, value in values.items() if not is_table(value)}
        text += table((name,), nested)
        for key, value in values.items():
            if is_table(value):
                text += table((name, key), value)
    return text


def _models_text(name: str, backends: Backends) -> str:
    packaged = bool(kit_backend(name))
    text = "# What differs from the packaged models.\n" if packaged else "# Any other model is called by its id.\n"
    if name in backends.defaults:
        text += table(("defaults",), backends.defaults[name])
    for handle, values in backends.models.get(name, {}).items():
        text += table((handle,), values)
    return text


def _deck_text(names: Names) -> str:
    text = "# The names that callers use, and where each leads.\n"
    presets = kit_presets()
    hidden = [f'{named.kind}.presets."{named.name}"' for named in names.named if (named.kind, named.name) in presets]
    if hidden:
        text += "# Packaged presets of these names would come first.\n" + pair("unset", hidden)
    for kind in KINDS:
        held = [(named.name, names.value(named)) for named in names.named if named.kind == kind]
        held = [*names.helpers(kind).items(), *held]
        if not held:
            continue
        simple = {name: value for name, value in held if not is_table(value)}
        text += table((kind, "aliases"), simple) if simple else ""
        for name, value in held:
            if is_table(value):
                text += table((kind, "aliases", name), value)
    return text


def _filled(seen: Outlook, used: Collection[str]) -> dict[str, str]:
    """Give every variable that these backends ask for some value, so that they can be tried out; none is called."""
    found: dict[str, str] = {}
    for spec in seen.loaded.deck.backends.values():
        if spec.name not in used:
            continue
        for key, value in spec.keys.items():
            for name in _names(value):
                found[name] = _ADDRESS if key == "endpoint" else "placeholder"
        for required in spec.required or ():
            for name in required:
                found.setdefault(name, _ADDRESS if name.endswith(("_BASE", "_URL")) else "placeholder")
    return found


def _names(value: object) -> list[str]:
    slots = value.slots if isinstance(value, Template) else ()
    return [name.name for slot in slots if slot.default is None for name in slot.names]


def _tell_differences(router: Router, config: LiteConfig, names: Names) -> None:
    """Ask for every name, and tell those that do not come out where they went."""
    for named in names.named:
        wanted = [(served.backend, served.model_id) for served in named.all]
        try:
            route = router.resolve(named.name, kind=named.kind)
        except PipelexLikeError as error:
            found, said = None, str(error)
        else:
            found = [(candidate.backend, candidate.model_id) for candidate in route.candidates]
            said = ", ".join(f"{backend}/{model_id}" for backend, model_id in found)
        if found != wanted:
            should = ", ".join(f"{backend}/{model_id}" for backend, model_id in wanted)
            message = f'"{named.name}" should lead to {should}, and here it is: {said}.'
            config.report.notes.append(note(NOT_CARRIED, "deck/litellm_deck.toml", named.name, message))
