"""The files that a set-up writes: what differs from the packaged kit, with a comment each, or copies of the kit."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.setup.editing.desk import EXTENDING
from pipelex_like.setup.editing.literals import literal
from pipelex_like.setup.editing.toml_text import drop, put
from pipelex_like.types import dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Keys = tuple[str, ...]
Data = dict[str, object]

BACKENDS, ROUTING, OVERRIDES = "backends.toml", "routing_profiles.toml", "deck/overrides.toml"

_BACKENDS = """\
# Providers: all of the packaged kit, and below what differs from it. A provider comes on by its key, in the environment
# or in .env: `pipelex-like backends` names the variables.
extends = "pipelex_like"
"""
_SCHEMA_LINE = re.compile(r"\A#:schema [^\n]*\n")
_EXTENDING = {BACKENDS: EXTENDING}
_STATES = {
    "false": "# Not chosen: off, whatever is set.",
    "true": "# On, whatever is set.",
    '"auto"': "# On as soon as its key is set.",
}
_ROUTING = "# Who serves which model: the profiles of the packaged kit, and below what differs from them.\n"
_OPTIONAL = """\
# These providers had no key when this was written. Their routes held models that nobody serves then; as optional ones,
# further down, they count as soon as the key is there.
"""
_ACTIVE = "# In force, unless --profile, PIPELEX_PROFILE or [environments] choose another.\n"
_OVERRIDES = "# Names and choices of this project: what stands here takes the place of what stands elsewhere.\n"
_CHOICES: tuple[tuple[str, Keys], ...] = (
    ("# What a call for text or a typed object uses that names no model.", ("llm", "choice_defaults")),
    ("# What a call that reads a document uses.", ("extract",)),
    ("# What a call for pictures uses.", ("img_gen",)),
)


def kit_files() -> dict[str, str]:
    """Give the packaged configuration, its files by their place in it."""
    return {path.relative_to(KIT).as_posix(): _kit_text(path) for path in sorted(KIT.rglob("*.toml"))}


def is_copy(path: Path, text: str) -> bool:
    """Whether a file is the packaged one of its name, word for word."""
    packaged = KIT / (path.name if path.parent.name not in ("backends", "deck") else f"{path.parent.name}/{path.name}")
    return packaged.is_file() and _kit_text(packaged) == _SCHEMA_LINE.sub("", text.replace("\r\n", "\n"))


def _kit_text(path: Path) -> str:
    """Read a packaged file without the line that names its schema, which stands elsewhere for others."""
    return _SCHEMA_LINE.sub("", path.read_text("utf-8"))


def written(name: str, data: Data, *, full: bool) -> str | None:
    """Give the file as a set-up writes it; None where `data` holds what a set-up does not write."""
    if full and name in (BACKENDS, ROUTING):
        return _copied(name, data)
    made = _RENDERERS[name](data) if name in _RENDERERS else None
    return made if made is not None and _pruned(tomllib.loads(made)) == _pruned(data) else None


def is_untouched(name: str, text: str) -> bool:
    """Whether a file is to the letter what a set-up wrote, so that it may be written anew without asking."""
    if text == kit_files().get(name):
        return True
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return any(written(name, data, full=full) == text for full in (False, True))


def with_values(name: str, text: str | None, values: Mapping[Keys, object], *, full: bool) -> str:
    """Give the file with the values at their keys; a value None takes the key away. Every other line stays.

    Raises ValueError where the text is written in a way that a value cannot be fitted into.
    """
    if text is None or is_untouched(name, text):
        start = kit_files().get(name, "") if text is None and full else text or _EXTENDING.get(name, "")
        made = written(name, _with(tomllib.loads(start), values), full=full)
        if made is not None:
            return made
    edited = text or ""
    for keys, value in values.items():
        if value is not None:
            edited = put(edited, keys, value)
        elif _at(tomllib.loads(edited), keys) is not None:
            edited = drop(edited, keys)
    return edited


def whole(name: str, text: str | None) -> str:
    """Give the kit's file with what `text`, which goes over it in a directory that extends the kit, says besides."""
    copy = kit_files()[name]
    own = tomllib.loads(text or "")
    unset = own.pop("unset", None)
    own.pop("extends", None)
    for item in unset if is_list(unset) else []:
        keys = next((keys for keys, _ in _leaves(tomllib.loads(f"{item} = 0"))), ())
        if _at(tomllib.loads(copy), keys) is not None:
            copy = drop(copy, keys)
    for keys, value in _leaves(own):
        if _at(tomllib.loads(copy), keys) != value:
            copy = put(copy, keys, value)
    return copy


def _backends(data: Data) -> str:
    text = _BACKENDS
    for name, table in data.items():
        if is_table(table) and set(table) == {"enabled"}:
            state = literal(table["enabled"])
            text += f"\n{_STATES.get(state, '')}\n[{dotted((name,))}]\nenabled = {state}\n"
    return text


def _routing(data: Data) -> str:
    text = _ROUTING
    unset = data.get("unset")
    if is_list(unset):
        items = "".join(f"    {_plainly(item)},\n" for item in unset)
        text += f"\n{_OPTIONAL}unset = [\n{items}]\n"
    if "active" in data:
        text += f"\n{_ACTIVE}active = {literal(data['active'])}\n"
    for profile, table in _tables(data.get("profiles")):
        for key, routes in _tables(table):
            lines = "".join(f"{dotted((pattern,))} = {literal(backend)}\n" for pattern, backend in routes.items())
            text += f"\n[{dotted(('profiles', profile, key))}]\n{lines}"
    return text


def _plainly(item: object) -> str:
    """Write a dotted key with quotes in it so that it can be read."""
    return f"'{item}'" if isinstance(item, str) and "'" not in item and '"' in item else literal(item)


def _overrides(data: Data) -> str:
    text = _OVERRIDES
    for comment, keys in _CHOICES:
        table = _at(data, keys)
        if is_table(table):
            lines = "".join(f"{dotted((key,))} = {literal(value)}\n" for key, value in table.items())
            text += f"\n{comment}\n[{dotted(keys)}]\n{lines}"
    return text


_RENDERERS: Mapping[str, Callable[[Data], str]] = {BACKENDS: _backends, ROUTING: _routing, OVERRIDES: _overrides}


def _copied(name: str, data: Data) -> str | None:
    """Give the kit's own text with the few things changed that a set-up changes."""
    text = kit_files()[name]
    held = tomllib.loads(text)
    for keys, value in _leaves(data):
        if _at(held, keys) != value:
            text = put(text, keys, value)
    for keys, _ in list(_leaves(held)):
        if "routes" in keys and _at(data, keys) is None:
            text = drop(text, keys)
    return text if _pruned(tomllib.loads(text)) == _pruned(data) else None


def _with(data: Data, values: Mapping[Keys, object]) -> Data:
    for keys, value in values.items():
        table = data
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            table = inner if is_table(inner) else {}
        if value is None:
            table.pop(keys[-1], None)
        else:
            table[keys[-1]] = value
    return _pruned(data)


def _pruned(data: Data) -> Data:
    """Leave out tables that say nothing."""
    inner = {key: _pruned(value) if is_table(value) else value for key, value in data.items()}
    return {key: value for key, value in inner.items() if value != {}}


def _leaves(data: Data, path: Keys = ()) -> Iterator[tuple[Keys, object]]:
    for key, value in data.items():
        if is_table(value) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _at(data: object, keys: Keys) -> object:
    for key in keys:
        data = data.get(key) if is_table(data) else None
    return data


def _tables(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    if is_table(value):
        yield from ((key, inner) for key, inner in value.items() if is_table(inner))
