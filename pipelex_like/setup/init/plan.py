"""Plan a set-up: from what is there and what is wanted to the files as they would be. Nothing is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.errors import ConfigError, did_you_mean
from pipelex_like.setup.editing.changes import new_errors
from pipelex_like.setup.editing.edits import RefusedEditError
from pipelex_like.setup.init.dotenv_file import OTHERS, OWNER_ONLY, Entry, changed_env
from pipelex_like.setup.init.files import BACKENDS
from pipelex_like.setup.init.gitignore import ACCOUNTS, changed_gitignore
from pipelex_like.setup.init.sketch import Sketch, look_ahead
from pipelex_like.setup.init.wish import CHOICES, Plan, Step, Wish, is_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelex_like.setup.init.facts import Facts, Provider

__all__ = ["CHOICES", "Plan", "Step", "Wish", "chosen", "known_profile", "lacking", "plan"]

ENV_OPENING = "Keys, one NAME=value a line; `pipelex-like backends` names the variables. Never commit this file."


def plan(facts: Facts, wish: Wish) -> Plan:
    """Plan the files. Raises ConfigError where what stands there cannot be changed, or the result would not load."""
    sketch = Sketch(facts, wish)
    if wish.full and not facts.alone:
        sketch.copy_kit()
    elif facts.fresh:
        sketch.draft(BACKENDS, {})
    sketch.set_backends()
    sketch.set_choices()
    undone = sketch.set_profile()
    refuse_errors(facts, wish, sketch.steps())
    steps = (*_guards(facts, wish), *sketch.steps())
    notes = ["this directory stands alone already, so --full adds nothing"] if wish.full and facts.alone else []
    return Plan(steps=steps, notes=tuple(notes), undone=undone)


def refuse_errors(facts: Facts, wish: Wish, steps: Sequence[Step]) -> None:
    """Raise ConfigError if the configuration would not load with these steps taken, and no other."""
    if not any(step.change.path.suffix == ".toml" for step in steps):
        return
    errors = new_errors(facts.before.problems, look_ahead(facts, wish, steps).problems)
    if errors:
        raise ConfigError(errors)


def chosen(facts: Facts, names: Sequence[str]) -> tuple[str, ...]:
    """Give the backends of these names, further names followed. Raises RefusedEditError with the nearest."""
    others = {other: provider.name for provider in facts.providers for other in provider.other_names}
    known = [provider.name for provider in facts.providers]
    found: dict[str, None] = {}
    for name in names:
        real = name if name in known else others.get(name)
        if real is None:
            hint = did_you_mean(name, [*known, *others]) or f"There are {', '.join(known)}."
            raise RefusedEditError(f'no backend is named "{name}". {hint}')
        found[real] = None
    return tuple(found)


def known_profile(facts: Facts, name: str) -> str:
    """Give the profile's name back. Raises RefusedEditError with the nearest."""
    known = facts.deck.deck.profiles.profiles
    if name not in known:
        hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
        raise RefusedEditError(f'no profile is named "{name}". {hint}')
    return name


def lacking(facts: Facts, wish: Wish) -> list[Provider]:
    """Give the chosen providers that have no complete set of keys yet."""
    return [each for each in facts.providers if each.name in (wish.backends or ()) and is_open(each, wish) is False]


def _guards(facts: Facts, wish: Wish) -> list[Step]:
    """Plan `.gitignore`, then `.env`: what keeps a key out of a repository stands before the key does."""
    entries = _entries(facts, wish)
    env = changed_env(facts.env_path, entries, ENV_OPENING)
    steps: list[Step] = []
    root = facts.place.root
    inside = facts.env_path.is_relative_to(root)
    lines = ((facts.env_path.relative_to(root).as_posix(),) if inside else ()) + ACCOUNTS
    ignoring = changed_gitignore(root / ".gitignore", lines)
    if ignoring:
        steps.append(Step(change=ignoring, what="keeps keys and accounts out of the repository"))
    old = facts.env_mode
    mode = OWNER_ONLY if old is None else old & ~OTHERS
    loose = old is not None and bool(old & OTHERS)
    wanted = entries or not any(provider.ready for provider in facts.providers)
    if loose or (env and wanted):
        names = [entry.name for entry in entries if entry.value]
        blank = [entry.name for entry in entries if not entry.value]
        parts = [", ".join(names), f"to be filled in: {', '.join(blank)}" if blank else ""]
        what = "; ".join(part for part in parts if part)
        steps.append(Step(change=env, what=what, mode=mode, tightened=old if loose else None))
    return steps


def _entries(facts: Facts, wish: Wish) -> list[Entry]:
    entries: dict[str, Entry] = {}
    for provider in facts.providers:
        comment = f"{provider.title}: {provider.key_url}" if provider.key_url else provider.title
        for name in [key.name for way in provider.ways for key in way if key.name in wish.values]:
            entries.setdefault(name, Entry(name, wish.values[name], comment))
            comment = ""
    for provider in lacking(facts, wish):
        comment = f"{provider.title}: {provider.key_url}" if provider.key_url else provider.title
        for key in provider.ways[0]:
            if not key.found and key.name not in entries:
                entries[key.name] = Entry(key.name, "", comment)
                comment = ""
    return list(entries.values())
