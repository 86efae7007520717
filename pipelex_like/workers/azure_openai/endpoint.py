"""Where Azure serves OpenAI models and those of its catalogue: hosts, paths and API versions. Pure.

Deployments: https://learn.microsoft.com/azure/ai-foundry/openai/reference
The versionless surface: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
The catalogue: https://learn.microsoft.com/rest/api/aifoundry/modelinference/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

DEFAULT_VERSION = "2025-04-01-preview"
CATALOGUE_VERSION = "2024-05-01-preview"
"""The only version of the catalogue's API; AZURE_API_VERSION means that of deployments."""

FIRST_WITH_RESPONSES = "2025-03-01"
_V1 = ("v1", "preview", "latest")
_DEPLOYMENT = re.compile(r"/openai/deployments/[^/]+\Z")
_METHODS = ("/chat/completions", "/images/generations", "/images/edits", "/responses")

HostKind = Literal["deployments", "catalogue", "both"]
_HOSTS: tuple[tuple[str, HostKind], ...] = (
    (".openai.azure.com", "deployments"),
    (".cognitiveservices.azure.com", "deployments"),
    (".inference.ai.azure.com", "catalogue"),
    (".models.ai.azure.com", "catalogue"),
    (".services.ai.azure.com", "both"),
)


def host_kind(url: str) -> HostKind | None:
    """Say what the host of an endpoint serves: deployments of OpenAI models (`azure/...`), the model catalogue
    (`azure_ai/...`), or both; None for a host that tells nothing (a gateway, a simulated provider)."""
    try:
        host = (urlsplit(url.strip()).hostname or "").lower()
    except ValueError:
        return None
    return next((kind for end, kind in _HOSTS if host.endswith(end)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one method is reached: its path behind the root, and the API version. `dated` is False where the surface
    knows no dated versions, so that everything current may be sent."""

    path: str
    version: str
    dated: bool = False

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the path."""
        return {"api-version": self.version}

    def before(self, date: str) -> bool:
        """Whether the API is of a version older than this day (`2024-09-01`)."""
        return self.dated and self.version < date


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as people write it, taken apart: `root` is the address before `/openai`; `v1` = the surface
    `/openai/v1`, which takes the model from the body."""

    root: str
    version: str
    v1: bool
    kind: HostKind | None

    def deployment(self, method: str, model_id: str) -> Place:
        """Give the place of `/chat/completions`, `/images/generations`, ... for a deployment."""
        if self.v1:
            return self._current(method)
        return Place(path=f"/openai/deployments/{quote(model_id, safe='')}{method}", version=self.version, dated=True)

    def catalogue(self, method: str) -> Place:
        """Give the place of a method of the model catalogue."""
        if self.v1:
            return self._current(method)
        return Place(path=method if self.kind == "catalogue" else f"/models{method}", version=CATALOGUE_VERSION)

    def responses(self) -> Place:
        """Give the place of responses; a version that is older than they are stays out of it."""
        if self.v1 or self.version < FIRST_WITH_RESPONSES:
            return self._current("/responses")
        return Place(path="/openai/responses", version=self.version, dated=True)

    def _current(self, method: str) -> Place:
        return Place(path=f"/openai/v1{method}", version=self.version if self.version in _V1 else "v1")


def read_endpoint(endpoint: str | None, api_version: str | None) -> Endpoint:
    """Read an endpoint: the bare host, with `/openai`, `/openai/v1` or `/models` at its end, or the whole address of
    a deployment's method as Azure's portal shows it."""
    url = (endpoint or "").strip().partition("?")[0].rstrip("/")
    for method in _METHODS:
        url = url.removesuffix(method)
    kind = host_kind(url)
    url = _DEPLOYMENT.sub("", url)
    v1 = url.endswith("/openai/v1")
    ends = ("/openai/v1", "/openai", "/models", *(("/v1",) if kind == "catalogue" else ()))
    root = next((url.removesuffix(end) for end in ends if url.endswith(end)), url)
    version = (api_version or "").strip() or DEFAULT_VERSION
    return Endpoint(root=root, version=version, v1=v1 or version in _V1, kind=kind)
