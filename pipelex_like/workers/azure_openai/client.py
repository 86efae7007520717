"""The SDK's Azure client, with everything handed to it and nothing looked up by itself; it authenticates and sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openai import AsyncAzureOpenAI, Omit
from typing_extensions import override

from pipelex_like.workers.connection import open_http, patience, plain_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.azure_openai.endpoint import Endpoint
    from pipelex_like.workers.base import Access


class _Client(AsyncAzureOpenAI):
    """Sends its key and our headers only: the SDK would add those of OPENAI_CUSTOM_HEADERS and facts about this
    machine."""

    fixed_headers: Mapping[str, str | Omit] = {}

    @property
    @override
    def default_headers(self) -> dict[str, str | Omit]:
        return dict(self.fixed_headers)


def open_client(access: Access, endpoint: Endpoint) -> AsyncAzureOpenAI:
    """Make the client of one backend, for one event loop; paths are those of a Place of the endpoint."""
    client = _Client(
        # Empty texts, where None would send the SDK to os.environ.
        api_key=access.text("api_key") or "",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        api_version=endpoint.version,
        base_url=endpoint.root,
        timeout=patience(access.connect_timeout),
        max_retries=0,
        http_client=open_http(access, endpoint.root),
    )
    client.fixed_headers = plain_headers(access)
    return client
