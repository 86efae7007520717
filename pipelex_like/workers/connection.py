"""The HTTP client that SDKs built on httpx2 are handed, and reading what comes back through it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2

from pipelex_like.errors import CapabilityError
from pipelex_like.workers.translate import BrokenOffError, HttpRefusal
from pipelex_like.workers.transport import read_all, read_start

if TYPE_CHECKING:
    from pipelex_like.workers.base import Access

_MOST_OF_A_REFUSAL = 256 * 1024
_CONNECTIONS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
_REQUEST_IDS = ("x-request-id", "request-id", "mistral-correlation-id", "x-fal-request-id", "x-amzn-requestid")


def plain_headers(access: Access) -> dict[str, str]:
    """Give the headers of every request: what a JSON call needs, nothing of this machine, and the backend's own."""
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": "pipelex-like",
        **access.headers,
    }


def patience(connect: float) -> httpx2.Timeout:
    """Bound only the wait for a connection, in seconds; all other waiting is bounded by whoever calls."""
    return httpx2.Timeout(None, connect=connect)


async def _refuse(response: httpx2.Response) -> None:
    if response.status_code < 300:
        return
    start = await read_start(response.aiter_bytes(), _MOST_OF_A_REFUSAL)
    raise HttpRefusal(response.status_code, dict(response.headers), start)


def trusted(access: Access) -> ssl.SSLContext:
    """Give the certificate authorities of this machine and those of the backend's `ca_file`.

    Raises CapabilityError if that file cannot be read or holds none.
    """
    context = httpx2.create_ssl_context(trust_env=False)
    if access.ca_file is not None:
        try:
            context.load_verify_locations(access.ca_file)
        except (OSError, ValueError) as error:
            why = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else unread(error)
            told = f'backend "{access.backend}": its `ca_file` {access.ca_file} cannot be used: {why}.'
            raise CapabilityError(f"{told} Check `ca_file` of [{access.backend}] in backends.toml.") from error
    return context


def unread(error: Exception) -> str:
    """Say in words why a file could not be read."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _proxy(url: str, context: ssl.SSLContext) -> httpx2.Proxy:
    # Left to itself, the client would choose the authorities for a proxy's own https by what the environment says.
    return httpx2.Proxy(url, ssl_context=context if url.lower().startswith("https://") else None)


def open_http(access: Access, url: str) -> httpx2.AsyncClient:
    """Make the client of one backend, for one event loop: it takes nothing from the environment and follows no
    redirect; a status that is no success is raised as HttpRefusal. Raises CapabilityError for a `ca_file` that
    cannot be used."""
    # Where no TLS is spoken, no list of authorities is loaded for it: that takes longer than all the rest.
    plain = url.startswith("http://") and access.proxy is None and access.ca_file is None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else trusted(access)
    return httpx2.AsyncClient(
        verify=context,
        trust_env=False,
        follow_redirects=False,
        proxy=None if access.proxy is None else _proxy(access.proxy, context),
        limits=_CONNECTIONS,
        timeout=patience(access.connect_timeout),
        event_hooks={"response": [_refuse]},
    )


async def whole(response: httpx2.Response, most: int) -> bytes:
    """Read a reply to its end and close it.

    Raises TooLargeError if it is larger than `most` bytes, unpacked, BrokenOffError if the connection breaks.
    """
    try:
        return await read_all(response.aiter_bytes(), most)
    except httpx2.TransportError as error:
        raise BrokenOffError from error
    finally:
        await response.aclose()


def request_id(response: httpx2.Response) -> str | None:
    """Give the provider's id of the request, where it sends one."""
    return next((response.headers[name] for name in _REQUEST_IDS if response.headers.get(name)), None)
