"""Templates filled in from an environment, and what is known of each: its value, what it lacks, what to hide."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING

from pipelex_like.deck import Name, Slot, Template
from pipelex_like.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import Origin, Scalar

Value = str | int | float | bool | Decimal

_SLOT = re.compile(r"\$\{([^}]*)\}")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MEANING = {"int": "a whole number", "float": "a number", "decimal": "a number", "bool": "true or false"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A template filled in: `text` is None where a variable is missing or nothing but blanks came out.

    `missing` are the variables without which there is no text, `found` those that gave something, `values` what
    they gave; defaults are neither.
    """

    text: str | None
    missing: tuple[Slot, ...] = ()
    found: tuple[str, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables and the text of secret files; a blank one counts as not set."""

    variables: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)

    def get(self, name: Name) -> str | None:
        """Give the value of a name, or None where it is not set."""
        source = self.variables if name.source == "env" else self.secrets
        value = source.get(name.name)
        return value if value and not value.isspace() else None

    def holds(self, name: str) -> bool:
        """Whether a variable, or else a secret file, of that name is set."""
        return self.get(Name("env", name)) is not None or self.get(Name("secret", name)) is not None

    def read(self, template: Template) -> Reading:
        """Fill a template in."""
        texts: list[str] = []
        missing: list[Slot] = []
        found: dict[str, str] = {}
        for part in template.parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            name, value = self._first(part)
            if value is not None:
                texts.append(value)
                found[name] = value
            elif part.default is None:
                missing.append(part)
            else:
                texts.append(part.default)
        text = "".join(texts)
        whole = text if text.strip() and not missing else None
        return Reading(whole, tuple(missing), tuple(found), tuple(found.values()))

    def _first(self, slot: Slot) -> tuple[str, str | None]:
        for name in slot.names:
            value = self.get(name)
            if value is not None:
                return plain_name(name), value
        return "", None


def coerce(text: str, scalar: Scalar) -> Value | None:
    """Give the text as a value of that type, or None where it is none. Numbers are finite."""
    text = text if scalar == "str" else text.strip()
    try:
        match scalar:
            case "str":
                return text
            case "int":
                return int(text)
            case "float":
                number = float(text)
                return number if isfinite(number) else None
            case "decimal":
                amount = Decimal(text)
                return amount if amount.is_finite() else None
            case "bool":
                return _FLAGS.get(text.lower())
    except (ValueError, InvalidOperation):
        return None


def misfit(template: Template, wanted: str | None = None) -> Problem:
    """Tell that what a variable holds is not of the type that its place needs, without telling the value."""
    names = " and ".join(slot_name(slot) for slot in template.slots)
    need = wanted or _MEANING.get(template.scalar, "a text")
    message = f"{template.text} must be {need}, and what {names} holds is not."
    return problem("error", "wrong-type", template.origin, message, f"Correct {names} where it is set.")


def problem(severity: str, code: str, origin: Origin, message: str, hint: str = "") -> Problem:
    """Make a problem at that place."""
    return Problem(
        severity="error" if severity == "error" else "warning",
        code=code,
        file=origin.file,
        key=origin.key,
        path=origin.path,
        message=message,
        hint=hint,
    )


def slot_name(slot: Slot) -> str:
    """Give the names of a slot as a reader says them: `A`, or `A or B`."""
    return " or ".join(plain_name(name) for name in slot.names)


def plain_name(name: Name) -> str:
    """Give a name as it is reported: a variable as it is, a secret file with its mark."""
    return name.name if name.source == "env" else f"secret:{name.name}"


def sdk_template(text: str, origin: Origin, scalar: Scalar) -> Template:
    """Read the template that an SDK declares for one of its keys (`${A|B:-default}`)."""
    parts: list[str | Slot] = []
    end = 0
    for match in _SLOT.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        names, colon, default = match.group(1).partition(":-")
        parts.append(Slot(tuple(Name("env", name) for name in names.split("|")), default if colon else None))
        end = match.end()
    if end < len(text):
        parts.append(text[end:])
    return Template(text, tuple(parts), origin, scalar)


def secrets_in(templates: Iterable[Template]) -> frozenset[str]:
    """Give the names of the secret files that templates ask for."""
    return frozenset(
        name.name for template in templates for slot in template.slots for name in slot.names if name.source == "secret"
    )


def set_sentence(names: Iterable[str]) -> str:
    """Say that variables are set: `A is set`, `A and B are set`."""
    listed = list(names)
    return f"{' and '.join(listed)} {'is' if len(listed) == 1 else 'are'} set"


def unset_sentence(slots: Iterable[str]) -> str:
    """Say that variables are missing: `A is not set`, `A and B are not set`."""
    listed = list(slots)
    return f"{' and '.join(listed)} {'is' if len(listed) == 1 else 'are'} not set"
