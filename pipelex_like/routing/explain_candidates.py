"""A candidate told: what is sent to it and who said so, what is left out, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelex_like.deck import Template
from pipelex_like.routing.explain_policy import governed
from pipelex_like.routing.explanation import Lost, Setting, Step, Told
from pipelex_like.routing.flatten import DIRECT
from pipelex_like.routing.leaves import EXCLUSIVE
from pipelex_like.types import is_list, is_table, thaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipelex_like.deck import BoundDeck, Candidate, Origin, Route
    from pipelex_like.routing.assign import Locate
    from pipelex_like.routing.leaves import Hop

_CALLERS = {"call": "the call", "inline table": "the inline table"}
_SPEC = "its spec"


def said_by(hop: Hop) -> str:
    """Name a step of the way as the one who said something: `preset "x"`, `the call`."""
    return _CALLERS.get(hop.what) or f'{hop.what} "{hop.name}"'


def as_toml(value: object) -> str:
    """Write a value of a setting for people."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    return f'"{value}"' if isinstance(value, str) else str(thaw(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateTeller:
    """Tells of a route's candidate. `own` are the steps on its own way, the outermost first, `hops` those on the way of
    all candidates; `locate` finds the line of a path in a file."""

    bound: BoundDeck
    route: Route
    candidate: Candidate
    own: Sequence[Hop]
    hops: Sequence[Hop]
    locate: Locate | None

    def tell(self, number: int) -> Told:
        """Tell of it as the candidate of that number, from 1."""
        made, sent = self.candidate, _sent(self.bound, self.candidate)
        text = f'candidate {number}: "{made.backend}" with model id "{made.model_id}" through {made.sdk}'
        policy = governed(self.bound, self.route, made, self.hops)
        return Told(
            candidate=made,
            head=Step(text, made.spec.origin, "chosen" if number == 1 else "info").located(self.locate),
            settings=tuple(self._settings(sent)),
            notes=tuple(step.located(self.locate) for step in (*self._notes(), *self._gateway())),
            policy=tuple(replace(row, step=row.step.located(self.locate)) for row in policy),
            shown={
                "handle": made.handle,
                "backend": made.backend,
                "model_id": made.model_id,
                "sdk": made.sdk,
                "settings": sent,
            },
        )

    def _settings(self, sent: Mapping[str, object]) -> Iterator[Setting]:
        for name, value in sent.items():
            if name == "extra" and is_table(value):
                for key, item in value.items():
                    yield self._setting(f"extra.{key}", item, list(self._extras(key, item)))
            else:
                yield self._setting(name, value, list(self._said(name)))

    def _setting(self, name: str, value: object, said: Sequence[tuple[str, object, str, Origin | None]]) -> Setting:
        """Make the setting: the first that said something counts, the others lost to it."""
        (_, given, source, origin), *others = said or [(name, value, _SPEC, self.candidate.spec.origin)]
        lost = (
            Lost(
                thaw(was),
                by,
                Step(f"{other} = {as_toml(was)}, from {by}, gives way", at, "lost", depth=2).located(self.locate),
            )
            for other, was, by, at in others
        )
        step = Step(f"{name} = {as_toml(value)}, from {source}", origin, depth=1)
        return Setting(
            name=name,
            value=value,
            given=thaw(given),
            source=source,
            step=step.located(self.locate),
            lost=tuple(lost),
        )

    def _said(self, name: str) -> Iterator[tuple[str, object, str, Origin | None]]:
        """Give who said something of a setting, or of the one that it takes away, the nearest to the caller first."""
        names, met = [name, *([EXCLUSIVE[name]] if name in EXCLUSIVE else [])], False
        for hop in self.own:
            for one in names:
                if one in hop.settings and (met or one == name):
                    met = True
                    yield one, hop.settings[one], said_by(hop), hop.origins.get(one, hop.origin)

    def _extras(self, key: str, sent: object) -> Iterator[tuple[str, object, str, Origin | None]]:
        name = f"extra.{key}"
        for hop in self.own:
            extra = hop.settings.get("extra")
            if is_table(extra) and key in extra:
                yield name, extra[key], said_by(hop), hop.origins.get("extra", hop.origin)
        spec = self.candidate.spec
        if key in spec.extra:
            written = _written_extra(self.bound, self.candidate).get(key, sent)
            yield name, written, _SPEC, spec.origin

    def _notes(self) -> Iterator[Step]:
        candidate = self.candidate
        unsaid = dict.fromkeys(name for hop in self.own for name in hop.settings if name not in candidate.given)
        for name in unsaid:
            hop = next(hop for hop in self.own if name in hop.settings)
            if hop.settings[name] is None:
                yield Step(f"{name}: none is sent, says {said_by(hop)}", hop.origins.get(name, hop.origin), depth=1)
        for line in candidate.adapted:
            yield Step(f"adapted: {line}", candidate.spec.origin, depth=1)
        if candidate.broken is not None:
            why = f'a call fails: backend "{candidate.backend}" is broken: {candidate.broken}'
            yield Step(why, depth=1)

    def _gateway(self) -> Iterator[Step]:
        """Tell of the gateway that its requests go through, or why a profile's does not count for it."""
        candidate, profile = self.candidate, self.bound.profile
        held = self.bound.backends[candidate.backend]
        own = held.spec.via
        origin = profile.where("via") if own is None else held.spec.where("via")
        if candidate.via is not None:
            yield Step(f'its requests go through "{candidate.via}"', origin, depth=1)
        elif held.via is not None and candidate.sdk in held.via.endpoints:
            yield Step(f'its requests go direct, since provider = "{DIRECT}" says so', depth=1)
        elif own == DIRECT:
            yield Step(f'its requests go direct, since via = "{DIRECT}" says so', origin, depth=1)
        elif profile.via not in (None, DIRECT) and candidate.broken is None:
            yield Step(f'its requests go direct, since "{profile.via}" has no address for it', origin, depth=1)


def _sent(bound: BoundDeck, candidate: Candidate) -> dict[str, object]:
    """Give the settings as plain values, with those of the spec's `extra` that a variable filled in as templates."""
    shown = {name: thaw(value) for name, value in candidate.settings.items()}
    extra = shown.get("extra")
    if is_table(extra):
        own, written = candidate.given.get("extra"), _written_extra(bound, candidate)
        own_keys = own if is_table(own) else {}
        shown["extra"] = {key: value if key in own_keys else written.get(key, value) for key, value in extra.items()}
    return shown


def _written_extra(bound: BoundDeck, candidate: Candidate) -> Mapping[str, object]:
    """Give the spec's `extra` with variables as templates."""
    models = bound.deck.specs.get(candidate.backend)
    written = models.get(candidate.handle) if models is not None else None
    extra = candidate.spec.extra if written is None or not written.templated else written.extra
    return {key: _untemplated(value) for key, value in extra.items()}


def _untemplated(value: object) -> object:
    if isinstance(value, Template):
        return value.text
    if is_table(value):
        return {key: _untemplated(item) for key, item in value.items()}
    return [_untemplated(item) for item in value] if is_list(value) else value
