"""The sandbox over https: an authority of its own, and the same faults."""

from __future__ import annotations

import http.client
import os
import ssl
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from anthropic import AsyncAnthropic
from openai import APIConnectionError, AsyncOpenAI
from sandbox.raw import chat, connect, http_bytes, port_of

from pipelex_like.errors import CapabilityError
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


@pytest.fixture
def secure() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as running:
        yield running


def trusting(sandbox: Sandbox) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def ask(sandbox: Sandbox, **more: object) -> bytes:
    """All bytes of an answer, until the connection ends."""
    with connect(sandbox) as plain, trusting(sandbox).wrap_socket(plain, server_hostname="127.0.0.1") as link:
        link.sendall(http_bytes(sandbox, chat(**more), headers={"connection": "close"}))
        return _until_closed(link)


def _until_closed(link: socket.socket) -> bytes:
    out = b""
    while data := link.recv(65536):
        out += data
    return out


def test_it_answers_under_its_own_authority(secure: Sandbox) -> None:
    assert secure.url == f"https://127.0.0.1:{port_of(secure)}"
    assert ask(secure).startswith(b"HTTP/1.1 200")
    assert ask(secure, stream=True).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_nobody_else_trusts_it(secure: Sandbox) -> None:
    link = http.client.HTTPSConnection("127.0.0.1", port_of(secure), timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        link.request("GET", "/health")
    link.close()
    with Sandbox(tls=True) as other, pytest.raises(ssl.SSLCertVerificationError):
        context = trusting(other)
        with connect(secure) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_the_directory_is_private_holds_no_key_and_goes_away(secure: Sandbox) -> None:
    directory = secure.ca_file.parent
    assert [path.name for path in directory.iterdir()] == ["ca.pem"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(secure.ca_file.stat().st_mode) == 0o600
    assert b"PRIVATE" not in secure.ca_file.read_bytes()
    secure.close()
    assert not directory.exists()
    with pytest.raises(RuntimeError, match="running"):
        _ = secure.ca_file


def test_each_life_has_its_own_authority() -> None:
    threads = threading.active_count()
    seen: set[bytes] = set()
    sandbox = Sandbox(tls=True)
    for _ in range(3):
        with sandbox:
            seen.add(sandbox.ca_file.read_bytes())
            assert ask(sandbox).startswith(b"HTTP/1.1 200")
    assert len(seen) == 3
    assert threading.active_count() == threads


def test_a_plain_sandbox_has_none(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="tls=True"):
        _ = sandbox.ca_file


def test_the_end_of_the_process_takes_the_directory_away() -> None:
    code = "from pipelex_like.sandbox import Sandbox; print(Sandbox(tls=True).start().ca_file.parent)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not os.path.exists(done.stdout.strip())  # noqa: PTH110


def test_without_the_package_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(CapabilityError, match=r'pip install "pipelex-like\[sandbox-https\]"'):
        Sandbox(tls=True).start()
    with Sandbox() as plain:
        assert plain.url.startswith("http://")


# What ends without a farewell was cut, and TLS is there to tell the two apart.
@pytest.mark.parametrize(
    ("model", "error"),
    [("fault-cut-2", ssl.SSLEOFError), ("fault-cut-0", ssl.SSLEOFError), ("fault-reset-2", ConnectionResetError)],
)
def test_cuts_and_resets_are_abrupt(secure: Sandbox, model: str, error: type[Exception]) -> None:
    context = trusting(secure)
    with connect(secure) as link:
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(inward, outward, server_hostname="127.0.0.1")

        def exchange() -> None:
            if outward.pending:
                link.sendall(outward.read())
            data = link.recv(65536)
            inward.write(data) if data else inward.write_eof()

        def until_done() -> None:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    exchange()
            tls.write(http_bytes(secure, chat(model=model, stream=True)))
            while True:
                try:
                    if not tls.read(65536):
                        return
                except ssl.SSLWantReadError:
                    exchange()

        with pytest.raises(error):
            until_done()


def test_a_stream_without_its_end_ends_with_a_farewell(secure: Sandbox) -> None:
    got = ask(secure, stream=True, model="fault-noend")
    assert b"transfer-encoding" not in got
    assert b"[DONE]" not in got
    assert got.endswith(b"}\n\n")


def test_twenty_mebibytes_arrive_whole(secure: Sandbox) -> None:
    assert len(ask(secure, model="fault-huge-20")) > 20 * 1024 * 1024


def test_a_client_that_leaves_is_noticed(secure: Sandbox) -> None:
    with connect(secure) as plain, trusting(secure).wrap_socket(plain, server_hostname="127.0.0.1") as link:
        link.sendall(http_bytes(secure, chat(stream=True, model="fault-stall-2")))
        while b"Simul" not in link.recv(65536):
            pass
    while secure.open_connections:
        ask(secure)
    assert secure.abandoned == 1


def test_a_client_that_speaks_no_tls_disturbs_nobody(secure: Sandbox) -> None:
    with connect(secure) as link:
        link.sendall(http_bytes(secure, chat()))
        assert not _until_closed(link).startswith(b"HTTP")
    with connect(secure):  # a handshake that is never begun
        assert ask(secure).startswith(b"HTTP/1.1 200")
        secure.close()


async def test_sdks_speak_to_it(secure: Sandbox) -> None:
    import httpx2

    async with httpx2.AsyncClient(verify=trusting(secure)) as http:
        openai = AsyncOpenAI(base_url=f"{secure.url}/v1", api_key=secure.api_key, http_client=http, max_retries=0)
        asked = [{"role": "user", "content": "Hi"}]
        answer = await openai.chat.completions.create(model="x", messages=asked)  # pyright: ignore
        assert answer.choices[0].message.content
        with pytest.raises(APIConnectionError):
            await openai.chat.completions.create(model="fault-cut-1", messages=asked)  # pyright: ignore
        claude = AsyncAnthropic(base_url=secure.url, api_key=secure.api_key, http_client=http, max_retries=0)
        async with claude.messages.stream(model="x", max_tokens=9, messages=asked) as stream:  # pyright: ignore
            assert await stream.get_final_text()
