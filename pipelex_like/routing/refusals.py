"""Why no backend serves a model here, and what would change that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.errors import (
    HandleNotFoundError,
    LLMHandleNotFoundError,
    LLMPresetNotFoundError,
    ResolveError,
    nearest,
)
from pipelex_like.routing.names import ANY_NAME, split_reference
from pipelex_like.routing.profile import ruled_out
from pipelex_like.routing.rules import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelex_like.deck import Backend, BoundDeck
    from pipelex_like.routing.assign import Assigner, Place
    from pipelex_like.routing.names import Names
    from pipelex_like.types import Kind

_MOST_LISTED = 5
# Stands in a refusal's text for the models that it holds for.
MODELS = "{models}"
_KEYLESS: Mapping[Kind, Mapping[str, str]] = {
    "llm": {"local": "a real, small model in this process", "sandbox": "simulated answers"},
    "extract": {"local": "text recognition on this machine", "sandbox": "the same"},
    "img_gen": {"sandbox": 'simulated pictures; "local" draws none'},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A model that leads to no backend.

    `text` says why where a rule decided it (else nobody serves it), with MODELS in the place of the name; `backend`
    would have to be on; `pins` would serve it; `unknown`: nothing knows the name. With `kind`, whoever has the model
    (by `model_id`, if that was asked for) is looked up for a way out.
    """

    name: str
    text: str = ""
    kind: Kind | None = None
    model_id: str | None = None
    backend: Backend | None = None
    pins: tuple[str, ...] = ()
    unknown: bool = False

    def __str__(self) -> str:
        return self.text.replace(MODELS, f'"{self.name}"') or f'nobody serves "{self.name}"'


@dataclass(slots=True)
class _Ways:
    """What would help, gathered over models so that nothing is told twice."""

    first: dict[str, None] = field(default_factory=dict[str, None])
    profile: dict[str, None] = field(default_factory=dict[str, None])
    pins: dict[str, None] = field(default_factory=dict[str, None])

    def told(self, bound: BoundDeck) -> list[str]:
        """Give a phrase for each way."""
        ways = list(self.first)
        if self.profile:
            where = f" ({bound.profile.origin.file})" if bound.profile.origin.file else ""
            listed = _listing(self.profile, " or ")
            ways.append(f'name {listed} in the profile "{bound.profile.name}"{where}, or choose another')
        if self.pins:
            ways.append(f"ask for {_listing(self.pins, ' or ')}")
        return ways


def nobody(assigner: Assigner, place: Place, kind: Kind, model_id: str | None = None) -> Refusal:
    """Say why a model has no server."""
    bound, handle, rule = assigner.bound, place.handle, place.rule
    if rule is None:
        return Refusal(name=handle, kind=kind, model_id=model_id)
    held = bound.backends.get(rule.backend)
    if held is None:
        why = "which is not declared in backends.toml"
    elif held.state == "off":
        why = f"which is off: {held.reason}"
    else:
        why = "which does not serve it"
    able = [name for name in servers_of(assigner, handle, kind, model_id) if name != rule.backend]
    swapped = f' (in place of "{place.replaced}")' if place.replaced else ""
    others = f" {_listing(able)} could serve it." if able else ""
    text = (
        f'{rule.origin.key} ({assigner.where(rule.origin)}) holds {MODELS}{swapped} for "{rule.backend}", {why}; '
        f"a route binds, so nobody else serves it.{others}"
    )
    return Refusal(name=handle, text=text, backend=held if held is not None and held.state == "off" else None)


def servers_of(assigner: Assigner, handle: str, kind: Kind, model_id: str | None = None) -> list[str]:
    """Give the backends that are not off and have the handle as that kind."""
    return [
        backend
        for backend in assigner.bound.handles.get(handle, ())
        if assigner.state(backend) != "off" and assigner.spec(backend, handle, kind, model_id) is not None
    ]


def ways_out(assigner: Assigner, refusals: Iterable[Refusal]) -> list[str]:
    """Say what one can do about refusals, a phrase for each way."""
    ways = _Ways()
    for refusal in refusals:
        if refusal.backend is not None:
            ways.first[wake(refusal.backend, assigner.bound)] = None
        elif refusal.kind is not None:
            _add_ways(ways, assigner, refusal, refusal.kind)
        ways.pins.update(dict.fromkeys(refusal.pins))
    return ways.told(assigner.bound)


def _add_ways(ways: _Ways, assigner: Assigner, refusal: Refusal, kind: Kind) -> None:
    """Say what would make some backend serve the model: where routing would ask some, only these."""
    bound, name = assigner.bound, refusal.name
    routed = {match.rule.backend for match in assigner.rules.routes.matches(name)}
    asked, others = _Ways(), _Ways()
    for backend, held in bound.backends.items():
        spec = assigner.spec(backend, name, kind, refusal.model_id) or assigner.by_model_id(backend, name, kind)
        patterns = any(pattern != ANY_NAME for pattern in assigner.rules.takes(backend, name))
        written = assigner.written(backend, name)
        if (spec is not None and (written is not None or not held.spec.mirror)) or patterns:
            in_order = backend in assigner.rules.order or backend in routed
            _add_way(asked if in_order else others, held, name, bound, in_order=in_order)
        elif written is not None and name not in bound.specs[backend]:
            others.first[f'write enabled = true for "{name}" in {written.origin.file}'] = None
    for found in (asked,) if asked.first or asked.pins else (others,):
        ways.first.update(found.first)
        ways.profile.update(found.profile)
        ways.pins.update(found.pins)


def _add_way(ways: _Ways, held: Backend, name: str, bound: BoundDeck, *, in_order: bool) -> None:
    pin = f"{held.name}/{name}"
    if held.state == "off":
        ways.first[wake(held, bound) if in_order else f'{wake(held, bound)} and ask for "{pin}"'] = None
        return
    ways.pins[pin] = None
    if not held.spec.only_when_named and bound.profile.name:
        ways.profile[held.name] = None


def wake(held: Backend, bound: BoundDeck) -> str:
    """Say how a backend that is off is switched on."""
    key = ruled_out(bound.profile, held.name)
    if held.spec.enabled is False:
        return f'write enabled = true for "{held.name}" in {held.spec.where("enabled").file or "backends.toml"}'
    if key is not None:
        change = f'add "{held.name}" to only' if key == "only" else f'take "{held.name}" out of exclude'
        return f'{change} in the profile "{bound.profile.name}", or choose another profile'
    if held.alternatives:
        ways = [" and ".join(way) for way in held.alternatives]
        return f"set {', or '.join(ways)} (for {held.name})"
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
        models = _listing(wanted, ", ")
        profile = f'under the profile "{bound.profile.name}"' if bound.profile.name else "without a profile"
        them = "any of them" if len(wanted) > 1 else "it"
        lead = f'"{reference}" stands for {models}, and nobody serves {them}'
        parts.append(f"{f'nobody serves {models}' if list(wanted) == [reference] else lead} here {profile}.")
    told: dict[str, dict[str, None]] = {}
    for refusal in refusals:
        if refusal.text:
            told.setdefault(refusal.text, {})[refusal.name] = None
    parts.extend(_sentence(text.replace(MODELS, _listing(models))) for text, models in told.items())
    ways = ways_out(names.assigner, refusals)
    if ways:
        parts.append(f"What helps: {'; or '.join(ways)}.")
    parts.append(keyless_hint(bound, kind))
    return ResolveError(_sentence(" ".join(part for part in parts if part)), reference=reference)


def unknown(names: Names, name: str, kind: Kind | None, *, reference: str | None = None) -> HandleNotFoundError:
    """Make the error for a name that nothing knows."""
    form, bare = split_reference(name)
    suggestions = nearest(bare, names.candidates(name, kind, presets=True))
    on_the_way = f' (on the way from "{reference}")' if reference not in (None, name) else ""
    hint = f"Did you mean {_listing(suggestions, ' or ')}?" if suggestions else ""
    hint = names.right_form(name, kind) or hint
    of_kind = f" of kind {kind}" if kind not in (None, "llm") else ""
    error = LLMPresetNotFoundError if form == "preset" else LLMHandleNotFoundError
    return (error if kind in (None, "llm") else HandleNotFoundError)(
        f'there is no {names.noun(form, presets=True)} "{bare}"{of_kind}{on_the_way}. {hint}'.rstrip(),
        reference=reference or name,
        kind=kind,
        suggestions=suggestions,
    )


def keyless_hint(bound: BoundDeck, kind: Kind) -> str:
    """Name the profiles that need no key, where no backend but the internal one is on."""
    if any(bound.profile.name in ways for ways in _KEYLESS.values()):
        return ""
    for backend in bound.backends.values():
        if backend.state == "on" and not backend.spec.only_when_named and backend.name != INTERNAL:
            return ""
    known = [name for name in _KEYLESS[kind] if name in bound.deck.profiles.profiles]
    if not known:
        return ""
    ways = " or ".join(f'"{name}" ({_KEYLESS[kind][name]})' for name in known)
    return f"Without a key, try the profile {ways}, as in PIPELEX_PROFILE={known[0]}."


def _listing(names: Iterable[str], last: str = " and ") -> str:
    quoted = [f'"{name}"' for name in names]
    more = len(quoted) - _MOST_LISTED
    if more > 1:
        return f"{', '.join(quoted[:_MOST_LISTED])} and {more} more"
    return ", ".join(quoted[:-1]) + last + quoted[-1] if len(quoted) > 1 else "".join(quoted)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].islower() and not text.startswith("profiles.") else text
