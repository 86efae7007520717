"""Why no backend serves a model here, and what would change that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.errors import (
    HandleNotFoundError,
    LLMHandleNotFoundError,
    LLMPresetNotFoundError,
    ResolveError,
    nearest,
)
from pipelex_like.routing.names import ANY_NAME, split_reference
from pipelex_like.routing.rules import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelex_like.deck import Backend, BoundDeck
    from pipelex_like.routing.assign import Assigner, Place
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

_MOST_LISTED = 5
KEYLESS = {"local": "a real, small model in this process", "sandbox": "simulated answers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A model that leads to no backend: `text` says why where a rule decided it (else nobody serves it), `backend`
    which one would have to be on, `unknown` that nothing knows the name."""

    name: str
    text: str = ""
    kind: Kind | None = None
    backend: Backend | None = None
    unknown: bool = False

    def cures(self, assigner: Assigner) -> tuple[str, ...]:
        """Say what one can do about it."""
        if self.backend is not None:
            return (wake(self.backend),)
        return _cures(assigner, self.name, self.kind) if self.kind is not None else ()


def nobody(assigner: Assigner, place: Place, kind: Kind) -> Refusal:
    """Say why a model has no server."""
    bound, handle, rule = assigner.bound, place.handle, place.rule
    swapped = f' (in place of "{place.replaced}")' if place.replaced else ""
    if rule is None:
        return Refusal(name=handle, kind=kind)
    held = bound.backends.get(rule.backend)
    if held is None:
        why = "which is not declared in backends.toml"
    elif held.state == "off":
        why = f"which is off: {held.reason}"
    else:
        why = "which does not serve it"
    able = [name for name in servers_of(assigner, handle, kind) if name != rule.backend]
    others = f" {_listing(able)} could serve it." if able else ""
    text = (
        f'{rule.origin.key} ({rule.origin.file}) holds "{handle}"{swapped} for "{rule.backend}", {why}; '
        f"a route binds, so nobody else serves it.{others}"
    )
    return Refusal(name=handle, text=text, backend=held if held is not None and held.state == "off" else None)


def servers_of(assigner: Assigner, handle: str, kind: Kind) -> list[str]:
    """Give the backends that are not off and have the handle as that kind."""
    return [
        backend
        for backend in assigner.bound.handles.get(handle, ())
        if assigner.state(backend) != "off" and assigner.spec(backend, handle, kind) is not None
    ]


def _cures(assigner: Assigner, name: str, kind: Kind) -> tuple[str, ...]:
    """Say what would make some backend serve the model: first those that routing would ask."""
    bound = assigner.bound
    asked: dict[str, None] = {}
    others: dict[str, None] = {}
    for backend, held in bound.backends.items():
        spec = assigner.spec(backend, name, kind) or assigner.by_model_id(backend, name, kind)
        patterns = any(pattern != ANY_NAME for pattern in assigner.rules.takes(backend, name))
        written = assigner.written(backend, name)
        if (spec is not None and (written is not None or not held.spec.mirror)) or patterns:
            in_order = backend in assigner.rules.order
            (asked if in_order else others)[_cure(held, name, bound, in_order=in_order)] = None
        elif written is not None and name not in bound.specs[backend]:
            others[f'write enabled = true for "{name}" in {written.origin.file}'] = None
    return tuple(asked or others)


def _cure(held: Backend, name: str, bound: BoundDeck, *, in_order: bool) -> str:
    by_name = f'ask for it as "{held.name}/{name}"'
    if held.state == "off":
        return wake(held) if in_order else f"{wake(held)} and {by_name}"
    if held.spec.only_when_named or not bound.profile.name:
        return by_name
    where = f" ({bound.profile.origin.file})" if bound.profile.origin.file else ""
    return f'name "{held.name}" in the profile "{bound.profile.name}"{where}, or {by_name}'


def wake(held: Backend) -> str:
    """Say how a backend that is off is switched on."""
    if held.alternatives:
        ways = [" and ".join(way) for way in held.alternatives]
        return f"set {', or '.join(ways)} (for {held.name})"
    if held.spec.enabled is False:
        return f'write enabled = true for "{held.name}" in {held.spec.origin.file or "backends.toml"}'
    return f'switch on "{held.name}" ({held.reason})'


def pin_off(held: Backend, name: str) -> Refusal:
    """Say that a backend which was asked for by name is off."""
    return Refusal(name=name, text=f'backend "{held.name}" is off: {held.reason}.', backend=held)


def refuse(names: Names, reference: str, kind: Kind, refusals: Sequence[Refusal]) -> ResolveError:
    """Make the error for a reference none of whose models is served."""
    bound = names.bound
    strangers = [refusal for refusal in refusals if refusal.unknown]
    if strangers and len(strangers) == len(refusals):
        return unknown(names, strangers[0].name, kind, reference=reference)
    wanted = dict.fromkeys(refusal.name for refusal in refusals if not refusal.unknown)
    parts: list[str] = []
    if any(not refusal.text and not refusal.unknown for refusal in refusals):
        models = _listing(wanted)
        profile = f'under the profile "{bound.profile.name}"' if bound.profile.name else "without a profile"
        them = "any of them" if len(wanted) > 1 else "it"
        lead = f'"{reference}" stands for {models}, and nobody serves {them}'
        parts.append(f"{f'nobody serves {models}' if list(wanted) == [reference] else lead} here {profile}.")
    parts.extend(dict.fromkeys(refusal.text for refusal in refusals if refusal.text))
    ways = list(dict.fromkeys(cure for refusal in refusals for cure in refusal.cures(names.assigner)))
    if ways:
        parts.append(f"What helps: {'; or '.join(ways)}.")
    parts.append(keyless_hint(bound))
    return ResolveError(_sentence(" ".join(part for part in parts if part)), reference=reference)


def unknown(names: Names, name: str, kind: Kind | None, *, reference: str | None = None) -> HandleNotFoundError:
    """Make the error for a name that nothing knows."""
    form, bare = split_reference(name)
    is_preset = form == "preset"
    if is_preset:
        known = [preset for owner, preset in names.deck.presets if kind in (owner, None)]
    else:
        known = list(names.known(kind, presets=True))
    suggestions = nearest(bare, known)
    what = "preset" if is_preset else "model, alias or preset"
    on_the_way = f' (on the way from "{reference}")' if reference not in (None, name) else ""
    hint = f" Did you mean {_listing(suggestions, ' or ')}?" if suggestions else ""
    of_kind = f" of kind {kind}" if kind not in (None, "llm") else ""
    error = LLMPresetNotFoundError if is_preset else LLMHandleNotFoundError
    return (error if kind in (None, "llm") else HandleNotFoundError)(
        f'there is no {what} "{bare}"{of_kind}{on_the_way}.{hint}',
        reference=reference or name,
        kind=kind,
        suggestions=suggestions,
    )


def keyless_hint(bound: BoundDeck) -> str:
    """Name the profiles that need no key, where no backend but the internal one is on."""
    if bound.profile.name in KEYLESS:
        return ""
    for backend in bound.backends.values():
        if backend.state == "on" and not backend.spec.only_when_named and backend.name != INTERNAL:
            return ""
    ways = [f'"{name}" ({what})' for name, what in KEYLESS.items() if name in bound.deck.profiles.profiles]
    if not ways:
        return ""
    first = ways[0].split('"')[1]
    return f"Without a key, try the profile {' or '.join(ways)}, as in PIPELEX_PROFILE={first}."


def _listing(names: Iterable[str], between: str = ", ") -> str:
    quoted = [f'"{name}"' for name in names]
    more = len(quoted) - _MOST_LISTED
    return between.join(quoted) if more < 2 else f"{between.join(quoted[:_MOST_LISTED])} and {more} more"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].islower() and not text.startswith("profiles.") else text
