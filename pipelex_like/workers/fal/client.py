"""The SDK for one backend: it authenticates, writes the addresses of the queue and reads what it says of a job; the
HTTP client that all workers share sends.

The SDK's own HTTP client is never made: it sends up to ten times, goes on to a backup host, insists on https, and takes
proxies and hosts from the environment. None of that can be turned off.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import httpx
import httpx2
from fal_client import AsyncClient, AsyncRequestHandle
from fal_client.auth import AuthCredentials
from fal_client.client import QUEUE_URL_FORMAT
from typing_extensions import override

from pipelex_like.errors import InvalidResponseError, ServerError
from pipelex_like.types import is_table
from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import open_http, patience, plain_headers, whole
from pipelex_like.workers.fal.endpoint import is_job, queue_url
from pipelex_like.workers.told import told
from pipelex_like.workers.translate import unfit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Mapping

    from fal_client import Status

    from pipelex_like.errors import CallError
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.translate import Called

_WAY_OUT = "Write the address where the service really is into `endpoint` of the backend."


class _Door:
    """Stands in the place of the SDK's HTTP client, for one job: what is asked of it goes to the backend's address,
    once, and nowhere else. `body` is the last answer, None before it came."""

    def __init__(self, http: httpx2.AsyncClient, base: str, *, called: Called, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = base
        self._called = called
        self._headers = headers
        self.connect = 10.0
        self.most = 0
        self.body: bytes | None = None

    def address(self, url: str) -> str:
        """Give where a request of the SDK goes. Raises InvalidResponseError for another host than the backend's."""
        path = url.removeprefix(QUEUE_URL_FORMAT)
        if path != url:
            return f"{self._base}/{path}"
        home, there = httpx2.URL(self._base), _parsed(url)
        if there is None or there.userinfo or origin(there) != origin(home):
            host = f' ("{there.host}")' if there is not None else ""
            told_text = f"the answer sends us on to another host{host}, and the key would go along"
            raise InvalidResponseError(self._called.says(told_text, _WAY_OUT), status=200)
        return url

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, str | bool] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: object = None,
    ) -> httpx.Response:
        """Send one request; waiting is bounded by whoever calls, not by the SDK's `timeout`."""
        self.body = None
        request = self._http.build_request(
            method,
            self.address(url),
            params=params,
            content=None if json is None else written(json, self._called),
            headers={**self._headers, **(headers or {})},
            timeout=patience(self.connect),
        )
        reply = await self._http.send(request, stream=True)
        self.body = await whole(reply, self.most)
        return httpx.Response(reply.status_code, content=self.body, request=httpx.Request(method, str(request.url)))


def _parsed(url: str) -> httpx2.URL | None:
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL:
        return None


def origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Give scheme, host and port, the port of the scheme where none is written."""
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


class _Sdk(AsyncClient):
    """The SDK's client with the door where its HTTP client would be made."""

    def __init__(self, key: str, door: _Door) -> None:
        super().__init__(key=key)
        self._door = door

    @property
    @override
    def _client(self) -> Awaitable[httpx.AsyncClient]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _given(cast("httpx.AsyncClient", self._door))


async def _given(client: httpx.AsyncClient) -> httpx.AsyncClient:
    return client


class Ticket:
    """A job in the queue. `job_id` is None as long as none was given."""

    def __init__(self, key: str, door: _Door, called: Called) -> None:
        self._sdk = _Sdk(key, door)
        self._door = door
        self._called = called
        self._handle: AsyncRequestHandle | None = None

    @property
    def job_id(self) -> str | None:
        """The provider's id of the job."""
        return None if self._handle is None else self._handle.request_id

    async def submit(self, application: str, body: Mapping[str, object]) -> None:
        """Order the job, by one request."""
        with self._readable():
            handle = await self._sdk.submit(application, dict(body))
        if not is_job(handle.request_id):
            raise unfit(self._called, "the answer has no id of the job")
        self._handle = handle
        for url in (handle.status_url, handle.response_url, handle.cancel_url):
            self._door.address(str(url))

    async def take_up(self, application: str, job_id: str) -> None:
        """Go on with a job that was ordered before; nothing is sent."""
        self._handle = await self._sdk.get_handle(application, job_id)

    async def look(self) -> Status:
        """Ask once how far it is."""
        with self._readable():
            return await self._ordered.status()

    async def result(self) -> dict[str, object]:
        """Fetch what came of it."""
        handle = self._ordered
        await handle.client.request("GET", handle.response_url)
        return parsed(self._door.body or b"", self._called)

    async def cancel(self) -> str:
        """Ask the provider to stop, and give the word for what it does about it.

        https://fal.ai/docs/inference-api/queue/cancel
        """
        await self._ordered.cancel()
        return str(parsed(self._door.body or b"", self._called).get("status"))

    @property
    def _ordered(self) -> AsyncRequestHandle:
        if self._handle is None:
            raise RuntimeError("no job was ordered")
        return self._handle

    @contextmanager
    def _readable(self) -> Generator[None]:
        """The SDK takes answers apart as they should be; say what is wrong with one that is not."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            if self._door.body is None:
                raise
            raise _misread(self._door.body, self._called) from error


def _misread(body: bytes, called: Called) -> CallError:
    answer = parsed(body, called)
    status = answer.get("status")
    if isinstance(status, str) and status not in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED"):
        error = answer["error"] if is_table(answer.get("error")) else answer
        said = told(error, secrets=called.secrets)
        reason = "" if "without a reason" in said.message else f": {said.message}"
        return ServerError(called.says(f"the job ended as {status}{reason}"), status=200)
    return unfit(called, "the answer about the job is not of the promised form")


class Client:
    """The queue of one backend, for one event loop."""

    def __init__(self, access: Access) -> None:
        self.base = queue_url(access.text("endpoint"))
        self._connect = access.connect_timeout
        self._http = open_http(access, self.base)
        self._key = access.text("api_key") or ""
        authorization = AuthCredentials("Key", self._key).as_headers() if self._key else {}
        self._headers = {**authorization, **plain_headers(access)}

    def ticket(self, called: Called, headers: Mapping[str, object], limits: Limits) -> Ticket:
        """Give a ticket for one job, before anything is sent."""
        own = {name: str(value) for name, value in headers.items()}
        door = _Door(self._http, self.base, called=called, headers={**self._headers, **own})
        door.connect = self._connect if limits.connect is None else limits.connect
        door.most = limits.max_response_bytes
        return Ticket(self._key, door, called)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
