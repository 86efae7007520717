"""The TOML files of a set-up while it is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.editing.changes import Change
from pipelex_like.setup.editing.desk import Desk
from pipelex_like.setup.editing.outlook import Outlook, outlook
from pipelex_like.setup.init.files import BACKENDS, OVERRIDES, ROUTING, is_untouched, kit_files, whole, with_values
from pipelex_like.setup.init.wish import CHOICES, Step, Wish, is_open
from pipelex_like.types import dotted, is_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelex_like.documents import RawDocument
    from pipelex_like.setup.init.facts import Facts
    from pipelex_like.setup.init.files import Keys


class Sketch:
    """The TOML files of a plan while it is made."""

    def __init__(self, facts: Facts, wish: Wish) -> None:
        self.facts, self.wish = facts, wish
        self.full = wish.full or facts.alone
        self.folder = facts.place.directory
        self.desk = Desk(place=facts.place, environ=facts.environ, before=facts.before)
        self.texts: dict[Path, str] = dict(facts.texts)

    def steps(self) -> list[Step]:
        """Give a step for each file that would differ."""
        found: list[Step] = []
        for path in sorted(self.texts, key=lambda path: (len(path.parts), str(path))):
            change = Change(path=path, before=self.facts.texts.get(path), after=self.texts[path])
            if change:
                edited = change.before is not None and not is_untouched(self._name(path), change.before)
                found.append(Step(change=change, ask=edited))
        return found

    def look(self, profile: str | None) -> Outlook:
        """Load what is planned, in an environment that has the new keys."""
        return look_ahead(self.facts, self.wish, self.steps(), profile)

    def draft(self, name: str, values: Mapping[Keys, object], path: Path | None = None) -> None:
        """Put values into a file, as a set-up writes it where nobody edited it."""
        path = path or self.folder / name
        try:
            self.texts[path] = with_values(self._name(path), self.texts.get(path), values, full=self.full)
        except ValueError as error:
            raise ConfigError([_unfit(self.facts.show(path), str(error))]) from error

    def copy_kit(self) -> None:
        """Take over all of the kit, with what stands here on top of it."""
        for name in kit_files():
            path = self.folder / name
            self.texts[path] = whole(name, self.texts.get(path))

    def set_backends(self) -> None:
        """Switch on who was chosen and is off, and off who has a key and was not chosen."""
        if self.wish.backends is None:
            return
        values: dict[Path, dict[Keys, object]] = {}
        for provider in self.facts.providers:
            picked = provider.name in self.wish.backends
            if picked and provider.off:
                state: object = "auto" if provider.ways else True
            elif not picked and not provider.off and (provider.begun or is_open(provider, self.wish)):
                state = False
            else:
                continue
            keys = (provider.name, "enabled")
            path = self._home(self.facts.before.loaded.documents.backends, keys, BACKENDS)
            values.setdefault(path, {})[keys] = state
        for path, changed in values.items():
            self.draft(BACKENDS, changed, path)

    def set_choices(self) -> None:
        """Write the default choices that are others than those in force."""
        deck = self.facts.deck.deck.choices
        now = {
            keys: choice.reference for keys, choice in ((_keys(kind, slot), deck[kind, slot]) for kind, slot in deck)
        }
        values: dict[Path, dict[Keys, object]] = {}
        for name, reference in self.wish.choices.items():
            keys = CHOICES[name]
            if now.get(keys) != reference:
                path = self._home(self.facts.before.loaded.documents.deck, keys, OVERRIDES)
                values.setdefault(path, {})[keys] = reference
        for path, changed in values.items():
            self.draft(OVERRIDES, changed, path)

    def set_profile(self) -> tuple[str, ...]:
        """Put the profile in force; give why not, where its default would serve nobody."""
        name = self.wish.profile
        if name is None or name == self.facts.active:
            return ()
        kept = dict(self.texts)
        path = self._home(self.facts.before.loaded.documents.routing, ("active",), ROUTING)
        self.draft(ROUTING, {("active",): name}, path)
        problems = self.look(name).problems
        fault = next((each for each in problems if each.code == "disabled-default"), None)
        if fault is not None:
            self.texts = kept
            return (f'the profile "{name}" is not put in force: {fault.message} {fault.hint}'.rstrip(),)
        idle = [each.path for each in problems if each.code == "route-to-disabled-backend" and "routes" in each.path]
        self._soften(path, name, [str(keys[-1]) for keys in idle])
        return ()

    def _soften(self, path: Path, profile: str, patterns: Sequence[str]) -> None:
        """Make routes that lead to nobody optional: they count as soon as their provider has a key."""
        routes = {rule.pattern: rule.backend for rule in self.facts.deck.deck.profiles.profiles[profile].rules}
        values: dict[Keys, object] = {
            ("profiles", profile, "optional_routes", pattern): routes[pattern] for pattern in patterns
        }
        if not values:
            return
        if self.full:
            values |= {("profiles", profile, "routes", pattern): None for pattern in patterns}
        else:
            old = self.desk.value_in(path, ("unset",)) if path in self.facts.texts else None
            gone = [dotted(("profiles", profile, "routes", pattern)) for pattern in patterns]
            values = {("unset",): list(dict.fromkeys([*(old if is_list(old) else []), *gone])), **values}
        self.draft(ROUTING, values, path)

    def _home(self, document: RawDocument, keys: Keys, name: str) -> Path:
        """Give the file where a key is to be set: the one that has it, if it is of this directory."""
        standing = None if self.wish.full and not self.facts.alone else self.desk.standing(document, keys)
        return standing[0].path if standing else self.folder / name

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def look_ahead(facts: Facts, wish: Wish, steps: Sequence[Step], profile: str | None = None) -> Outlook:
    """Load the directory as it would be after these steps, with the new keys."""
    environ = {**facts.environ, **wish.values}
    changes = [step.change for step in steps if step.change.path.suffix == ".toml"]
    return outlook(facts.place, changes, environ, profile=profile, env_file=facts.env_file)


def _keys(kind: str, slot: str) -> Keys:
    return ("llm", "choice_defaults", slot) if kind == "llm" else (kind, "choice_default")


def _unfit(shown: str, message: str) -> Problem:
    hint = "Look at it; `pipelex-like validate` tells more."
    return Problem(severity="error", code="cannot-edit", file=shown, message=f"{message}.", hint=hint)
