"""Backends on and off, profiles chosen and made: the edits of backends.toml and routing_profiles.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import did_you_mean
from pipelex_like.setup.editing.outlook import kit_backends
from pipelex_like.types import dotted, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelex_like.deck import Backend
    from pipelex_like.setup.editing.desk import Desk, Keys


class RefusedEditError(ValueError):
    """The edit makes no sense here: a name that is nobody's or is taken, a key that is none, a value that misfits."""


def switch_backend(desk: Desk, name: str, state: Literal["on", "off", "auto"]) -> str:
    """Draft `enabled` of a backend; give its name. Raises RefusedEditError."""
    document = desk.before.loaded.documents.backends
    name = _backend_name(desk, name)
    value = {"on": True, "off": False, "auto": "auto"}[state]
    entry = document.data.get(name)
    if is_table(entry) and entry.get("enabled", True) == value and ("enabled" in entry or value is True):
        desk.notes.append(f'"{name}" has enabled = {_word(value)} already; nothing to change')
        return name
    found = desk.standing(document, (name, "enabled")) or desk.standing(document, (name,))
    path = found[0].path if found else desk.place.directory / "backends.toml"
    desk.put(path, (name, "enabled"), value, f"{dotted((name, 'enabled'))} = {_word(value)}")
    note_environment(desk, found[0].environment if found else None)
    return name


def state_of(backend: Backend) -> str:
    """Tell in a sentence whether a backend is on, and what it lacks."""
    why = "" if not backend.reason else f": {backend.reason}"
    key = backend.spec.key_url
    lacks = f" (get a key: {key})" if backend.missing and key else ""
    named = f"; only for what names it ({backend.name}/...)" if backend.spec.only_when_named else ""
    return f'"{backend.name}" is {backend.state}{why}{lacks}{named}'


def use_profile(desk: Desk, name: str) -> None:
    """Draft `active`. Raises RefusedEditError."""
    document = desk.before.loaded.documents.routing
    known = _profiles(desk)
    if name not in known:
        raise RefusedEditError(_unknown("profile", name, known))
    if document.data.get("active") == name:
        desk.notes.append(f'"{name}" is the active profile already; nothing to change')
    else:
        found = desk.standing(document, ("active",))
        path = found[0].path if found else desk.place.directory / "routing_profiles.toml"
        desk.put(path, ("active",), name, f'active = "{name}"')
        note_environment(desk, found[0].environment if found else None)
    bound = desk.before.bound
    if bound is not None and bound.deck.profile_from != "active" and bound.deck.profile.name != name:
        chosen = f'"{bound.deck.profile.name}" (chosen by {bound.deck.profile_from})'
        desk.notes.append(f"for now {chosen} stays in force: it comes before `active`")


def new_profile(
    desk: Desk,
    name: str,
    *,
    default: str | None = None,
    fallback_order: Sequence[str] | None = None,
    like: str | None = None,
    description: str | None = None,
) -> None:
    """Draft a profile, begun as a copy of the profile `like` if one is given. Raises RefusedEditError."""
    known = _profiles(desk)
    if name in known:
        raise RefusedEditError(f'there is a profile named "{name}" already; choose another name, or edit that one')
    if like is not None and like not in known:
        raise RefusedEditError(_unknown("profile", like, known))
    table: dict[str, object] = {"description": "Every model goes to the first backend that serves it"}
    if like is not None:
        base = known[like]
        table = {**(base if is_table(base) else {}), "description": f"Like {like}"}
    elif default is not None:
        table = {"description": f"What {default} serves goes there"}
    given = {"description": description, "default": default, "fallback_order": _listed(fallback_order)}
    table |= {key: value for key, value in given.items() if value is not None}
    path = desk.place.directory / "routing_profiles.toml"
    # Tables inside come last, each with a header of its own.
    leaves = sorted(_leaves(("profiles", name), table), key=lambda leaf: len(leaf[0]))
    for keys, value in leaves:
        desk.put(path, keys, value, dotted(keys))
    desk.done_as(f"profile {dotted((name,))}", path, ("profiles", name))


def _backend_name(desk: Desk, name: str) -> str:
    loaded = desk.before.loaded
    declared = [known for known, entry in loaded.documents.backends.data.items() if is_table(entry)]
    if name in declared:
        return name
    others = {other: spec.name for spec in loaded.deck.backends.values() for other in spec.other_names}
    if name in others:
        desk.notes.append(f'"{name}" is another name of "{others[name]}"')
        return others[name]
    if name in kit_backends():
        raise RefusedEditError(
            f'this directory stands alone and does not declare "{name}". Begin its backends.toml with '
            'extends = "pipelex_like", which brings the packaged backends, or declare it there.'
        )
    raise RefusedEditError(_unknown("backend", name, [*declared, *others]))


def _profiles(desk: Desk) -> dict[str, object]:
    held = desk.before.loaded.documents.routing.data.get("profiles")
    return held if is_table(held) else {}


def _unknown(noun: str, name: str, known: Sequence[str] | dict[str, object]) -> str:
    hint = did_you_mean(name, known)
    there = f"There are {', '.join(known)}." if known else f"There is no {noun} yet."
    return f'no {noun} is named "{name}". {hint or there}'


def _leaves(keys: Keys, table: dict[str, object]) -> Iterator[tuple[Keys, object]]:
    for key, value in table.items():
        if is_table(value) and value:
            yield from _leaves((*keys, key), value)
        else:
            yield (*keys, key), value


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else [*names]


def _word(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def note_environment(desk: Desk, environment: str | None) -> None:
    """Tell of an edit that went into a file of one environment."""
    if environment is not None:
        desk.notes.append(f"that file counts in the environment {environment} only")
