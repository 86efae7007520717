"""The SDK's client, with everything handed to it and nothing looked up by itself; it authenticates and sends.

Bytes go in and come out: the SDK's own objects for requests and replies cost most of a call's time, and end odd
replies (a page of HTML under a 200) in as many ways as there are methods.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, cast

import httpx2
from openai import AsyncOpenAI, AsyncStream, Omit
from typing_extensions import override

from pipelex_like.workers.openai.endpoint import base_url
from pipelex_like.workers.translate import HttpRefusal
from pipelex_like.workers.transport import read_all, read_start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai._types import RequestOptions

    from pipelex_like.workers.base import Access

_MOST_OF_A_REFUSAL = 256 * 1024
_CONNECTIONS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)


class _Client(AsyncOpenAI):
    """Sends our headers only: the SDK would add those of OPENAI_CUSTOM_HEADERS and facts about this machine."""

    fixed_headers: Mapping[str, str | Omit] = {}

    @property
    @override
    def default_headers(self) -> dict[str, str | Omit]:
        return dict(self.fixed_headers)


def _headers(access: Access) -> dict[str, str | Omit]:
    headers: dict[str, str | Omit] = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": "pipelex-like",
    }
    for name, key in (("OpenAI-Organization", "organization"), ("OpenAI-Project", "project")):
        value = access.text(key)
        if value:
            headers[name] = value
    return {**headers, **access.headers}


async def _refuse(response: httpx2.Response) -> None:
    if response.status_code < 300:
        return
    start = await read_start(response.aiter_bytes(), _MOST_OF_A_REFUSAL)
    raise HttpRefusal(response.status_code, dict(response.headers), start)


def open_client(access: Access) -> AsyncOpenAI:
    """Make the client of one backend, for one event loop."""
    url = base_url(access.text("endpoint"))
    # Where no TLS is spoken, no list of authorities is loaded for it: that takes longer than all the rest.
    plain = url.startswith("http://") and access.proxy is None
    http_client = httpx2.AsyncClient(
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True,
        trust_env=False,
        follow_redirects=False,
        proxy=access.proxy,
        limits=_CONNECTIONS,
        timeout=httpx2.Timeout(None, connect=access.connect_timeout),
        event_hooks={"response": [_refuse]},
    )
    client = _Client(
        # Empty texts, where None would send the SDK to os.environ.
        api_key=access.text("api_key") or "",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=url,
        timeout=httpx2.Timeout(None, connect=access.connect_timeout),
        max_retries=0,
        http_client=http_client,
    )
    client.fixed_headers = _headers(access)
    return client


async def post(
    client: AsyncOpenAI, path: str, content: bytes, *, headers: Mapping[str, object], connect: float | None
) -> httpx2.Response:
    """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a success."""
    sent: dict[str, str | Omit] = {name: str(value) for name, value in headers.items()}
    if not client.api_key:
        sent.setdefault("Authorization", Omit())
    options: RequestOptions = {"headers": sent}
    if connect is not None:
        options["timeout"] = httpx2.Timeout(None, connect=connect)
    return cast(
        "httpx2.Response",
        await client.post(
            path, content=content, cast_to=httpx2.Response, options=options, stream=True, stream_cls=AsyncStream[object]
        ),
    )


async def whole(response: httpx2.Response, most: int) -> bytes:
    """Read a reply to its end and close it. Raises TooLargeError if it is larger than `most` bytes, unpacked."""
    try:
        return await read_all(response.aiter_bytes(), most)
    finally:
        await response.aclose()


def request_id(response: httpx2.Response) -> str | None:
    """Give the provider's id of the request, where it sends one."""
    return response.headers.get("x-request-id") or response.headers.get("request-id")
