"""The variables that open a backend, as sets of which each suffices; and texts that are surely no key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.setup.placeholders import looks_like_placeholder
from pipelex_like.specs.templates import parse_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipelex_like.deck import BackendSpec, SdkKey, SdkSettings

_ASSIGNED = re.compile(r"(?:export\s+)?[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A variable of a backend. `found` says in words where it is set; empty = nowhere. `placeholder`: what is set is
    surely no key. `secret` ones are asked for without echo."""

    name: str
    secret: bool = True
    found: str = ""
    placeholder: bool = False


def ways_of(
    spec: BackendSpec, settings: Sequence[SdkSettings], place_of: Callable[[str], str], values: Mapping[str, str]
) -> tuple[tuple[Key, ...], ...]:
    """Give the sets of variables that each suffice: one that is complete first, then one that is begun."""
    open_to = _visible(spec, settings)
    sets = dict.fromkeys(_sets(spec, settings))
    ways = [tuple(_key(names, open_to, place_of, values) for names in way) for way in sets if way]
    return tuple(sorted(ways, key=_distance))


def fault_of_key(text: str, *, secret: bool = True) -> str:
    """Say what keeps a text from being what was asked for; empty where nothing does. Its text is never told."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        return "that has signs in it that no key has, a line break for example"
    if secret and any(sign.isspace() for sign in text):
        return "that has a space in it, and keys have none"
    if _ASSIGNED.match(text):
        return "that is a line NAME=value; only what stands behind the = is wanted"
    if text[:1] in "'\"" and text:
        return "that is in quotes; only what stands between them is wanted"
    if looks_like_placeholder(text):
        return "that looks like a placeholder, not like a key"
    return ""


def _distance(way: tuple[Key, ...]) -> tuple[bool, bool, int]:
    lacking = sum(not key.found for key in way)
    return lacking > 0, lacking == len(way), lacking


def _key(
    names: tuple[str, ...], open_to: frozenset[str], place_of: Callable[[str], str], values: Mapping[str, str]
) -> Key:
    name = next((name for name in names if place_of(name)), names[0])
    blank = looks_like_placeholder(values.get(name, ""))
    secret = name not in open_to
    return Key(name=name, secret=secret, found=place_of(name), placeholder=secret and blank)


def _sets(spec: BackendSpec, settings: Iterable[SdkSettings]) -> Iterator[tuple[tuple[str, ...], ...]]:
    if spec.required is not None:
        yield from (tuple((name,) for name in names) for names in spec.required)
        return
    for sdk in settings:
        keys = {key.name: key for key in sdk.keys}
        for wanted in sdk.required:
            slots = [slot for name in wanted for slot in _slots(spec, keys[name])]
            if all(slots):
                yield tuple(slots)


def _slots(spec: BackendSpec, key: SdkKey) -> list[tuple[str, ...]]:
    """Give the variables of a key without a default; an empty one where no variable could give the key."""
    value = spec.keys.get(key.name)
    if value is None:
        value = parse_template(key.template, spec.origin) if key.template else None
    if value is None:
        return [()]
    if not isinstance(value, Template):
        return []
    return [tuple(name.name for name in slot.names) for slot in value.slots if slot.default is None]


def _visible(spec: BackendSpec, settings: Iterable[SdkSettings]) -> frozenset[str]:
    """Give the variables that hold no secret: addresses, projects, regions, lists of models."""
    known: dict[str, SdkKey] = {key.name: key for sdk in settings for key in sdk.keys}
    held: dict[str, bool] = {}
    for name in {*spec.keys, *known}:
        key = known.get(name)
        value = spec.keys.get(name) or (parse_template(key.template, spec.origin) if key and key.template else None)
        _note(held, value, secret=key is None or key.secret)
    for value in (spec.models, spec.model_providers):
        _note(held, value, secret=False)
    for value in (*spec.headers.values(), spec.proxy):
        _note(held, value, secret=True)
    return frozenset(name for name, secret in held.items() if not secret)


def _note(held: dict[str, bool], value: object, *, secret: bool) -> None:
    if isinstance(value, Template):
        for slot in value.slots:
            for name in slot.names:
                held[name.name] = held.get(name.name, False) or secret
