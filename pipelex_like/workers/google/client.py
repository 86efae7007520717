"""The SDK's client, with everything handed to it and nothing looked up by itself; it authenticates and sends.

Bytes go in and come out, as with the other SDKs: its methods build a tree of models for each call, and drop what these
do not know.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, cast

import httpx2
from google.genai._api_client import BaseApiClient
from google.genai.types import HttpOptions
from typing_extensions import override

from pipelex_like.workers.connection import open_http, patience, plain_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.oauth2.credentials import Credentials

    from pipelex_like.workers.base import Access

KEY_HEADER = "x-goog-api-key"
# An empty text would send the SDK to os.environ; this one is taken out again.
_NO_KEY = "none"


class Sdk(BaseApiClient):
    """Takes no certificate of this machine for its own, nor goes to the addresses that want one."""

    @override
    def _use_mtls_endpoint(self, client_cert_loaded: bool) -> bool:
        return False

    @override
    def _use_google_auth_sync(self) -> bool:
        return False

    @override
    def _use_google_auth_async(self) -> bool:
        return False

    @staticmethod
    @override
    def _ensure_websocket_ssl_ctx(options: HttpOptions, vertexai: bool = False) -> dict[str, object]:
        return {}


class Client:
    """The SDK for one backend and one event loop.

    With `credentials` it calls the models of a project at a location, without them those of the Gemini API.
    """

    def __init__(self, access: Access, *, url: str, version: str, credentials: Credentials | None = None) -> None:
        self._connect = access.connect_timeout
        self._headers = {name.lower(): value for name, value in plain_headers(access).items()}
        self._http = open_http(access, url)
        # The SDK would make a blocking client out of what the environment says. This one is never used.
        self._unused = httpx2.Client(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        options = HttpOptions(
            base_url=url, api_version=version, httpx_client=self._unused, httpx_async_client=self._http
        )
        if credentials is None:
            key = access.text("api_key") or _NO_KEY
            self._sdk = Sdk(vertexai=False, api_key=key, http_options=options)
        else:
            project, location = access.text("gcp_project_id"), access.text("gcp_location")
            self._sdk = Sdk(
                vertexai=True, credentials=credentials, project=project, location=location, http_options=options
            )

    async def post(
        self, path: str, content: bytes, *, headers: Mapping[str, object], connect: float | None
    ) -> httpx2.Response:
        """Send a body and give the reply unread: the caller closes it. Raises HttpRefusal for any status but a
        success."""
        request = self._sdk._build_request("post", path, {})  # pyright: ignore[reportPrivateUsage]
        key = (request.headers or {}).get(KEY_HEADER, _NO_KEY)
        own = {} if key == _NO_KEY else {KEY_HEADER: key}
        more = {name.lower(): str(value) for name, value in headers.items()}
        request.headers = {**own, **self._headers, **more}
        request.data = cast("dict[str, object]", content)  # bytes are sent as they are
        request.timeout = cast("float", patience(self._connect if connect is None else connect))
        reply = await self._sdk._async_request_once(request, stream=True)  # pyright: ignore[reportPrivateUsage]
        return cast("httpx2.Response", reply.response_stream)

    async def aclose(self) -> None:
        """Close all connections."""
        self._unused.close()
        await self._http.aclose()
