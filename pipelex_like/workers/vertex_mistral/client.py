"""The SDK's client for Google Cloud, with everything handed to it and nothing looked up by itself.

Bytes go in and come out, as with Mistral's own API; one of the SDK's hooks writes the path.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, cast

from mistralai.gcp.client import MistralGCP
from mistralai.gcp.client.utils import get_security

from pipelex_like.workers.connection import open_http, patience, plain_headers
from pipelex_like.workers.mistral.standins import Context, NeverBlocking, Silent
from pipelex_like.workers.vertex import base_url, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2
    from mistralai.gcp.client.httpclient import HttpClient

    from pipelex_like.workers.base import Access

Method = Literal["chat_completion", "stream_chat"]
"""The SDK's names of its methods: the word "stream" in one of them makes the path that of a stream."""

# The path before the SDK's hook writes project, location and model into it.
_PATH = "/v1/chat/completions"
# The hook makes a new request out of ours, so that the reply cannot be noted on it.
_ARRIVED: ContextVar[list[httpx2.Response] | None] = ContextVar("pipelex_like_vertex_mistral_reply", default=None)


async def _arrived(response: httpx2.Response) -> None:
    replies = _ARRIVED.get()
    if replies is not None:
        replies.append(response)


class Client:
    """The SDK for one backend and one event loop."""

    def __init__(self, access: Access) -> None:
        self._url = base_url(access)
        self._project, self._location = place(access)
        self._connect = access.connect_timeout
        self._http = open_http(access, self._url)
        self._http.event_hooks["response"].append(_arrived)
        self._headers = {name.lower(): value for name, value in plain_headers(access).items()}
        self._token = ""
        self._sdk: MistralGCP | None = None

    async def post(
        self, method: Method, content: bytes, *, token: str, headers: Mapping[str, object], connect: float | None
    ) -> httpx2.Response:
        """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a
        success."""
        sdk = self._with(token)
        config = sdk.sdk_configuration
        security = config.security() if callable(config.security) else config.security
        authorization, _ = get_security(security)
        sent = {name.lower(): value for name, value in authorization.items()} | self._headers
        accepted = "text/event-stream" if method == "stream_chat" else "application/json"
        request = self._http.build_request(
            "POST",
            f"{self._url}{_PATH}",
            content=content,
            headers=sent | {name.lower(): str(value) for name, value in headers.items()} | {"accept": accepted},
            timeout=patience(self._connect if connect is None else connect),
        )
        context: Any = Context(config=config, base_url=self._url, operation_id=method, security_source=security)
        replies: list[httpx2.Response] = []
        mark = _ARRIVED.set(replies)
        try:
            # A status that is no success has been raised by then.
            return await sdk.do_request_async(context, request, is_error_status_code=lambda _: False, stream=True)
        except asyncio.CancelledError:
            # The SDK's hooks run after the reply came: nobody else would close it.
            for reply in replies:
                await reply.aclose()
            raise
        finally:
            _ARRIVED.reset(mark)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _with(self, token: str) -> MistralGCP:
        """Give the SDK with that access token, which it keeps for good. Without any it would call
        google.auth.default()."""
        if self._sdk is None or token != self._token:
            self._token = token
            self._sdk = MistralGCP(
                project_id=self._project,
                region=self._location,
                access_token=token,
                server_url=self._url,
                client=cast("HttpClient", NeverBlocking()),
                async_client=self._http,
                debug_logger=Silent(),
            )
        return self._sdk
