"""A value that a variable fills in when the deck is bound to an environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipelex_like.types.origin import Origin

Scalar = Literal["str", "int", "float", "bool", "decimal"]


@dataclass(frozen=True, slots=True)
class Name:
    """One name in a `${...}`: an environment variable, or a file in PIPELEX_SECRETS_DIR."""

    source: Literal["env", "secret"]
    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One `${A|B:-default}`: the names in order, and the default, None where none was given."""

    names: tuple[Name, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A string with variables in it, as written in `text`; `scalar` is the type that the filled value must have."""

    text: str
    parts: tuple[str | Slot, ...]
    origin: Origin
    scalar: Scalar = "str"

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The variables of the template in order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    def __str__(self) -> str:
        return self.text
