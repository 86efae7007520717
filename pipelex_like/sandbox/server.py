"""The simulated provider as an object: a port on loopback, served by one thread of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self

from pipelex_like.sandbox.app import Application
from pipelex_like.sandbox.connection import Connection, Connections
from pipelex_like.sandbox.faults import FaultTable

if TYPE_CHECKING:
    import ssl
    from pathlib import Path
    from types import TracebackType

    from pipelex_like.sandbox.authority import Authority
    from pipelex_like.sandbox.wire import Recorded

_HOST = "127.0.0.1"
_BACKLOG = 1024
# For all that is still to be sent, and the client's answer to the farewell of TLS.
_FAREWELL_SECONDS = 30.0


class Sandbox:
    """A provider that answers at once, for nothing, and plainly simulated; it fails on demand (see `faults`).

    `with Sandbox() as sandbox:` serves until the end of the block. OpenAI's formats are under `sandbox.url + "/v1"`,
    Anthropic's at `sandbox.url`, for `sandbox.api_key`. Nothing leaves the machine. With `tls=True` it serves https
    instead, with a certificate of an authority of its own, which clients trust by `sandbox.ca_file`.
    """

    def __init__(
        self, *, port: int = 0, api_key: str | None = None, faults: FaultTable | None = None, tls: bool = False
    ) -> None:
        """Take a port (0: any free one), the key to insist on (None: a random one) and the rules of a fault file."""
        self.api_key = api_key or f"sandbox-{secrets.token_urlsafe(24)}"
        self._wanted = port
        self._tls = tls
        self._authority: Authority | None = None
        self._app = Application(self.api_key, faults or FaultTable(), tls=tls)
        self._connections = Connections(self._app)
        self._lock = threading.Lock()
        self._serving: tuple[threading.Thread, socket.socket, asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._port: int | None = None
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"Sandbox(port={self._port or self._wanted})"

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or `https://...`. Raises RuntimeError before the first start."""
        if self._port is None:
            raise RuntimeError("the sandbox has no address yet; call start() first, or use it in a with block")
        return f"http{'s' if self._tls else ''}://{_HOST}:{self._port}"

    @property
    def ca_file(self) -> Path:
        """The PEM file of the authority that https is served with, in a private directory that close() takes away.

        Raises RuntimeError where https is not being served.
        """
        if self._authority is None:
            raise RuntimeError("only a running sandbox that was made with tls=True has a certificate authority")
        return self._authority.ca_file

    @property
    def requests(self) -> tuple[Recorded, ...]:
        """The last thousand requests, the oldest first."""
        return self._app.recorded()

    @property
    def faults(self) -> FaultTable:
        """What goes wrong; another table counts from the next request on."""
        return self._app.faults

    @faults.setter
    def faults(self, table: FaultTable) -> None:
        self._app.faults = table

    @property
    def abandoned(self) -> int:
        """How many replies were given up because their client left before the end."""
        return self._connections.abandoned

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections.open)

    def service_account(self, directory: Path) -> Path:
        """Make a service account of Google Cloud and write its key file into the directory; give the file's path.

        The sandbox is the token endpoint of the account, and takes its tokens in the place of the key. Call it while
        the sandbox runs. Raises CapabilityError where the package `cryptography` is missing.
        """
        return self._app.accounts.write(directory, self.url)

    def reset(self) -> None:
        """Forget all requests, and begin anew with what faults have counted."""
        self._app.reset()
        self._connections.abandoned = 0

    def start(self) -> Self:
        """Serve; returns when requests are answered. A sandbox that runs already goes on.

        Raises OSError where the port is taken, CapabilityError where https lacks the package that it needs.
        """
        with self._lock:
            if self._serving is None:
                self._start()
        return self

    def close(self) -> None:
        """Stop at once: replies under way are cut off, the port is free and the thread gone on return."""
        with self._lock:
            serving, self._serving = self._serving, None
            if serving is None:
                return
            thread, listening, loop, stop = serving
            if os.getpid() != self._process:
                # After a fork the thread stayed in the parent, which still uses the event loop's descriptors.
                listening.close()
                return
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            if self._authority is not None:
                self._authority.remove()
                self._authority = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        if self._tls and self._authority is None:
            from pipelex_like.sandbox.authority import make_authority

            self._authority = make_authority()
        context = None if self._authority is None else self._authority.context
        listening = _listen(self._wanted)
        self._port = int(listening.getsockname()[1])
        self._process = os.getpid()
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        thread = threading.Thread(
            target=_run, args=(listening, context, self._connections, ready), name="pipelex-like-sandbox", daemon=True
        )
        thread.start()
        self._serving = (thread, listening, *ready.result())


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), backlog=_BACKLOG)
    except OSError as error:
        said = f"the sandbox cannot serve on {_HOST}:{port}: {os.strerror(error.errno or 0)}. Choose another port, or 0"
        raise OSError(error.errno, said) from None


def _run(
    listening: socket.socket,
    tls: ssl.SSLContext | None,
    connections: Connections,
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    asyncio.run(_serve(listening, tls, connections, ready))


async def _serve(
    listening: socket.socket,
    tls: ssl.SSLContext | None,
    connections: Connections,
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(
        lambda: Connection(connections),
        sock=listening,
        backlog=_BACKLOG,
        ssl=tls,
        ssl_shutdown_timeout=None if tls is None else _FAREWELL_SECONDS,
    )
    ready.set_result((loop, stop))
    await stop.wait()
    server.close()
    while connections.open:
        for connection in tuple(connections.open):
            connection.abort()
        await asyncio.sleep(0)
