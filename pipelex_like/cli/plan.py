"""Who serves each step of the quickstart: a provider whose key is set, else the local model, else the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pipelex_like.cli.local import DEFAULT, cache_of, fetch
from pipelex_like.errors import CallError, ResolveError
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from pipelex_like.engine import View
    from pipelex_like.types import Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The profile to run a step under (None = the one in force), and why, as a sentence for the user."""

    profile: str | None
    why: str


def usable(ai: View, reference: str, kind: Kind) -> str | None:
    """The first backend that could serve the reference now: on, with a worker, its SDK installed. None = nobody."""
    try:
        route = ai.router.resolve(reference, kind=kind)
    except ResolveError:
        return None
    registry = Registry()
    for candidate in route.candidates:
        if candidate.broken is None and not _gap(registry, candidate.sdk, candidate.backend, kind):
            return candidate.backend
    return None


def plan_text(ai: View, reference: str) -> Plan:
    """Who fills the object: fetches the local model where it is needed and can be had."""
    backend = usable(ai, reference, "llm")
    if backend is not None:
        return Plan(None, f"{backend} is on")
    nobody = _nobody(ai, reference, "llm") or "no key is set"
    if find_spec("xllamacpp") is None:
        return Plan("sandbox", f'{nobody} and the local model needs: pip install "pipelex-like[local]"')
    try:
        fetch(DEFAULT, cache_of(ai))
    except CallError as error:
        return Plan("sandbox", f"{nobody} and the local model cannot be fetched: {error}")
    return Plan("local", f"{nobody}, so a small model in this process reads it")


def plan_picture(ai: View, reference: str) -> Plan:
    """Who draws."""
    backend = usable(ai, reference, "img_gen")
    if backend is not None:
        return Plan(None, f"{backend} is on")
    nobody = _nobody(ai, reference, "img_gen") or "no key of a provider that draws is set"
    return Plan("sandbox", f"{nobody}, so the picture is simulated")


def _nobody(ai: View, reference: str, kind: Kind) -> str | None:
    """What the first provider that has a key lacks here; None = no key is set."""
    try:
        candidates = ai.router.resolve(reference, kind=kind).candidates
    except ResolveError:
        return None
    registry = Registry()
    ready = (candidate for candidate in candidates if candidate.broken is None)
    return next((_gap(registry, candidate.sdk, candidate.backend, kind) for candidate in ready), None)


def _gap(registry: Registry, sdk: str, backend: str, kind: Kind) -> str | None:
    try:
        registry.find(kind, sdk, backend=backend)
    except CallError as error:
        return str(error)
    return None
