"""The SDK's client, with everything handed to it and nothing looked up by itself; it authenticates and sends.

Bytes go in and come out, as with the other SDKs: its own objects cost most of a call's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import httpx2
from anthropic import AsyncAnthropic, AsyncStream, Omit
from typing_extensions import override

from pipelex_like.workers.anthropic.endpoint import base_url
from pipelex_like.workers.connection import open_http, patience, plain_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anthropic._types import RequestOptions

    from pipelex_like.workers.base import Access

PATH = "/v1/messages"
VERSION = "2026-10-21"
"""The version of the protocol that this worker writes and reads."""


class _Client(AsyncAnthropic):
    """Sends its key and our headers only: the SDK would add facts about this machine."""

    fixed_headers: Mapping[str, str] = {}

    def keep_to(self, headers: Mapping[str, str]) -> None:
        """Send these headers, and none of ANTHROPIC_CUSTOM_HEADERS, which the SDK lets win over all others."""
        self._custom_headers = {}
        self.fixed_headers = headers

    @property
    @override
    def default_headers(self) -> dict[str, str | Omit]:
        return {**self.auth_headers, **self.fixed_headers}


def open_client(access: Access) -> AsyncAnthropic:
    """Make the client of one backend, for one event loop."""
    url = base_url(access.text("endpoint"))
    client = _Client(
        # Empty texts, where None would send the SDK to os.environ and to profiles on disk.
        api_key=access.text("api_key") or "",
        webhook_key="",
        base_url=url,
        timeout=patience(access.connect_timeout),
        max_retries=0,
        # Absent, it would ask variables whether to write prompts into traces.
        open_telemetry=False,
        http_client=open_http(access, url),
    )
    client.keep_to({"anthropic-version": VERSION, **plain_headers(access)})
    return client


async def post(
    client: AsyncAnthropic, content: bytes, *, headers: Mapping[str, object], connect: float | None
) -> httpx2.Response:
    """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a success."""
    sent: dict[str, str | Omit] = {name: str(value) for name, value in headers.items()}
    if not client.api_key:
        sent.setdefault("Authorization", Omit())
    options: RequestOptions = {"headers": sent}
    if connect is not None:
        options["timeout"] = patience(connect)
    return cast(
        "httpx2.Response",
        await client.post(
            PATH, content=content, cast_to=httpx2.Response, options=options, stream=True, stream_cls=AsyncStream[object]
        ),
    )
