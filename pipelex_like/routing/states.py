"""Whether a backend is on, off or broken here, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelex_like.deck import Name, Slot, Template
from pipelex_like.routing.profile import binds, ruled_out
from pipelex_like.routing.variables import (
    coerce,
    misfit,
    plain_name,
    problem,
    set_sentence,
    slot_name,
    unset_sentence,
)

if TYPE_CHECKING:
    from pipelex_like.deck import BackendSpec, Profile, SdkSettings, State
    from pipelex_like.errors import Problem
    from pipelex_like.routing.access import Access
    from pipelex_like.routing.variables import Environment


@dataclass(frozen=True, slots=True)
class Need:
    """One set of what suffices to call: the variables of it that are set, those it lacks, and the keys of the table
    that no variable could give."""

    given: tuple[str, ...]
    lack: tuple[Slot, ...]
    absent: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lack and not self.absent


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a backend, as `Backend` keeps it, and what is wrong with it."""

    state: State
    reason: str
    missing: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A backend to be judged."""

    spec: BackendSpec
    sdks: tuple[SdkSettings, ...]
    access: Access
    environment: Environment
    profile: Profile
    lenient: bool


def judge(case: Case) -> Verdict:
    """Decide the state of a backend."""
    enabled, faults = _enabled(case)
    if faults:
        return Verdict("broken", f"enabled = {case.spec.enabled} is neither true nor false", problems=faults)
    if enabled is False:
        return Verdict("off", _switched_off(case))
    key = ruled_out(case.profile, case.spec.name)
    if key is not None:
        return Verdict("off", f'the profile "{case.profile.name}" rules it out ({key})', problems=faults)
    needs = _needs(case)
    if enabled == "auto":
        return _judge_auto(case, needs, faults)
    return _judge_true(case, needs, faults)


def _switched_off(case: Case) -> str:
    enabled = case.spec.enabled
    if not isinstance(enabled, Template):
        return "enabled = false"
    missing = case.environment.read(enabled).missing
    why = f", and {unset_sentence(slot_name(slot) for slot in missing)}" if missing else ""
    return f"enabled = {enabled}{why}"


def _enabled(case: Case) -> tuple[bool | Literal["auto"], tuple[Problem, ...]]:
    enabled = case.spec.enabled
    if not isinstance(enabled, Template):
        return enabled, ()
    text = case.environment.read(enabled).text
    if text is None:
        return False, ()
    if text.strip().lower() == "auto":
        return "auto", ()
    flag = coerce(text, "bool")
    if isinstance(flag, bool):
        return flag, ()
    return False, (misfit(enabled, 'true, false or "auto"'),)


def _needs(case: Case) -> list[Need]:
    if case.spec.required is not None:
        holds = case.environment.holds
        return [
            Need(
                tuple(name for name in names if holds(name)),
                tuple(Slot((Name("env", name),)) for name in names if not holds(name)),
            )
            for names in case.spec.required
        ]
    sets = dict.fromkeys(keys for sdk in case.sdks for keys in sdk.required)
    return [_need(keys, case.access) for keys in sets]


def _need(keys: tuple[str, ...], access: Access) -> Need:
    given: dict[str, None] = {}
    lack: dict[Slot, None] = {}
    absent: list[str] = []
    for key in keys:
        given.update(dict.fromkeys(access.live.get(key, ())))
        if key in access.keys:
            continue
        slots = access.missing[key][1] if key in access.missing else access.wanting.get(key, ())
        lack.update(dict.fromkeys(slots))
        if not slots:
            absent.append(key)
    return Need(tuple(given), tuple(lack), tuple(absent))


def _judge_auto(case: Case, needs: list[Need], faults: tuple[Problem, ...]) -> Verdict:
    spec = case.spec
    if not needs:
        message = f'backend "{spec.name}" cannot be "auto": its SDK requires no key to go by. It stays off.'
        fault = problem("warning", "auto-without-keys", spec.where("enabled"), message, "Write enabled = true.")
        return Verdict("off", 'enabled = "auto", and no key is required to go by', problems=(*faults, fault))
    ready = next((need for need in needs if need.complete), None)
    if ready is not None:
        return Verdict("on", set_sentence(ready.given) if ready.given else "its keys are complete", problems=faults)
    ways = tuple(need.lack for need in needs if need.lack and not need.absent)
    begun = next((need for need in needs if need.given and need.lack), None)
    if begun is not None:
        reason = f"{ways_sentence((begun.lack,))}, while {set_sentence(begun.given)}"
        message = f'backend "{spec.name}": {reason}.'
        fault = problem("warning", "incomplete-credentials", spec.origin, message, key_hint(spec))
        return _without("broken", reason, _first(begun.lack, ways), (*faults, fault))
    if not ways:
        return Verdict("off", f"its table has no {' and '.join(needs[0].absent)}", problems=faults)
    return _without("off", ways_sentence(ways), ways, faults)


def _judge_true(case: Case, needs: list[Need], faults: tuple[Problem, ...]) -> Verdict:
    lack: tuple[Slot, ...] = ()
    ways: tuple[tuple[Slot, ...], ...] = ()
    # A key that no variable gives is not held against a backend that was switched on by hand (a server without keys).
    if needs and all(need.lack for need in needs):
        lack = next((need for need in needs if need.given), needs[0]).lack
        ways = tuple(need.lack for need in needs)
    gaps = _gaps(case, needs)
    missing = tuple(dict.fromkeys((*lack, *gaps)))
    if not missing:
        return Verdict("on", "enabled = true", problems=faults)
    rest = tuple(slot for slot in missing if slot not in lack)
    ways = tuple((*way, *(slot for slot in rest if slot not in way)) for way in _first(lack, ways))
    problems = _lacking_all(case, ways) if missing == lack and len(ways) > 1 else _lacking(case, missing)
    return _without("broken", ways_sentence((missing,)), ways, (*faults, *problems))


def _without(state: State, reason: str, ways: tuple[tuple[Slot, ...], ...], problems: tuple[Problem, ...]) -> Verdict:
    names = tuple(tuple(plain_name(slot.names[0]) for slot in way) for way in ways)
    return Verdict(state, reason, names[0], names, problems)


def _first(way: tuple[Slot, ...], ways: tuple[tuple[Slot, ...], ...]) -> tuple[tuple[Slot, ...], ...]:
    return (way, *(other for other in ways if other != way))


def _gaps(case: Case, needs: list[Need]) -> tuple[Slot, ...]:
    """Give the variables that the table names in vain. Where several sets of keys would each suffice, the keys of
    these do not count; nor does any where the table says itself what it requires."""
    if case.spec.required is not None:
        return ()
    optional = {key for sdk in case.sdks for keys in sdk.required for key in keys} if len(needs) > 1 else set[str]()
    return tuple(slot for key, (_, slots) in case.access.missing.items() if key not in optional for slot in slots)


def _severity(case: Case) -> str:
    return "error" if binds(case.profile, case.spec.name) and not case.lenient else "warning"


def _lacking_all(case: Case, ways: tuple[tuple[Slot, ...], ...]) -> list[Problem]:
    """Tell in one problem that none of several sets is there, so that nobody takes the first for the only one."""
    spec, message = case.spec, f'backend "{case.spec.name}" is enabled, but {ways_sentence(ways)}.'
    hint = key_hint(spec) or f'Set one of them, or write enabled = false (or "auto") for "{spec.name}".'
    return [problem(_severity(case), "missing-variable", spec.where("enabled"), message, hint)]


def _lacking(case: Case, missing: tuple[Slot, ...]) -> list[Problem]:
    spec, severity = case.spec, _severity(case)
    places = {slot: template.origin for template, slots in case.access.missing.values() for slot in slots}
    return [
        problem(
            severity,
            "missing-variable",
            places.get(slot) or spec.where("enabled"),
            f'backend "{spec.name}" is enabled, but {slot_name(slot)} is not set.',
            key_hint(spec) or f'{_way_to(slot)}, or write enabled = false (or "auto") for "{spec.name}".',
        )
        for slot in missing
    ]


def _way_to(slot: Slot) -> str:
    secret = next((name.name for name in slot.names if name.source == "secret"), None)
    return "Set it" if secret is None else f'Put it into a file "{secret}" in the folder PIPELEX_SECRETS_DIR'


def key_hint(spec: BackendSpec) -> str:
    """Say where to get a key and how it looks, where the backend tells."""
    where = f"Get a key at {spec.key_url}." if spec.key_url else ""
    look = f"It looks like {spec.key_hint}." if spec.key_hint else ""
    return " ".join(part for part in (where, look) if part)


def ways_sentence(ways: tuple[tuple[Slot, ...], ...]) -> str:
    """Say what is missing where several sets of variables would each suffice."""
    if len(ways) == 1:
        return unset_sentence(slot_name(slot) for slot in ways[0])
    named = [" and ".join(slot_name(slot) for slot in way) for way in ways]
    return f"none of these is set: {'; '.join(named)}"
