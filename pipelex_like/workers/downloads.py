"""Fetches files from addresses that a provider's answer names, without letting it choose where we go.

Only https to public addresses, or the backend's own address; no key goes along, not even after a redirect.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import httpx2

from pipelex_like.errors import InvalidResponseError, ServerError
from pipelex_like.workers.connection import open_http, patience, whole
from pipelex_like.workers.translate import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.translate import Called

    Resolve = Callable[[str, int], Awaitable[list[str]]]

_MOST_HOPS = 3
_MOST_HOSTS = 8
_HEADERS = {"User-Agent": "pipelex-like", "Accept": "*/*", "Accept-Encoding": "identity"}


async def resolved(host: str, port: int) -> list[str]:
    """Give the IP addresses of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class Downloads:
    """Fetches for one backend, on one event loop; `home` is the backend's own address."""

    def __init__(self, access: Access, home: str, *, resolve: Resolve = resolved) -> None:
        self._access = access
        self._home = home
        self._resolve = resolve
        # One per host: connections go to addresses that were looked at, and two hosts may share one.
        self._clients: dict[str, httpx2.AsyncClient] = {}

    async def fetch(self, url: str, limits: Limits, called: Called) -> bytes:
        """Give the file. Raises CallError subclasses, TooLargeError, and what the HTTP client raises."""
        for _ in range(1 + _MOST_HOPS):
            try:
                return await self._one(url, limits, called)
            except HttpRefusal as refusal:
                where = refusal.headers.get("location") if 300 <= refusal.status < 400 else None
                if where is None:
                    raise _refused(url, refusal, called) from refusal
                url = str(_read(url, called).join(where))
        raise InvalidResponseError(called.says("a picture's address leads from one redirect to the next"), status=200)

    async def _one(self, url: str, limits: Limits, called: Called) -> bytes:
        there = _read(url, called)
        target, headers, extensions = await self._target(there, called)
        connect = self._access.connect_timeout if limits.connect is None else limits.connect
        client = await self._client(there)
        request = client.build_request("GET", target, headers=headers, extensions=extensions, timeout=patience(connect))
        return await whole(await client.send(request, stream=True), limits.max_response_bytes)

    async def _target(self, url: httpx2.URL, called: Called) -> tuple[httpx2.URL, dict[str, str], dict[str, str]]:
        if _origin(url) == _origin(httpx2.URL(self._home)):
            return url, _HEADERS, {}
        if url.scheme != "https" or not url.host or url.userinfo:
            raise _forbidden(url, called, "only https is followed there")
        if self._access.proxy is not None:
            if _is_private(url.host):
                raise _forbidden(url, called, "it is no public address")
            return url, _HEADERS, {}
        addresses = await self._resolve(url.host, url.port or 443)
        if not addresses or any(_is_private(address) for address in addresses):
            raise _forbidden(url, called, "it is no public address")
        host = url.netloc.decode("ascii")
        return url.copy_with(host=addresses[0]), {**_HEADERS, "Host": host}, {"sni_hostname": url.host}

    async def _client(self, url: httpx2.URL) -> httpx2.AsyncClient:
        client = self._clients.get(url.host)
        if client is None:
            if len(self._clients) >= _MOST_HOSTS:
                await self._clients.pop(next(iter(self._clients))).aclose()
            client = self._clients[url.host] = open_http(self._access, str(url))
        return client

    async def aclose(self) -> None:
        """Close all connections."""
        while self._clients:
            await self._clients.popitem()[1].aclose()


def _read(url: str, called: Called) -> httpx2.URL:
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL:
        raise InvalidResponseError(called.says("the answer has a picture's address that is none"), status=200) from None


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    mapped = getattr(address, "ipv4_mapped", None)
    address = address if mapped is None else mapped
    return not address.is_global or address.is_multicast


def _forbidden(url: httpx2.URL, called: Called, why: str) -> InvalidResponseError:
    text = f"the answer sends us for a picture to {url.scheme}://{url.host}, which was refused: {why}"
    return InvalidResponseError(called.says(text), status=200)


def _refused(url: str, refusal: HttpRefusal, called: Called) -> InvalidResponseError | ServerError:
    kind = ServerError if refusal.status >= 500 else InvalidResponseError
    text = f"the picture cannot be fetched from {httpx2.URL(url).host} (status {refusal.status})"
    return kind(called.says(text), status=refusal.status)
