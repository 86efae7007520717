"""What `doctor` finds, as values: `to_dict` is the shape that `doctor --json` promises (docs/doctor.md)."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Literal

from pipelex_like.errors import Problem
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from pipelex_like.deck import State
    from pipelex_like.types import Kind

Outcome = Literal[
    "accepted",
    "open",
    "unclear",
    "denied",
    "rate_limited",
    "skipped",
    "refused",
    "quota",
    "unreachable",
    "late",
    "failed",
]
FAILED: frozenset[Outcome] = frozenset({"refused", "quota", "unreachable", "late", "failed"})
"""Outcomes after which a call would not be answered either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A distribution that an extra brings. `needed` is the least version, `installed` None where it is missing."""

    name: str
    needed: str
    installed: str | None
    state: Literal["ok", "missing", "too old"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """An extra of pipelex-like that brings an SDK. `install` is the command that mends it, empty where nothing is
    wrong; `backends` are those that are on and need it."""

    name: str
    state: Literal["ok", "missing", "too old"]
    packages: tuple[Package, ...]
    install: str = ""
    backends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """A file of variables that is read where it is there. `variables` counts those that it sets."""

    file: str
    found: bool
    variables: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Where the configuration comes from. `layers` are the directories, the nearest first; `files` counts the TOML
    files; `profile` is None where none is in force."""

    directory: str
    chosen_by: str
    root: str
    layers: tuple[str, ...]
    files: int
    env_files: tuple[EnvFile, ...]
    environment: str | None
    environment_files: tuple[str, ...]
    profile: str | None
    profile_from: str
    profiles: tuple[str, ...]
    loads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable that is set. `where` is `environment` or a `.env` file with its line; `length` counts characters;
    `does` says what it did, `remarks` what looks wrong with its text. The text itself is not kept."""

    name: str
    where: str
    length: int
    does: tuple[str, ...]
    has_effect: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A variable that is set and that SDKs read by themselves elsewhere; `instead` says what to write here."""

    name: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A variable that a backend needs. `where` is empty where it is not set."""

    name: str
    where: str
    placeholder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFacts:
    """A backend. `ways` are sets of variables that each suffice; `address` is scheme and host; `proxy` and `ca_file`
    are as they may be shown; `install` is the command that brings its SDK, empty where it is there."""

    name: str
    state: State
    reason: str
    kinds: tuple[Kind, ...]
    models: int
    only_when_named: bool
    ways: tuple[tuple[Needed, ...], ...]
    address: str | None = None
    proxy: str | None = None
    ca_file: str | None = None
    via: str | None = None
    key_url: str | None = None
    install: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A candidate of a default choice. `why_not` is empty where nothing is known against it."""

    handle: str
    backend: str
    sdk: str
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A default choice of the deck. `reference` is None where it declares none, and nothing is expected then;
    `advice` says what to do where nobody serves it."""

    kind: Kind
    slot: str
    reference: str | None
    candidates: tuple[Option, ...] = ()
    advice: str = ""

    @property
    def name(self) -> str:
        """The key by which people know it."""
        return self.slot if self.kind == "llm" else self.kind

    @property
    def served_by(self) -> Option | None:
        """The first candidate that nothing is known against."""
        return next((option for option in self.candidates if not option.why_not), None)

    @property
    def good(self) -> bool:
        """Whether it is served, or not declared at all."""
        return self.reference is None or self.served_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a provider answered. `offered` counts the models that it lists, None where it has no list that could be
    compared; `gone` are handles of this backend that are not among them, `unlisted` counts offered models that no
    spec of this backend names. `seconds` is how long it took."""

    backend: str
    sdks: tuple[str, ...]
    outcome: Outcome
    message: str
    hint: str = ""
    seconds: float = 0.0
    offered: int | None = None
    unlisted: int | None = None
    gone: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a call would not be answered either."""
        return self.outcome in FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. `checks` is None where nobody was asked; `wanted` are the backends that were named by the caller."""

    python: str
    version: str
    extras: tuple[Extra, ...]
    configuration: Configuration | None
    variables: tuple[Variable, ...]
    unread: tuple[Unread, ...]
    backends: tuple[BackendFacts, ...]
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    checks: tuple[Check, ...] | None = None
    wanted: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the configuration loads, every default choice that it declares is served, and no backend that the
        caller named has failed."""
        loads = self.configuration is not None and self.configuration.loads
        return loads and all(choice.good for choice in self.choices) and not self.failed_by_name

    @property
    def failed_by_name(self) -> tuple[Check, ...]:
        """The failed checks of backends that the caller named."""
        return tuple(check for check in self.checks or () if check.failed and check.backend in self.wanted)

    def to_dict(self) -> dict[str, object]:
        """Give plain values. No value of a variable is among them."""
        plain = _plain(self)
        return {"ok": self.ok, **plain} if is_table(plain) else {}


def printable(text: str) -> str:
    """Give the text on one line, without what a terminal would take for an order."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in plain)


def _plain(value: object) -> object:
    if isinstance(value, Problem):
        return {key: _plain(item) for key, item in value.to_dict().items()}
    if is_dataclass(value):
        found: dict[str, object] = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
        if isinstance(value, Choice):
            served_by = value.served_by
            found |= {"good": value.good, "served_by": None if served_by is None else served_by.backend}
        if isinstance(value, Check):
            found |= {"failed": value.failed, "seconds": round(value.seconds, 3)}
        return found
    if is_list(value):
        return [_plain(item) for item in value]
    return printable(value) if isinstance(value, str) else value
