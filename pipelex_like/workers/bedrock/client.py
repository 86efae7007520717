"""Sends to Bedrock what the SDK has signed.

The SDK's own methods block a thread for as long as the answer takes, and nothing can call one back. So it says where
Bedrock is, finds keys and signs; the request itself goes out here, where a deadline or a cancellation ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipelex_like.workers.bedrock.credentials import way_in
from pipelex_like.workers.bedrock.endpoint import address, base_url
from pipelex_like.workers.connection import open_http, patience, plain_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from pipelex_like.workers.base import Access

Method = Literal["converse", "converse-stream"]

_ACCEPTED: Mapping[Method, str] = {"converse-stream": "application/vnd.amazon.eventstream"}


class Client:
    """One backend, for one event loop."""

    def __init__(self, access: Access) -> None:
        self.url = base_url(access)
        self._signer = way_in(access, self.url)
        self._connect = access.connect_timeout
        self._http = open_http(access, self.url)
        self._headers = {name.lower(): value for name, value in plain_headers(access).items()}

    async def post(
        self, method: Method, model_id: str, content: bytes, *, headers: Mapping[str, object], connect: float | None
    ) -> httpx2.Response:
        """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a
        success."""
        url = address(self.url, model_id, method)
        sent = {**self._headers, "accept": _ACCEPTED.get(method, "application/json")}
        sent |= {name.lower(): str(value) for name, value in headers.items()}
        # AWS wants its own headers under the signature; others a proxy may change.
        covered = {name: value for name, value in sent.items() if name == "content-type" or name.startswith("x-amz")}
        signed = await self._signer.sign(url, content, covered)
        request = self._http.build_request(
            "POST",
            url,
            content=content,
            headers={**{name.lower(): value for name, value in signed.items()}, **sent},
            timeout=patience(self._connect if connect is None else connect),
        )
        return await self._http.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
