"""`via`: where a gateway takes the requests that are meant for another backend.

The addresses: https://developers.cloudflare.com/ai-gateway/usage/providers/
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.deck import Template, Via
from pipelex_like.routing.flatten import DIRECT
from pipelex_like.routing.profile import binds
from pipelex_like.routing.rules import SANDBOX
from pipelex_like.routing.variables import problem, slot_name, unset_sentence
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipelex_like.deck import Backend, ModelDeck, Origin, Profile
    from pipelex_like.errors import Problem
    from pipelex_like.routing.variables import Environment

_OWN_PATH = "/compat"
_TOKEN_HEADER = "cf-aig-authorization"

# What stands in a backend's address (without scheme, and without `/v1` unless it is told apart) -> the part of the
# gateway's path that takes its place.
_ROADS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google-ai-studio",
    "api.mistral.ai": "mistral",
    "api.groq.com/openai": "groq",
    "api.deepseek.com": "deepseek",
    "api.cerebras.ai": "cerebras",
    "api.perplexity.ai": "perplexity-ai",
    "api.perplexity.ai/v1": "perplexity-ai/v1",
    "openrouter.ai/api": "openrouter",
    "api.x.ai": "grok",
    "api.cohere.com": "cohere/compatibility/v1",
    "api.cohere.ai": "cohere/compatibility/v1",
    "api.cohere.com/compatibility": "cohere/compatibility/v1",
    "api.cohere.ai/compatibility": "cohere/compatibility/v1",
}
_WORKERS_AI = ("api.cloudflare.com/client/v4/accounts/", "/ai", "workers-ai/v1")
# Where an SDK goes when the table has no address.
_BY_SDK: Mapping[str, str] = {
    "openai": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "google": "google-ai-studio",
    "mistral": "mistral",
    "cohere": "cohere/compatibility/v1",
    "vertex_google": "google-vertex-ai",
    "vertex_anthropic": "google-vertex-ai",
    "vertex_mistral": "google-vertex-ai",
}


def road(sdk: str, endpoint: str | None) -> str | None:
    """Give the gateway's path for the service that an SDK reaches at that address, or None where it has none."""
    if endpoint is None:
        return _BY_SDK.get(sdk)
    if sdk not in _BY_SDK:
        return None
    parts = urlsplit(endpoint.strip())
    whole = f"{parts.netloc}{parts.path}".rstrip("/")
    place = whole.removesuffix("/v1")
    start, end, path = _WORKERS_AI
    return path if place.startswith(start) and place.endswith(end) else _ROADS.get(whole) or _ROADS.get(place)


def through(
    backends: Mapping[str, Backend], deck: ModelDeck, environment: Environment, profile: Profile, *, lenient: bool
) -> tuple[dict[str, Backend], list[Problem]]:
    """Give the backends with the gateways that `via` puts before them.

    A backend whose `via` cannot be kept is broken; a profile's counts for those that the gateway has an address for.
    """
    if profile.via in (None, DIRECT) and all(backend.spec.via in (None, DIRECT) for backend in backends.values()):
        return dict(backends), []
    found = dict(backends)
    problems = list(_lacking(backends, deck, environment, profile, lenient=lenient))
    for name, backend in backends.items():
        gateway = backend.spec.via or profile.via
        if backend.state != "on" or gateway in (None, DIRECT, name) or name == SANDBOX:
            continue
        gateway = str(gateway)
        roads = {sdk: path for sdk in backend.spec.sdks if (path := road(sdk, backend.text("endpoint")))}
        lost = [sdk for sdk in backend.spec.sdks if sdk not in roads]
        if backend.spec.via is not None and lost:
            problems.append(_no_road(backend, lost))
        elif roads:
            found[name] = _sent_through(backend, gateway, backends.get(gateway), roads, environment)
    return found, problems


def _sent_through(
    backend: Backend,
    name: str,
    gateway: Backend | None,
    roads: Mapping[str, str],
    environment: Environment,
) -> Backend:
    why = "no backend has that name" if gateway is None else _unusable(gateway, environment)
    if gateway is None or why:
        missing = () if gateway is None else _missing(gateway, environment)
        reason = f'its traffic goes through "{name}", and {why}'
        return replace(
            backend, state="broken", reason=reason, missing=missing, alternatives=(missing,) if missing else ()
        )
    base = str(gateway.text("endpoint")).rstrip("/").removesuffix(_OWN_PATH)
    token = gateway.text("api_key")
    headers = {key: str(filled.value) for key, filled in gateway.headers.items()}
    via = Via(
        gateway=name,
        endpoints=FrozenDict({sdk: f"{base}/{path}" for sdk, path in roads.items()}),
        headers=FrozenDict({_TOKEN_HEADER: f"Bearer {token}", **headers} if token else headers),
        proxy=None if gateway.proxy is None else str(gateway.proxy.value),
        # The account stands in the path, which a provider may quote in an error.
        secrets=gateway.secrets.union([urlsplit(base).path] if gateway.secrets else ()),
    )
    return replace(backend, via=via)


def _unusable(gateway: Backend, environment: Environment) -> str:
    """Say why nothing can go through the gateway; empty where its address is complete. Its key is not needed for it."""
    if gateway.spec.enabled is False:
        return f'"{gateway.name}" is off: enabled = false'
    if gateway.text("endpoint") is not None:
        return ""
    missing = _missing(gateway, environment)
    return unset_sentence(missing) if missing else f'"{gateway.name}" has no `endpoint`'


def _missing(gateway: Backend, environment: Environment) -> tuple[str, ...]:
    endpoint = gateway.spec.keys.get("endpoint")
    if not isinstance(endpoint, Template):
        return ()
    return tuple(slot_name(slot) for slot in environment.read(endpoint).missing)


def _lacking(
    backends: Mapping[str, Backend], deck: ModelDeck, environment: Environment, profile: Profile, *, lenient: bool
) -> Iterator[Problem]:
    """Tell of each `via` whose gateway cannot be used: an error where the profile counts on it."""
    for name, origin, counted in _wishes(backends, profile):
        gateway = backends.get(name)
        if name in deck.faulty:
            continue
        why = f'there is no backend "{name}"' if gateway is None else _unusable(gateway, environment)
        if why:
            hint = (
                f'Declare [{name}] in backends.toml, or begin that file with extends = "pipelex_like".'
                if gateway is None
                else f'Set what it lacks, or take `via` out; provider="{DIRECT}" on a call goes round it.'
            )
            severity = "error" if counted and not lenient else "warning"
            yield problem(severity, "gateway-not-usable", origin, f"nothing can go through it: {why}.", hint)


def _wishes(backends: Mapping[str, Backend], profile: Profile) -> Iterator[tuple[str, Origin, bool]]:
    if profile.via not in (None, DIRECT):
        yield str(profile.via), profile.where("via"), True
    for name, backend in backends.items():
        if backend.spec.via not in (None, DIRECT) and backend.state == "on":
            yield str(backend.spec.via), backend.spec.where("via"), binds(profile, name)


def _no_road(backend: Backend, lost: Iterable[str]) -> Problem:
    sdks = " and ".join(lost)
    endpoint = backend.keys.get("endpoint")
    shown = "its own address" if endpoint is None else endpoint.shown
    message = f'"{backend.spec.via}" has no address for "{backend.name}" (sdk {sdks} at {shown}).'
    hint = (
        "Take `via` out. It knows: "
        + ", ".join(sorted({path.partition("/")[0] for path in (*_ROADS.values(), *_BY_SDK.values(), _WORKERS_AI[2])}))
        + "."
    )
    return problem("error", "no-way-through", backend.spec.where("via"), message, hint)
