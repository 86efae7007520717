"""The cheapest question that each protocol answers for nothing, and that tells whether a key is good: mostly the list
of models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pipelex_like.errors import CapabilityError
from pipelex_like.setup.doctor.clouds import ask_bedrock, ask_vertex
from pipelex_like.setup.doctor.line import MOST_PAGES, PAGE, Found, ids_in, names_in, paged
from pipelex_like.workers.anthropic.endpoint import base_url as anthropic_url
from pipelex_like.workers.azure_openai.endpoint import read_endpoint
from pipelex_like.workers.cohere.endpoint import base_url as cohere_url
from pipelex_like.workers.fal.endpoint import queue_url
from pipelex_like.workers.google.endpoint import API_VERSION
from pipelex_like.workers.google.endpoint import base_url as google_url
from pipelex_like.workers.huggingface.endpoint import addresses_of
from pipelex_like.workers.mistral.endpoint import server_url
from pipelex_like.workers.openai.endpoint import base_url as openai_url
from pipelex_like.workers.openai.endpoint import is_official
from pipelex_like.workers.translate import HttpRefusal, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pipelex_like.errors import CallError
    from pipelex_like.setup.doctor.line import KeyState, Line
    from pipelex_like.workers.translate import Called

_NOBODYS_JOB = "00000000-0000-4000-8000-000000000000"
_ACCOUNT = re.compile(r"/accounts/[^/]+/ai/v1\Z")


async def _openai(line: Line) -> Found:
    """https://platform.openai.com/docs/api-reference/models/list"""
    url = openai_url(line.access.text("endpoint"))
    if urlsplit(url).hostname == "api.cloudflare.com" and _ACCOUNT.search(url):
        return await _workers_ai(line, url)
    own = {"OpenAI-Organization": line.access.text("organization"), "OpenAI-Project": line.access.text("project")}
    headers = {**line.bearer, **{name: value for name, value in own.items() if value}}
    if (urlsplit(url).hostname or "").endswith("openrouter.ai"):
        # Its list is open to anybody: https://openrouter.ai/docs/api-reference/api-keys/get-current-key
        await line.get(f"{url}/key", headers)
        return Found(key="accepted", ids=ids_in(line, await line.get(f"{url}/models", headers)))
    ids = ids_in(line, await line.get(f"{url}/models", headers))
    return Found(key=await _looked_at(line, f"{url}/models", official=is_official(url)), ids=ids)


async def _looked_at(line: Line, url: str, *, official: bool) -> KeyState:
    """Say whether a list that was given is one for those with a key: some are open to anybody."""
    if not line.key:
        return "none"
    if official:
        return "accepted"
    try:
        await line.get(url)
    except HttpRefusal:
        return "accepted"
    return "not looked at"


async def _workers_ai(line: Line, url: str) -> Found:
    """https://developers.cloudflare.com/api/resources/ai/subresources/models/methods/list/"""
    ids: set[str] = set()
    for page in range(1, MOST_PAGES + 1):
        query = {"per_page": "100", "page": str(page)}
        answer = await line.get(f"{url.removesuffix('/v1')}/models/search", line.bearer, query)
        names = names_in(line, answer, "result", "name")
        if not ids.isdisjoint(names) or not names:
            break
        ids.update(names)
    return Found(key="accepted", ids=frozenset(ids))


async def _anthropic(line: Line) -> Found:
    """https://platform.claude.com/docs/en/api/models-list"""
    # Late: the SDK comes along, and only this one needs it.
    from pipelex_like.workers.anthropic.client import VERSION

    headers = {"anthropic-version": VERSION, **({"x-api-key": line.key} if line.key else {})}
    ids: set[str] = set()
    query = {"limit": PAGE}
    for _ in range(MOST_PAGES):
        answer = await line.get(f"{anthropic_url(line.access.text('endpoint'))}/v1/models", headers, query)
        ids |= ids_in(line, answer)
        last = answer.get("last_id")
        if answer.get("has_more") is not True or not isinstance(last, str):
            break
        query = {"limit": PAGE, "after_id": last}
    return Found(key="accepted" if line.key else "none", ids=frozenset(ids))


async def _google(line: Line) -> Found:
    """https://ai.google.dev/api/models#method:-models.list"""
    headers = {"x-goog-api-key": line.key} if line.key else {}
    url = f"{google_url(line.access)}/{API_VERSION}/models"
    rows = await paged(line, url, headers, names=("pageSize", "pageToken", "nextPageToken", "models"))
    return Found(key="accepted" if line.key else "none", ids=frozenset(row.removeprefix("models/") for row in rows))


async def _mistral(line: Line) -> Found:
    """https://docs.mistral.ai/api/endpoint/models"""
    ids = ids_in(line, await line.get(f"{server_url(line.access.text('endpoint'))}/v1/models", line.bearer))
    return Found(key="accepted" if line.key else "none", ids=ids)


async def _cohere(line: Line) -> Found:
    """https://docs.cohere.com/reference/list-models"""
    base = cohere_url(line.access.text("endpoint"))
    root = base.removesuffix("/compatibility/v1")
    if root == base:
        return await _openai(line)
    names = ("page_size", "page_token", "next_page_token", "models")
    ids = await paged(line, f"{root}/v1/models", line.bearer, names=names)
    return Found(key="accepted" if line.key else "none", ids=ids)


async def _huggingface(line: Line) -> Found:
    """The list is open to anybody, so it is also asked whose token it is: https://huggingface.co/docs/hub/api"""
    there = addresses_of(line.access.text("endpoint"))
    if line.key:
        await line.get(f"{there.hub}/api/whoami-v2", line.bearer)
    ids = ids_in(line, await line.get(f"{there.text}/models", line.bearer))
    return Found(key="accepted" if line.key else "none", ids=ids)


async def _azure(line: Line) -> Found:
    """https://learn.microsoft.com/rest/api/azureopenai/models/list and, of the catalogue,
    https://learn.microsoft.com/rest/api/aifoundry/modelinference/get-model-info"""
    endpoint = read_endpoint(line.access.text("endpoint"), line.access.text("api_version"))
    headers = {"api-key": line.key}
    if endpoint.v1:
        await line.get(f"{endpoint.root}/openai/v1/models", headers)
    elif line.catalogue:
        place = endpoint.catalogue("/info")
        await line.get(f"{endpoint.root}{place.path}", headers, place.query)
        return Found(key="accepted", note="Azure's catalogue does not list what is deployed")
    else:
        await line.get(f"{endpoint.root}/openai/models", headers, {"api-version": endpoint.version})
    return Found(key="accepted", note="Azure does not list deployments to those who call them")


async def _fal(line: Line) -> Found:
    """fal lists nothing for a key, but asks for one before it looks for a job."""
    first = next((model.split("/") for model in line.models if model.count("/")), ["fal-ai", "flux"])
    owner, name = quote(first[0], safe=""), quote(first[1], safe="")
    headers = {"Authorization": f"Key {line.key}"}
    try:
        url = f"{queue_url(line.access.text('endpoint'))}/{owner}/{name}/requests/{_NOBODYS_JOB}/status"
        await line.get(url, headers)
    except HttpRefusal as error:
        if error.status not in (404, 422):
            raise
    return Found(key="accepted", note="asked how far a job is that there is not; fal lists no models to a key")


_ASKING: Mapping[str, tuple[str, Callable[[Line], Awaitable[Found]]]] = {
    "openai": ("openai", _openai),
    "openai_responses": ("openai", _openai),
    "azure_openai": ("azure", _azure),
    "azure_openai_responses": ("azure", _azure),
    "anthropic": ("anthropic", _anthropic),
    "google": ("google", _google),
    "mistral": ("mistral", _mistral),
    "cohere": ("cohere", _cohere),
    "huggingface": ("huggingface", _huggingface),
    "fal": ("fal", _fal),
    "bedrock": ("bedrock", ask_bedrock),
    "vertex_google": ("vertex", ask_vertex),
    "vertex_anthropic": ("vertex", ask_vertex),
    "vertex_mistral": ("vertex", ask_vertex),
}


def protocol_of(sdk: str) -> str | None:
    """Give the protocol whose question serves an SDK; None where no free one is known."""
    held = _ASKING.get(sdk)
    return None if held is None else held[0]


async def ask(line: Line) -> Found:
    """Ask the provider. Raises the CallError that a refusal means, and whatever an HTTP client raises."""
    held = _ASKING.get(line.access.sdk)
    if held is None:
        raise CapabilityError(f'backend "{line.access.backend}": nothing is known to ask of sdk "{line.access.sdk}"')
    protocol, asking = held
    try:
        return await asking(line)
    except HttpRefusal as error:
        raise _refused(protocol, line.called, error) from error


def _refused(protocol: str, called: Called, error: HttpRefusal) -> CallError:
    match protocol:
        case "google" | "vertex":
            from pipelex_like.workers.google.errors import refused
        case "bedrock":
            from pipelex_like.workers.bedrock.failures import refused
        case _:
            return refusal(called, status=error.status, headers=error.headers, body=error.body)
    return refused(called, error)
