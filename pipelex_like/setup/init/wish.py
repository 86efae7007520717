"""What is wanted of a set-up, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from pipelex_like.setup.editing.changes import Change
    from pipelex_like.setup.init.facts import Provider
    from pipelex_like.setup.init.files import Keys

CHOICES: Mapping[str, Keys] = FrozenDict(
    {
        "text": ("llm", "choice_defaults", "for_text"),
        "object": ("llm", "choice_defaults", "for_object"),
        "extract": ("extract", "choice_default"),
        "image": ("img_gen", "choice_default"),
    }
)
"""The default choices that a set-up asks for, and where they stand in a deck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted. `backends` None: whoever has a key, the files as they are; a tuple: these, and no other.

    `values` are variables to keep in `.env`. `profile` None and an absent choice: as they are.
    """

    backends: tuple[str, ...] | None = None
    values: Mapping[str, str] = field(default=FrozenDict(), repr=False)
    profile: str | None = None
    choices: Mapping[str, str] = field(default=FrozenDict())
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A file to write. `ask`: somebody edited what stands there, so it is theirs to agree to the difference.

    `mode` are the permissions to give, `tightened` those of now if others may read a file of keys.
    """

    change: Change
    what: str = ""
    ask: bool = False
    mode: int | None = None
    tightened: int | None = None

    def write(self) -> None:
        """Write the file whole or not at all. Raises ConfigError if somebody changed it meanwhile."""
        self.change.write(self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in the order to take them, those that change nothing left out.

    `undone` are wishes that would not make a good configuration, each with its way out; `notes` tell the rest.
    """

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


def is_open(provider: Provider, wish: Wish) -> bool | None:
    """Whether one set of its keys is complete with the new ones; None where it needs none."""
    if not provider.ways:
        return None
    return any(all(key.found or wish.values.get(key.name) for key in way) for way in provider.ways)
