"""The SDK's client, with everything handed to it and nothing looked up by itself; it authenticates and sends.

Bytes go in and come out: the SDK's methods build a dozen models for each call, which takes 6 ms, drop the fields that
these do not know, and refuse replies that lack one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, cast

from mistralai.client import Mistral
from mistralai.client.utils import get_security

from pipelex_like.workers.connection import open_http, patience, plain_headers
from pipelex_like.workers.mistral.endpoint import server_url
from pipelex_like.workers.mistral.standins import Context, NeverBlocking, Silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2
    from mistralai.client.httpclient import HttpClient

    from pipelex_like.workers.base import Access

Method = Literal["chat_completion", "stream_chat", "ocr"]

_PATHS: Mapping[Method, str] = {
    "chat_completion": "/v1/chat/completions",
    "stream_chat": "/v1/chat/completions",
    "ocr": "/v1/ocr",
}
_REPLY = "pipelex_like.reply"
_ACCEPTED: Mapping[Method, str] = {"stream_chat": "text/event-stream"}


async def _arrived(response: httpx2.Response) -> None:
    """Note the reply on its request, and take out the header for which one of the SDK's hooks would look into a body
    that is not there yet."""
    response.request.extensions[_REPLY] = response
    response.headers.pop("x-model-deprecation-timestamp", None)


class Client:
    """The SDK for one backend and one event loop."""

    def __init__(self, access: Access) -> None:
        self._url = server_url(access.text("endpoint"))
        self._connect = access.connect_timeout
        self._http = open_http(access, self._url)
        self._http.event_hooks["response"].append(_arrived)
        # An empty text, where None would send the SDK to os.environ.
        key = access.text("api_key") or ""
        self._sdk = Mistral(
            api_key=key,
            server_url=self._url,
            client=cast("HttpClient", NeverBlocking()),
            async_client=self._http,
            debug_logger=Silent(),
        )
        config = self._sdk.sdk_configuration
        # Looked at before MISTRAL_SDK_TELEMETRY, by which the SDK would tell a third address of every prompt.
        vars(config)["telemetry"] = False
        headers = {name.lower(): value for name, value in plain_headers(access).items()}
        # The SDK's own name: one of its hooks takes it apart.
        headers["user-agent"] = config.user_agent
        authorization, _ = get_security(config.security) if key else ({}, {})
        self._headers = {**{name.lower(): value for name, value in authorization.items()}, **headers}

    async def post(
        self, method: Method, content: bytes, *, headers: Mapping[str, object], connect: float | None
    ) -> httpx2.Response:
        """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a
        success."""
        sent = {**self._headers, **{name.lower(): str(value) for name, value in headers.items()}}
        request = self._http.build_request(
            "POST",
            f"{self._url}{_PATHS[method]}",
            content=content,
            headers={**sent, "accept": _ACCEPTED.get(method, "application/json")},
            timeout=patience(self._connect if connect is None else connect),
        )
        config = self._sdk.sdk_configuration
        context: Any = Context(config=config, base_url=self._url, operation_id=method, security_source=config.security)
        # A status that is no success has been raised by then.
        try:
            return await self._sdk.do_request_async(context, request, is_error_status_code=lambda _: False, stream=True)
        except asyncio.CancelledError:
            # The SDK's hooks run after the reply came: nobody else would close it.
            reply = request.extensions.get(_REPLY)
            if reply is not None:
                await reply.aclose()
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
