"""Which SDKs are installed, and which command brings those that are not."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from pipelex_like.setup.doctor.facts import Extra, Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DISTRIBUTION = "pipelex-like"
_REQUIREMENT = re.compile(
    r"""(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?(?:>=\s*(?P<least>[0-9][^\s,;)]*))?[^;]*
    (?:;.*extra\s*==\s*['"](?P<extra>[^'"]+)['"])?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What this Python has: its own version, that of pipelex-like, what that requires (as its metadata has it), and
    the versions of those that are there, by name."""

    python: str
    version: str
    requires: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])


def look_around() -> Installed:
    """Look at the running Python; nothing is imported."""
    own = _version(DISTRIBUTION)
    needed = tuple(requires(DISTRIBUTION) or ()) if own is not None else ()
    names = dict.fromkeys(found["name"] for text in needed if (found := _REQUIREMENT.match(text)))
    versions = {_plain(name): held for name in names if (held := _version(name)) is not None}
    return Installed(
        python=platform.python_version(), version=own or "not installed", requires=needed, versions=versions
    )


def extras_of(installed: Installed, users: Mapping[str, Iterable[str]]) -> tuple[Extra, ...]:
    """Give the state of each extra; `users` maps the extras of SDKs to the backends that are on and need them."""
    packages: dict[str, list[Package]] = {_plain(name): [] for name in users}
    for text in installed.requires:
        found = _REQUIREMENT.match(text)
        extra = _plain(found["extra"] or "") if found else ""
        if found and extra in packages:
            packages[extra].append(_package(found["name"], found["least"] or "", installed))
    return tuple(_extra(name, packages[_plain(name)], tuple(backends)) for name, backends in users.items())


def _extra(name: str, packages: list[Package], backends: tuple[str, ...]) -> Extra:
    states = {package.state for package in packages}
    state = "missing" if "missing" in states else "too old" if "too old" in states else "ok"
    upgrade = "-U " if state == "too old" else ""
    return Extra(
        name=name,
        state=state,
        packages=tuple(packages),
        install="" if state == "ok" else f'pip install {upgrade}"{DISTRIBUTION}[{name}]"',
        backends=backends,
    )


def _package(name: str, needed: str, installed: Installed) -> Package:
    held = installed.versions.get(_plain(name))
    old = held is not None and _numbers(held) < _numbers(needed)
    return Package(
        name=name, needed=needed, installed=held, state="missing" if held is None else "too old" if old else "ok"
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Give the leading numbers of a version without zeros at the end, so that 2.0 and 2 are the same."""
    start = re.match(r"\d+(?:\.\d+)*", text)
    numbers = [int(part) for part in start[0].split(".")] if start else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
