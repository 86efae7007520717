"""The SDK's client, with everything handed to it and nothing looked up by itself; it authenticates and sends.

Bytes go in and come out: the SDK's own objects for requests and replies cost most of a call's time, and end odd
replies (a page of HTML under a 200) in as many ways as there are methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import httpx2
from openai import AsyncOpenAI, AsyncStream, Omit
from typing_extensions import override

from pipelex_like.workers.connection import open_http, patience, plain_headers
from pipelex_like.workers.openai.endpoint import base_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openai._types import RequestOptions

    from pipelex_like.workers.base import Access


class _Client(AsyncOpenAI):
    """Sends our headers only: the SDK would add those of OPENAI_CUSTOM_HEADERS and facts about this machine."""

    fixed_headers: Mapping[str, str | Omit] = {}

    @property
    @override
    def default_headers(self) -> dict[str, str | Omit]:
        return dict(self.fixed_headers)


def _headers(access: Access) -> dict[str, str | Omit]:
    headers: dict[str, str | Omit] = {}
    for name, key in (("OpenAI-Organization", "organization"), ("OpenAI-Project", "project")):
        value = access.text(key)
        if value:
            headers[name] = value
    return {**headers, **plain_headers(access)}


def open_client(access: Access) -> AsyncOpenAI:
    """Make the client of one backend, for one event loop."""
    url = base_url(access.text("endpoint"))
    client = _Client(
        # Empty texts, where None would send the SDK to os.environ.
        api_key=access.text("api_key") or "",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=url,
        timeout=patience(access.connect_timeout),
        max_retries=0,
        http_client=open_http(access, url),
    )
    client.fixed_headers = _headers(access)
    return client


async def post(
    client: AsyncOpenAI,
    path: str,
    content: bytes,
    *,
    headers: Mapping[str, object],
    connect: float | None,
    query: Mapping[str, object] | None = None,
) -> httpx2.Response:
    """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a success."""
    options = _options(client, headers, connect, query)
    return cast(
        "httpx2.Response",
        await client.post(
            path, content=content, cast_to=httpx2.Response, options=options, stream=True, stream_cls=AsyncStream[object]
        ),
    )


async def post_form(
    client: AsyncOpenAI,
    path: str,
    fields: Mapping[str, object],
    *,
    files: Sequence[tuple[str, tuple[str, bytes, str]]],
    headers: Mapping[str, object],
    connect: float | None,
    query: Mapping[str, object] | None = None,
) -> httpx2.Response:
    """Send a multipart form with files (field, then name, bytes and MIME type), otherwise as `post` does."""
    # The client replaces the type by that of the form it writes, with its boundary.
    options = _options(client, {**headers, "Content-Type": "multipart/form-data"}, connect, query)
    return cast(
        "httpx2.Response",
        await client.post(
            path,
            body=fields,
            files=files,
            cast_to=httpx2.Response,
            options=options,
            stream=True,
            stream_cls=AsyncStream[object],
        ),
    )


def _options(
    client: AsyncOpenAI, headers: Mapping[str, object], connect: float | None, query: Mapping[str, object] | None
) -> RequestOptions:
    sent: dict[str, str | Omit] = {name: str(value) for name, value in headers.items()}
    if not client.api_key:
        sent.setdefault("Authorization", Omit())
    options: RequestOptions = {"headers": sent}
    if query:
        options["params"] = query
    if connect is not None:
        options["timeout"] = patience(connect)
    return options
