"""Vertex AI as a service: a project at a location, reached with a token that is refreshed here and not by the SDK."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from google.oauth2.credentials import Credentials

from pipelex_like.errors import AccessDeniedError, CredentialsError, NotFoundError
from pipelex_like.workers.gcp import Tokens
from pipelex_like.workers.google.client import Client
from pipelex_like.workers.google.errors import WAYS_OUT, refused
from pipelex_like.workers.translate import Called, HttpRefusal
from pipelex_like.workers.vertex_google.endpoint import API_VERSION, base_url, model_path

if TYPE_CHECKING:
    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.google.endpoint import Method


_MAKERS = {"claude": "vertex_anthropic", "mistral": "vertex_mistral", "codestral": "vertex_mistral"}


def _maker(model_id: str) -> str:
    """Say how a model of another maker is reached, which without a table of its own is taken for one of Google's."""
    sdk = next((sdk for name, sdk in _MAKERS.items() if model_id.startswith(name)), None)
    return "" if sdk is None else f' It was asked for as a model of Google\'s: give it a table with sdk = "{sdk}".'


class VertexAi:
    """https://cloud.google.com/vertex-ai, reached with the token of an account."""

    on_vertex = True

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access)
        self._token = ""
        self._credentials = Credentials(token=None)
        self._client = Client(access, url=base_url(access), version=API_VERSION, credentials=self._credentials)

    def called(self, candidate: Candidate) -> Called:
        """Name the candidate, for messages."""
        table = f"[{self._access.backend}]"
        project, location = self._access.text("gcp_project_id"), self._access.text("gcp_location")
        login = "or sign in with: gcloud auth application-default login"
        key = "gcp_credentials_file_path" if self._access.text("gcp_access_token") is None else "gcp_access_token"
        own = {
            CredentialsError: f"Check `{key}` of {table} in backends.toml, {login}",
            AccessDeniedError: f'Turn the Vertex AI API on in project "{project}", and give the account the role '
            "Vertex AI User (`roles/aiplatform.user`). If it is the place, choose another `gcp_location`.",
            NotFoundError: f'Check `model_id` in backends/{self._access.backend}.toml, and that project "{project}" '
            f'has the model at `gcp_location` "{location}": some are only at "global".{_maker(candidate.model_id)}',
        }
        secrets = self._access.secrets | ({self._token} if self._token else set[str]())
        return replace(Called.of(self._access, candidate), secrets=secrets, ways_out={**WAYS_OUT, **own})

    async def send(self, candidate: Candidate, method: Method, content: bytes, limits: Limits) -> httpx2.Response:
        """Send a body and give the reply unread. Raises the CallError that a refusal means, or that there is no
        token."""
        self._token = self._credentials.token = await self._tokens.bearer(limits)
        path = model_path(candidate.model_id, method)
        try:
            return await self._client.post(path, content, headers=candidate.spec.headers, connect=limits.connect)
        except HttpRefusal as error:
            if error.status == 401:
                self._tokens.drop()
            raise refused(self.called(candidate), error) from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
