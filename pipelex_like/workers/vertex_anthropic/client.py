"""The SDK's client for Vertex AI, with everything handed to it and nothing looked up by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import httpx2
from anthropic import APIConnectionError, AsyncStream, Omit
from anthropic.lib.vertex import AsyncAnthropicVertex
from typing_extensions import override

from pipelex_like.workers.connection import open_http, patience, plain_headers
from pipelex_like.workers.translate import HttpRefusal
from pipelex_like.workers.vertex import base_url, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anthropic._types import RequestOptions

    from pipelex_like.workers.base import Access


class _Client(AsyncAnthropicVertex):
    """Sends our headers only: the SDK would add facts about this machine."""

    fixed_headers: Mapping[str, str] = {}

    def keep_to(self, headers: Mapping[str, str]) -> None:
        """Send these headers, and none of ANTHROPIC_CUSTOM_HEADERS, which the SDK lets win over all others."""
        self._custom_headers = {}
        self.fixed_headers = headers

    @property
    @override
    def default_headers(self) -> dict[str, str | Omit]:
        return dict(self.fixed_headers)


def open_client(access: Access) -> AsyncAnthropicVertex:
    """Make the client of one backend, for one event loop. Raises CapabilityError without project and location."""
    url = base_url(access)
    project, location = place(access)
    client = _Client(
        project_id=project,
        region=location,
        # An empty text, where None would send the SDK to google.auth.default(). The first request brings a token.
        access_token="",
        base_url=f"{url}/v1",
        timeout=patience(access.connect_timeout),
        max_retries=0,
        # Absent, it would ask variables whether to write prompts into traces.
        open_telemetry=False,
        http_client=open_http(access, url),
    )
    client.keep_to(plain_headers(access))
    return client


def path_of(client: AsyncAnthropicVertex, model_id: str, *, stream: bool) -> str:
    """Give the path of a model, below the version: the one where the SDK's own method would send it."""
    verb = "streamRawPredict" if stream else "rawPredict"
    model = quote(model_id, safe="@")
    return f"/projects/{client.project_id}/locations/{client.region}/publishers/anthropic/models/{model}:{verb}"


async def post(
    client: AsyncAnthropicVertex,
    path: str,
    content: bytes,
    *,
    token: str,
    headers: Mapping[str, object],
    connect: float | None,
) -> httpx2.Response:
    """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a success."""
    # Not among the headers of the request: these are what ANTHROPIC_LOG prints. All requests share the newest token.
    client.access_token = token
    sent: dict[str, str | Omit] = {name: str(value) for name, value in headers.items()}
    options: RequestOptions = {"headers": sent}
    if connect is not None:
        options["timeout"] = patience(connect)
    try:
        reply = await client.post(
            path, content=content, cast_to=httpx2.Response, options=options, stream=True, stream_cls=AsyncStream[object]
        )
    except APIConnectionError as error:
        if isinstance(error.__cause__, HttpRefusal):  # the SDK takes it for a lost connection
            raise error.__cause__ from None
        raise
    return cast("httpx2.Response", reply)
