"""Which variables were seen, where they are set, what each did, and what looks wrong with it. No value is kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.deck import Template
from pipelex_like.routing.models import templates_of
from pipelex_like.setup.doctor.env import ENVIRONMENT
from pipelex_like.setup.doctor.facts import Variable
from pipelex_like.setup.placeholders import looks_like_placeholder
from pipelex_like.specs.templates import parse_template
from pipelex_like.workers.told import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.deck import Backend, BackendSpec, BoundDeck, ModelDeck, Slot
    from pipelex_like.setup.doctor.env import Settings

_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_IN_KIT = re.compile(r"\$\{(?:env:)?([A-Z0-9_|]+)(?::-[^}]*)?\}")
_MOST_NAMES = 8
_OWN: Mapping[str, str] = {
    "PIPELEX_CONFIG_DIR": "names the directory of the configuration",
    "PIPELEX_PROFILE": "names the profile",
    "PIPELEX_ENV": "names the environment",
    "PIPELEX_SECRETS_DIR": "names the folder that ${secret:NAME} is read from",
}


@dataclass(frozen=True, slots=True)
class Use:
    """A key of a backend that a variable fills in; `slot` has the variables that come before it."""

    backend: str
    key: str
    secret: bool
    slot: Slot | None = None


def uses_of(deck: ModelDeck) -> dict[str, list[Use]]:
    """Give every variable that the backends of a deck name, and what for."""
    found: dict[str, list[Use]] = {}
    for spec in deck.backends.values():
        for key, template, secret in _templates(spec, deck):
            for slot in template.slots:
                for name in slot.names:
                    if name.source == "env":
                        found.setdefault(name.name, []).append(Use(spec.name, key, secret, slot))
        for name in (name for way in spec.required or () for name in way):
            if not any(use.backend == spec.name for use in found.get(name, ())):
                found.setdefault(name, []).append(Use(spec.name, "required", secret=False))
    return found


def _templates(spec: BackendSpec, deck: ModelDeck) -> Iterator[tuple[str, Template, bool]]:
    known = {key.name: key for sdk in spec.sdks if sdk in deck.sdks for key in deck.sdks[sdk].keys}
    for name in dict.fromkeys((*spec.keys, *known)):
        key = known.get(name)
        value = spec.keys.get(name)
        if value is None and key is not None and key.template is not None:
            value = parse_template(key.template, spec.origin)
        if isinstance(value, Template):
            yield name, value, key.secret if key is not None else bool(_CREDENTIAL.search(name))
    for name, value in spec.headers.items():
        if isinstance(value, Template):
            yield f"headers.{name}", value, bool(_CREDENTIAL.search(name))
    plain = {
        "enabled": spec.enabled,
        "proxy": spec.proxy,
        "ca_file": spec.ca_file,
        "models": spec.models,
        "model_providers": spec.model_providers,
        "policy": spec.policy,
        "a model": deck.specs.get(spec.name),
    }
    for name, value in plain.items():
        yield from ((name, template, name == "proxy") for template in templates_of(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the variables are looked at with. `chosen_by` and `profile_from` say what chose directory and profile;
    `alone` = the directory inherits nothing of the kit."""

    deck: BoundDeck
    settings: Settings
    chosen_by: str
    profile_from: str
    alone: bool


def variables_of(look: Look, uses: Mapping[str, Sequence[Use]]) -> tuple[Variable, ...]:
    """Give every variable that is set and that this configuration, the kit, or the choice of either reads."""
    set_here = look.settings.places
    names = [name for name in (*_OWN, *uses) if name in set_here]
    found = [_variable(look, name, uses.get(name, ())) for name in dict.fromkeys(names)]
    if look.alone:
        others = {name: backends for name, backends in _kit_names().items() if name in set_here and name not in uses}
        found += [_of_kit(look, name, backends) for name, backends in others.items()]
    return tuple(found)


def _variable(look: Look, name: str, uses: Sequence[Use]) -> Variable:
    first, *others = look.settings.places[name]
    does = [_own(look, name, first.where)] if name in _OWN else []
    told = [_does(look, name, use) for use in {(use.backend, use.key): use for use in uses}.values()]
    acting = any(acts for _, acts in told)
    # What it would do for backends that are off is told only where it does nothing else.
    does += [said for said, acts in told if acts or not acting]
    does += [f"{other.where} sets it too, and gives way" for other in others]
    secret = any(use.secret for use in uses)
    return Variable(
        name=name,
        where=first.where,
        length=len(first.value),
        does=tuple(does),
        has_effect=acting or (name in _OWN and "no effect" not in does[0]),
        remarks=remarks_on(first.value, secret=secret),
    )


def _of_kit(look: Look, name: str, backends: Sequence[str]) -> Variable:
    first = look.settings.places[name][0]
    said = f"has no effect: this directory stands alone, and none of its files reads it (the kit's {backends[0]} does)"
    return Variable(name=name, where=first.where, length=len(first.value), does=(said,), has_effect=False)


def _own(look: Look, name: str, where: str) -> str:
    beaten = {
        "PIPELEX_CONFIG_DIR": where != ENVIRONMENT or "PIPELEX_CONFIG_DIR" not in look.chosen_by,
        "PIPELEX_PROFILE": look.profile_from != "PIPELEX_PROFILE",
    }
    if beaten.get(name):
        return "has no effect: the command names another"
    return _OWN[name]


def _does(look: Look, name: str, use: Use) -> tuple[str, bool]:
    """Say what a variable does for one key, and whether that has an effect."""
    backend = look.deck.backends[use.backend]
    before = _before(look, name, use)
    if before:
        return f"{use.key} of {use.backend}: gives way to {before}", False
    if backend.state == "off":
        return f"{_role(use)} {use.backend}, which is off: {backend.reason}", False
    state = "" if backend.state == "on" else f", which is broken: {backend.reason}"
    return f"{_role(use)} {use.backend}{_declared(look, backend, use)}{state}", True


def _role(use: Use) -> str:
    return "needed by" if use.key == "required" else f"{use.key} of"


def _before(look: Look, name: str, use: Use) -> str:
    names = [other.name for other in use.slot.names if other.source == "env"] if use.slot is not None else []
    first = next((other for other in names if other in look.settings.places), name)
    return "" if first == name else first


def _declared(look: Look, backend: Backend, use: Use) -> str:
    """Say what came of a list of models or providers."""
    if use.key == "models":
        return f": declares {_named(list(backend.models), 'model')}"
    if use.key == "model_providers":
        named = f": names the provider of {_named(list(backend.model_providers), 'model')}"
        known = look.deck.handles.keys() | look.deck.model_ids.keys()
        lost = [name for name in backend.model_providers if name not in known and "/" not in name]
        return f"{named}; nothing is known as {', '.join(map(_shown, lost))}" if lost else named
    return ""


def _named(names: list[str], what: str) -> str:
    more = f", and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    listed = f" ({', '.join(map(_shown, names[:_MOST_NAMES]))}{more})" if names else ""
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}{listed}"


def _shown(name: str) -> str:
    return redacted(name, ())


def remarks_on(value: str, *, secret: bool) -> tuple[str, ...]:
    """Say what looks wrong with the text of a variable, without telling it."""
    text = value.strip()
    found: list[str] = []
    if text != value:
        found.append("has blanks around it, which are left out")
    if text[:1] in "'\"" or text[-1:] in "'\"":
        found.append("has quotation marks in it, which count as part of it: take them out")
    if "\n" in text or "\r" in text:
        found.append("has line breaks in it")
    elif any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        found.append("has control characters in it")
    if not secret:
        return tuple(found)
    if looks_like_placeholder(text):
        found.append("looks like a placeholder, not like a key")
    if " " in text:
        found.append("has blanks inside, and keys have none")
    if not text.isascii():
        found.append("has letters that no key has, perhaps a dash or quotation mark that was pasted along")
    return tuple(found)


def _kit_names() -> dict[str, list[str]]:
    """Give the variables that the packaged kit names, with the backends that read them."""
    found: dict[str, list[str]] = {}
    tables: dict[str, object] = tomllib.loads((KIT / "backends.toml").read_text("utf-8"))
    for backend, table in tables.items():
        for names in _IN_KIT.findall(repr(table)):
            for name in str(names).split("|"):
                found.setdefault(name, []).append(backend)
    return found
